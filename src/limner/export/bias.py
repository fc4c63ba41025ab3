"""Biases that make up for the rounding of weights.

Rounded weights add up to something else than the weights did, and what goes into a layer is seldom zero on average; so each output channel
is shifted, by an amount that the mean of the input tells. It is taken off the bias.

Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, arXiv:1906.04721, section 4.2, with
the means seen on images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from limner.export.networks import find_networks
from limner.export.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.types import ImageArray

# Name of a convolution -> name of its bias, and the bias that it is to have once its weights are rounded.
Corrections: TypeAlias = dict[str, tuple[str, NDArray[np.float32]]]

_AXES = "means/axes"


def correct_biases(model: onnx.ModelProto, batches: Iterable[ImageArray], *, levels: int) -> Corrections:
    """What becomes of the biases of all convolutions in the networks of a model that have one.

    Args:
        model: In float32; takes `image`.
        batches: uint8 RGB (N, H, W, 3), one after the other.
        levels: Weights of an output channel are rounded to whole multiples, at most this many, of a step.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = (node for network in find_networks(model) for node in network.nodes)
    convolutions = [node for node in nodes if node.op_type == "Conv" and {*node.input[1:]} <= tensors.keys() and len(node.input) == 3]
    means = _channel_means(model, dict.fromkeys(node.input[0] for node in convolutions), batches)
    found: Corrections = {}
    for node in convolutions:
        weight, bias = (numpy_helper.to_array(tensors[name]).astype(np.float64) for name in node.input[1:])
        shift = _shift(weight, means[node.input[0]], levels)
        found[node.name] = node.input[2], (bias - shift).astype(np.float32)
    return found


def _shift(weight: NDArray[np.float64], means: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """What the rounding of weights (O, I / groups, ...) adds to each output channel, where the input channels (I,) have these means."""
    outputs, inputs = weight.shape[:2]
    flat = weight.reshape(outputs, -1)
    step = np.maximum(np.abs(flat).max(axis=1), np.finfo(np.float32).tiny)[:, None] / levels
    error = (np.round(flat / step) * step - flat).reshape(outputs, inputs, -1).sum(axis=2)
    groups = len(means) // inputs
    seen = np.repeat(means.reshape(groups, inputs), outputs // groups, axis=0)  # of each output channel its input channels
    return np.asarray((error * seen).sum(axis=1), dtype=np.float64)


def _channel_means(model: onnx.ModelProto, names: Iterable[str], batches: Iterable[ImageArray]) -> dict[str, NDArray[np.float64]]:
    """The mean over images, rows and columns of each channel of some tensors (N, C, h, w)."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    graph, names = asked.graph, list(names)
    del graph.output[:]
    graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3], np.int64), _AXES))
    for number, name in enumerate(names):
        graph.node.append(helper.make_node("ReduceMean", [name, _AXES], [f"means/{number}"], keepdims=0))
        graph.output.append(helper.make_tensor_value_info(f"means/{number}", TensorProto.FLOAT, [None]))
    session = open_session(asked.SerializeToString())
    rows = [session.run(None, {"image": batch}) for batch in batches]
    return {name: np.mean([row[number] for row in rows], axis=0, dtype=np.float64) for number, name in enumerate(names)}
