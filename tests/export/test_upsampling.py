from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from limner.export.exporter import _export_core
from limner.export.upsampling import without_transposed

if TYPE_CHECKING:
    import onnx


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {model.graph.input[0].name: image})[0]


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(3, 5, 2, stride=2), nn.ConvTranspose2d(3, 4, 3, stride=3, bias=False)])
def test_strokes_that_do_not_overlap_become_plain_convolutions(layer: nn.Module) -> None:
    model = _export_core(layer.eval(), (3, 6, 7))
    plain = without_transposed(model)
    assert Counter(node.op_type for node in plain.graph.node)["ConvTranspose"] == 0
    assert Counter(node.op_type for node in model.graph.node)["ConvTranspose"] == 1, "the original is left alone"
    image = np.random.default_rng(0).normal(size=(2, 3, 6, 7)).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(run(plain, image), layer(torch.from_numpy(image)).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1),
        nn.ConvTranspose2d(4, 4, 2, stride=2, groups=2),
        nn.ConvTranspose2d(4, 4, (2, 3), stride=(2, 3)),
        nn.ConvTranspose2d(4, 4, 2, stride=2, output_padding=1),
    ],
)
def test_others_are_left_alone(layer: nn.Module) -> None:
    model = _export_core(layer.eval(), (4, 6, 7))
    assert [node.op_type for node in without_transposed(model).graph.node] == [node.op_type for node in model.graph.node]
