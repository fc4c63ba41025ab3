"""Calibration by temperature scaling: all logits are divided by one number, so that probabilities are as likely as can be.

A model that says 0.8 of a thousand pixels should be right about eight hundred of them. The temperature that makes the likelihood of the
validation part greatest (Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2) brings it nearer to that. Dividing
moves no probability across another, so at a threshold moved with them the masks stay what they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from limner.errors import RunError
from limner.evaluation.curves import ReliabilityBin
from limner.evaluation.swept import sweep_cases
from limner.metrics import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from limner.evaluation.protocols import Cases, Segmenter
    from limner.evaluation.swept import Swept
    from limner.metrics.probability import LogitHistogram
    from limner.progress import Progress

LEAST_IMAGES = 5  # with foreground; a rule of thumb: pixels of one image err together, so there are hardly more witnesses than images
_BOUNDS = (0.1, 10.0)  # the fit leaves them on a part without errors, and with a network that has learnt next to nothing
_NEAR = 0.01  # a temperature this near to 1 changes no probability by more than 0.003
_SETTLED = 0.05
_ROUNDS = 3


class Calibration(BaseModel):
    """What calibration has changed, over all pixels of the validation part at the size of the original masks.

    Attributes:
        temperature: What the logits are divided by; 1 where they are left alone. Above 1 the network was too sure of itself.
        nll_before: Negative log-likelihood, the mean over pixels in nats, as the network came.
        nll_after: The same with the temperature; lower, or the same where nothing was changed.
        ece_before: Expected calibration error, in [0, 1].
        ece_after: The same with the temperature.
        reliability_before: The bins of the reliability diagram, lowest first; empty ones are left out.
        reliability_after: The same with the temperature.
        n: Number of images.
        pixels: Number of pixels.
        source: The data set's name.
        origin: A sentence that says what was done, or why nothing was.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    temperature: float
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float
    reliability_before: tuple[ReliabilityBin, ...]
    reliability_after: tuple[ReliabilityBin, ...]
    n: int
    pixels: int
    source: str
    origin: str

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read a run's calibration.json.

        Raises:
            RunError: The file is damaged.
        """
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError):
            raise RunError("the calibration cannot be read", where=path, fix="delete the file: the report does without it") from None


def calibrate(
    at: Callable[[float], Segmenter], dataset: Cases, *, thresholds: Sequence[float] = THRESHOLDS, progress: Progress | None = None
) -> tuple[Calibration, Swept]:
    """Find the temperature, and what the model says of the validation part with it.

    The fit looks at probabilities, in which logits beyond 16 and those of overlapping tiles cannot be told apart. So it is made again with
    the temperature that it found, at most three times; nearly always the second pass finds nothing left to do.

    Args:
        at: The model at a temperature, which its probabilities already have.
        dataset: The validation part.
        thresholds: At which the pass counts.
        progress: Called with (done, total) after each case of each pass.

    Returns:
        The calibration, and the pass at its temperature. That is 1 where too few images have foreground, or where nothing is gained.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: The model predicts NaN, or masks of another size.
    """
    before = sweep_cases(at(1.0), dataset, thresholds=thresholds, progress=progress)
    images = sum(before.has_object)
    if images < LEAST_IMAGES:
        return _left_alone(before, f"it takes {LEAST_IMAGES} validation images with foreground, and there are {images}")
    temperature, step, after = 1.0, before.logits.best_temperature(), before
    if abs(step - 1) < _NEAR:
        return _left_alone(before, "the best temperature is 1, or as good as that")
    for _ in range(_ROUNDS):
        temperature = round(temperature * step, 3)
        if not _BOUNDS[0] < temperature < _BOUNDS[1]:
            why = "the network errs too seldom here to tell, or has hardly learnt"
            return _left_alone(before, f"the fit went to {temperature:.2g}, since {why}")
        after = sweep_cases(at(temperature), dataset, thresholds=thresholds, progress=progress)
        step = after.logits.best_temperature()
        if abs(step - 1) < _SETTLED:
            break
    if after.logits.nll() >= before.logits.nll():
        return _left_alone(before, f"a temperature of {temperature:.2f} made the probabilities no more likely")
    origin = f"temperature scaling: greatest likelihood of the {after.logits.total:,} pixels of {after.n} validation images"
    return _calibration(temperature, before, after, origin), after


def _left_alone(swept: Swept, why: str) -> tuple[Calibration, Swept]:
    return _calibration(1.0, swept, swept, f"not calibrated: {why}"), swept


def _calibration(temperature: float, before: Swept, after: Swept, origin: str) -> Calibration:
    return Calibration(
        temperature=temperature,
        nll_before=before.logits.nll(),
        nll_after=after.logits.nll(),
        ece_before=before.logits.ece(),
        ece_after=after.logits.ece(),
        reliability_before=_reliability(before.logits),
        reliability_after=_reliability(after.logits),
        n=after.n,
        pixels=after.logits.total,
        source=after.source,
        origin=origin,
    )


def _reliability(logits: LogitHistogram) -> tuple[ReliabilityBin, ...]:
    return tuple(ReliabilityBin(mean_prob=p, share_foreground=share, n=n) for p, share, n in logits.reliability())
