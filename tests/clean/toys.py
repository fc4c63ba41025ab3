"""A model file whose network is one convolution, written by hand: it takes milliseconds, and nothing of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from limner.export.exporter import new_metadata, write_model
from limner.export.graph import OPSET, join, postprocess_graph, preprocess_graph
from limner.recipe import load_recipe

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (32, 48)
THRESHOLD = 0.37


def write_model_by_hand(path: Path, *settings: str) -> Path:
    """Redness against a constant, blurred: of a phantom it outlines something.

    Args:
        path: The file.
        settings: Of the recipe, besides the input size.
    """
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}", "data.normalisation=unit", *settings])
    weights = np.broadcast_to(np.array([4.0, -3.0, -3.0], np.float32)[None, :, None, None] / 9, (1, 3, 3, 3))
    constants = [numpy_helper.from_array(weights, "weight"), numpy_helper.from_array(np.array([0.3], np.float32), "bias")]
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", depth, *SIZE]) for name, depth in (("x", 3), ("y", 1))]
    node = helper.make_node("Conv", ["x", "weight", "bias"], ["y"], name="conv", pads=[1, 1, 1, 1])
    graph = helper.make_graph([node], "core", shapes[:1], shapes[1:], constants)
    core = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(core)
    joined = join(preprocess_graph(recipe.data), core, postprocess_graph(THRESHOLD, keep_aspect=recipe.data.keep_aspect))
    return write_model(joined, new_metadata(recipe, threshold=THRESHOLD, threshold_origin="chosen for the tests"), path)
