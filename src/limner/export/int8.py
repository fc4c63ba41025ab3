"""float32 -> int8: a network whose layers compute with eight-bit whole numbers, three to four times as fast on a processor.

Static quantisation (Jacob et al., CVPR 2018, arXiv:1712.05877) by ONNX Runtime's quantiser: weights per output channel, symmetric;
activations per tensor, unsigned, over a range that was seen on images (`limner.export.calibration`). Weights get seven bits: older
processors add up two products in sixteen bits, which eight-bit weights can overflow without a word, and their masks would differ from
those that were measured here. What this rounding adds on average is taken off the biases
(`limner.export.bias`).
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import onnx

from limner.errors import ModelFileError
from limner.export.networks import find_networks, in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from limner.export.bias import Corrections
    from limner.export.calibration import Ranges
    from limner.export.networks import Network

WEIGHT_BITS = 7
WEIGHT_LEVELS = 64  # a weight is a whole multiple of its channel's step, from minus this to plus this

# What has integer kernels in ONNX Runtime, or passes integers on. Softmax and the layer normalisations lose too much by it.
_QUANTISED = (
    "Add", "AveragePool", "Clip", "Concat", "Conv", "ConvTranspose", "DepthToSpace", "Flatten", "Gemm", "GlobalAveragePool", "LeakyRelu",
    "MatMul", "MaxPool", "Mul", "Pad", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
_ACTIVATIONS = frozenset({"Relu", "Clip", "LeakyRelu"})


def quantise(
    model: onnx.ModelProto, ranges: Ranges, *, biases: Corrections | None = None, kept: Iterable[str] = (), only: str | None = None
) -> onnx.ModelProto:
    """A model whose networks compute in whole numbers, but for the layers that are kept, and the first and the last of each.

    These two cost next to nothing in float. The filters of a first layer tell small differences between large values, so that it suffers
    more than others; what a last layer gives, the logits, would take no more than 256 values.

    Args:
        model: In float32.
        ranges: Of every tensor in its networks.
        biases: What becomes of the biases of layers that are quantised.
        kept: Layers that stay in float, by name without the network's prefix; so do the additions of what they give.
        only: Quantise this layer alone, to see what harm it does.

    Raises:
        ModelFileError: There is nothing to quantise.
    """
    from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType, TensorsData

    chosen = _chosen(model, set(kept), only)
    if not chosen:
        raise ModelFileError("the network has no layer that could be quantised", fix="export it in float32 or float16")
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    _set_biases(copied, {name: biases[name] for name in chosen if name in biases} if biases else {})
    spread = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.items()}
    quantizer = QDQQuantizer(
        copied,
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, spread),
        nodes_to_quantize=chosen,
        nodes_to_exclude=[],
        op_types_to_quantize=list(_QUANTISED),
        extra_options={},
    )
    with _quiet():
        quantizer.quantize_model()
    return in_order(quantizer.model.model)


def _set_biases(model: onnx.ModelProto, biases: Corrections) -> None:
    corrected = dict(biases.values())
    for tensor in model.graph.initializer:
        if tensor.name in corrected:
            tensor.CopyFrom(onnx.numpy_helper.from_array(corrected[tensor.name], tensor.name))


def _chosen(model: onnx.ModelProto, kept: Collection[str], only: str | None) -> list[str]:
    """Names of the nodes to quantise."""
    chosen: list[str] = []
    for network in find_networks(model):
        names = {node.name for node in network.nodes}
        if only is not None:
            chosen += _group(network, {network.prefix + only})
        else:
            chosen += names - network.last - _group(network, network.first | {network.prefix + name for name in kept})
    return chosen


def _group(network: Network, layers: Collection[str]) -> set[str]:
    """Layers, with what only shapes or adds up what they give: their output is in float only if nothing of that rounds it."""
    found = set(layers)
    values = {name for node in network.nodes if node.name in found for name in node.output}
    for node in network.nodes:
        if values & set(node.input) and (node.op_type in _ACTIVATIONS or node.op_type == "Add"):
            found.add(node.name)
            if node.op_type in _ACTIVATIONS:
                values.update(node.output)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser from the console: it tells its authors of tensors that it leaves alone."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
