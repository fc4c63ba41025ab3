"""What it is worth to have the doubtful images looked at by a person: the Dice of those that are kept, least doubtful first."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from limner.metrics.aggregate import mean
from limner.metrics.review import review_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.evaluation.case_result import CaseResult

__all__ = ["ReviewGain", "review_curve", "review_gain", "review_score"]


class ReviewGain(NamedTuple):
    """Mean Dice of the images kept, averaged over all shares that may be kept.

    Attributes:
        by_score: Kept by the review score.
        at_random: Kept at random: the mean Dice of all images.
        by_truth: Kept by their true Dice, which nobody knows beforehand: no score can do better.
        n: Number of images.
    """

    by_score: float
    at_random: float
    by_truth: float
    n: int


def review_curve(cases: Sequence[CaseResult]) -> list[tuple[float, float]]:
    """Mean Dice against the share of images that are kept, from the least doubtful image alone to all of them.

    Images without a review score or a defined Dice are left out; of equally doubtful ones, those first in the order of their keys are kept.

    Returns:
        Pairs (share kept in (0, 1], mean per-image Dice), one for each image; empty where there are no scores.
    """
    judged = _judged(cases)
    kept = sorted(judged, key=lambda case: (case.review, case.key))
    return [((n + 1) / len(kept), value) for n, value in enumerate(_running_mean([case.dice for case in kept]))]


def review_gain(cases: Sequence[CaseResult]) -> ReviewGain | None:
    """What the review score gains, between keeping at random and keeping by the truth; None where there are no scores."""
    judged = _judged(cases)
    if not judged:
        return None
    dice = [case.dice for case in judged]
    by_score = mean([value for _, value in review_curve(judged)])
    return ReviewGain(by_score, mean(dice), mean(_running_mean(sorted(dice, reverse=True))), len(dice))


def _judged(cases: Sequence[CaseResult]) -> list[CaseResult]:
    return [case for case in cases if not math.isnan(case.review) and not math.isnan(case.dice)]


def _running_mean(values: Sequence[float]) -> list[float]:
    return [total / (n + 1) for n, total in enumerate(accumulate(values))]
