"""int8 by measurement: how to spread the eight bits, and which layers to leave in float, as the validation images say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from limner.errors import ModelFileError
from limner.export.bias import Corrections, correct_biases
from limner.export.calibration import METHODS, Observations, Ranges, observe, ranges
from limner.export.images import batches
from limner.export.int8 import WEIGHT_BITS, WEIGHT_LEVELS, quantise
from limner.export.networks import find_networks
from limner.export.ranking import rank_layers
from limner.export.upsampling import without_transposed
from limner.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import onnx

    from limner.export.images import OwnImages
    from limner.export.judging import Judge
    from limner.export.parity import Parity
    from limner.progress import Progress
    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray

MOST_LOST = 0.5  # points of Dice; nothing is written that loses more
_GOOD_LOSS = 0.1  # points of Dice, with which the search ends
_GOOD_DIFFERENCE = 0.01  # of a probability, on average, likewise
_RANKED_ON = 3  # images
_AVERAGED = 24  # images, of which the means of channels are taken
_MOST_KEPT = 1 / 3  # of the layers


@dataclass(frozen=True)
class Candidate:
    """A quantised graph, and what it is worth.

    Attributes:
        model: The graph.
        parity: How it agrees with the float32 file.
        method: How the ranges of its tensors were found.
        kept: The layers that are in float.
    """

    model: onnx.ModelProto
    parity: Parity
    method: str
    kept: tuple[str, ...]

    @property
    def lost(self) -> float:
        """Points of Dice."""
        return self.parity.dice_lost or 0.0

    @property
    def is_good(self) -> bool:
        """There is no need to look for a better one."""
        return self.lost <= _GOOD_LOSS and (self.parity.mean_prob_difference or 0.0) <= _GOOD_DIFFERENCE


def quantised(
    model: onnx.ModelProto, metadata: ModelMetadata, images: OwnImages, judge: Judge, *, progress: bool = True
) -> tuple[onnx.ModelProto, Parity, dict[str, Any]]:
    """Quantise a model so that it loses next to nothing on the images it is judged by.

    First all layers but the first and the last are quantised, with ranges by each of `METHODS`. If none of these is good, the layers are
    ranked by the harm that each does alone, and the worst 1, 2, 4, ... stay in float too, until one is. If none ever is, it is the one
    whose probabilities are nearest to those in float32: on some dozens of images, what is lost of Dice tells two like ones apart by chance.

    Args:
        model: In float32.
        metadata: Of its file.
        images: Its own, to calibrate on.
        judge: Compares with `model`.
        progress: Show bars.

    Returns:
        The graph, how it agrees with the float32 one, and what the file is to say of its making.

    Raises:
        DataError: An image cannot be read.
        ModelFileError: Even the best of all candidates loses more than `MOST_LOST`.
    """
    plain = without_transposed(model)
    with show_progress("calibrating", enabled=progress) as tick:
        seen = observe(plain, _told(batches(images.calibration, metadata), len(images.calibration), tick))
    biases = correct_biases(plain, batches(images.calibration[:_AVERAGED], metadata), levels=WEIGHT_LEVELS)
    tried = list(_methods(plain, seen, biases, judge, progress=progress))
    best = min(tried, key=_merit)
    if not best.is_good:
        sample = list(batches(images.calibration[:_RANKED_ON], metadata))
        tried += _keeping(plain, ranges(seen, best.method), biases, best, sample, judge=judge, progress=progress)
        best = min(tried, key=_merit)
    if best.lost > MOST_LOST:
        raise _too_much(best, judge)
    return best.model, best.parity, _facts(best, plain, images, judge, len(tried))


def _merit(one: Candidate) -> tuple[bool, bool, float]:
    """Good ones first, then those that may be written, then the nearest to float32."""
    return not one.is_good, one.lost > MOST_LOST, one.parity.mean_prob_difference or 0.0


def _methods(model: onnx.ModelProto, seen: Observations, biases: Corrections, judge: Judge, *, progress: bool) -> Iterator[Candidate]:
    for number, method in enumerate(METHODS, start=1):
        graph = quantise(model, ranges(seen, method), biases=biases)
        with show_progress(f"measuring way {number} of {len(METHODS)} to calibrate", enabled=progress) as tick:
            yield Candidate(graph, judge.parity(graph, tick), method, ())


def _keeping(
    model: onnx.ModelProto, spread: Ranges, biases: Corrections, best: Candidate, sample: list[ImageArray], *, judge: Judge, progress: bool
) -> Iterator[Candidate]:
    """With more and more layers in float, until one is good, or too many are."""
    with show_progress("measuring each layer alone", enabled=progress) as tick:
        ranked = rank_layers(model, spread, sample, tick, biases=biases)
    most = max(1, int(len(ranked) * _MOST_KEPT))
    for count in takewhile(lambda count: count <= most, (2**power for power in range(20))):
        graph = quantise(model, spread, biases=biases, kept=ranked[:count])
        with show_progress(f"measuring with {count} of {len(ranked)} layers in float", enabled=progress) as tick:
            candidate = Candidate(graph, judge.parity(graph, tick), best.method, tuple(ranked[:count]))
        yield candidate
        if candidate.is_good:
            return


def _told(values: Iterable[ImageArray], total: int, tick: Progress) -> Iterator[ImageArray]:
    for done, value in enumerate(values, start=1):
        yield value
        tick(done, total)


def _facts(best: Candidate, model: onnx.ModelProto, images: OwnImages, judge: Judge, tried: int) -> dict[str, Any]:
    network = find_networks(model)[0]  # of an ensemble the others are like it
    kept = [name for name in network.layers if name not in network.inner or name in best.kept]
    return {
        "calibrated_on": f"{len(images.calibration)} of {images.training} training images",
        "range": best.method,
        "weights": f"int8 of {WEIGHT_BITS} bits, per channel",
        "activations": "uint8, per tensor",
        "layers": len(network.layers),
        "float_layers": kept,
        "measured_on": f"{len(judge)} of {images.said}",
        "candidates": tried,
    }


def _too_much(best: Candidate, judge: Judge) -> ModelFileError:
    what = (
        f"in int8 the model loses {best.lost:.2f} points of Dice on {len(judge)} images, even with {len(best.kept)} layers in float; "
        f"at most {MOST_LOST} may be lost"
    )
    return ModelFileError(what, fix="nothing was written; export it with --precision float16, or float32")
