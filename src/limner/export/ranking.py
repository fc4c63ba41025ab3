"""Which layers does a network suffer from most when they are quantised? Each of them alone, measured at the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.export.int8 import quantise
from limner.export.networks import extract, find_networks
from limner.export.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx
    from numpy.typing import NDArray

    from limner.export.bias import Corrections
    from limner.export.calibration import Ranges
    from limner.progress import Progress
    from limner.types import ImageArray

    _Logits = list[list[NDArray[np.float32]]]


def rank_layers(
    model: onnx.ModelProto, ranges: Ranges, images: Sequence[ImageArray], tick: Progress, *, biases: Corrections | None = None
) -> list[str]:
    """The inner layers of a network, the most harmful first: by the mean square by which the logits change when it alone is quantised.

    Of an ensemble the first network stands for all, which are alike.

    Args:
        model: In float32.
        ranges: Of every tensor in its networks.
        images: A few batches, uint8 RGB (N, H, W, 3).
        tick: Is told how far the work is.
        biases: As for `quantise`.
    """
    network = find_networks(model)[0]
    before = open_session(extract(model, ("image",), network.inputs).SerializeToString())
    core = extract(model, network.inputs, network.outputs)
    inputs = [dict(zip(network.inputs, before.run(list(network.inputs), {"image": batch}), strict=True)) for batch in images]
    exact = _logits(core, network.outputs, inputs)
    harm = {}
    for done, layer in enumerate(network.inner, start=1):
        harm[layer] = _distance(exact, _logits(quantise(core, ranges, biases=biases, only=layer), network.outputs, inputs))
        tick(done, len(network.inner))
    return sorted(harm, key=lambda layer: -harm[layer])


def _logits(core: onnx.ModelProto, outputs: Sequence[str], inputs: Sequence[dict[str, NDArray[np.float32]]]) -> _Logits:
    session = open_session(core.SerializeToString())
    return [session.run(list(outputs), values) for values in inputs]


def _distance(exact: _Logits, found: _Logits) -> float:
    pairs = [(a, b) for image, other in zip(exact, found, strict=True) for a, b in zip(image, other, strict=True)]
    return float(np.mean([np.square(a - b, dtype=np.float64).mean() for a, b in pairs]))
