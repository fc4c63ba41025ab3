"""Model files whose answers are known, written node by node: their probability is what is red in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from limner.runtime import ModelMetadata, wire
from limner.runtime.format import CHECKSUM_KEY, METADATA_KEY

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

_OUTPUTS = {"probs": TensorProto.FLOAT, "mask": TensorProto.UINT8}


def write_red(path: Path, *, gain: float = 1.0, resized: bool = False, **metadata: Any) -> Path:
    """A model whose probability is the red channel times `gain`; with `resized`, it is brought to the input size and back in between."""
    facts = {"name": path.stem, "task": "polyp", "input_size": (32, 32), "created": "2026-01-01T00:00:00+00:00"} | metadata
    known = ModelMetadata(**facts)
    path.write_bytes(_signed(_red(gain, known.input_size if resized else None, known.threshold), known))
    return path


def _red(gain: float, size: tuple[int, int] | None, threshold: float) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["image", "zero"], ["red"], axis=3),
        helper.make_node("Cast", ["red"], ["level"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["level", "white"], ["plane"]),
        *_resizing(size),
        helper.make_node("Mul", ["seen", "gain"], ["probs"]),
        helper.make_node("GreaterOrEqual", ["probs", "threshold"], ["above"]),
        helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.UINT8),
    ]
    constants = {"zero": np.array(0), "white": np.float32(255), "gain": np.float32(gain), "threshold": np.float32(threshold)}
    if size is not None:
        constants |= {"size": np.array(size), "channel": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "red",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info(name, kind, ["N", "H", "W"]) for name, kind in _OUTPUTS.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _resizing(size: tuple[int, int] | None) -> list[onnx.NodeProto]:
    """To the size and back, antialiased, as limner's files do it."""
    if size is None:
        return [helper.make_node("Identity", ["plane"], ["seen"])]
    how: dict[str, Any] = {"mode": "linear", "antialias": 1, "exclude_outside": 1, "coordinate_transformation_mode": "half_pixel"}
    return [
        helper.make_node("Unsqueeze", ["plane", "channel"], ["pixels"]),
        helper.make_node("Shape", ["pixels"], ["original"]),
        helper.make_node("Shape", ["pixels"], ["outer"], end=2),
        helper.make_node("Concat", ["outer", "size"], ["wanted"], axis=0),
        helper.make_node("Resize", ["pixels", "", "", "wanted"], ["small"], **how),
        helper.make_node("Resize", ["small", "", "", "original"], ["large"], **how),
        helper.make_node("Squeeze", ["large", "channel"], ["seen"]),
    ]


def _signed(model: onnx.ModelProto, metadata: ModelMetadata) -> bytes:
    properties = {METADATA_KEY: metadata.model_dump_json()}
    helper.set_model_props(model, properties)
    digest = wire.checksum(memoryview(model.SerializeToString()), without=CHECKSUM_KEY)
    helper.set_model_props(model, properties | {CHECKSUM_KEY: digest})
    return model.SerializeToString()
