"""Curves over the pixels of all images together, as they are kept and drawn."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ReliabilityBin(BaseModel):
    """The pixels of one bin of probabilities.

    Attributes:
        mean_prob: Mean probability of the pixels, in [0, 1].
        share_foreground: Share of them that is foreground; equal to `mean_prob` where the probabilities are calibrated.
        n: How many pixels there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean_prob: float
    share_foreground: float
    n: int


class ProbabilityCurves(BaseModel):
    """What can be said of probabilities without a threshold.

    Attributes:
        roc: Points (false-positive rate, true-positive rate), from (0, 0) to (1, 1).
        precision_recall: Points (recall, precision), recall rising.
        reliability: The bins of the expected calibration error, lowest first; empty ones are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    reliability: tuple[ReliabilityBin, ...]
