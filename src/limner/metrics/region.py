"""Counts -> scores of overlap, each in [0, 1].

All of them are quotients, and a quotient can be 0/0. Two rules settle what it is then:

* **Nothing to measure in either mask** (for Dice, IoU, precision, recall and F2: both masks empty; for specificity: both masks full;
  for accuracy: no pixels): the argument `empty` decides. `"one"`: 1, since the model was right. `"nan"`: NaN, which any mean over
  cases then shows. `"skip"`: also NaN here, but an aggregate leaves the case out, and its n falls (see `limner.metrics.aggregate`).
* **Something in one of them only**: 0, whatever `empty` says. So an empty prediction of a real object has precision 0, and a prediction on
  an empty target has recall 0 (and specificity is 0 when the target is full and the prediction is not).

Sources: Dice, Ecology 26:297-302, 1945; Jaccard, New Phytologist 11:37-50, 1912; van Rijsbergen, Information Retrieval, 1979 (F-beta).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

if TYPE_CHECKING:
    from limner.metrics.counts import Counts

EmptyRule: TypeAlias = Literal["one", "nan", "skip"]


class Metric(Protocol):
    """What every function of this module looks like."""

    def __call__(self, c: Counts, /, *, empty: EmptyRule = "one") -> float:
        """Score of the counts `c`, in [0, 1] or NaN."""


def dice(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Dice coefficient, 2 TP / (2 TP + FP + FN); the same as F1.

    Example:
        >>> from limner.metrics import Counts
        >>> dice(Counts(tp=3, fp=1, fn=1, tn=5))
        0.75
        >>> dice(Counts(tn=10)), dice(Counts(tn=10), empty="nan")
        (1.0, nan)
    """
    return _quotient(2 * c.tp, 2 * c.tp + c.fp + c.fn, nothing=_no_foreground(c), empty=empty)


def iou(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Intersection over union (Jaccard index), TP / (TP + FP + FN)."""
    return _quotient(c.tp, c.tp + c.fp + c.fn, nothing=_no_foreground(c), empty=empty)


def precision(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the predicted foreground that is true, TP / (TP + FP); 0 when an object is missed altogether."""
    return _quotient(c.tp, c.tp + c.fp, nothing=_no_foreground(c), empty=empty)


def recall(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the true foreground that is found (sensitivity), TP / (TP + FN); 0 for a prediction on an empty target."""
    return _quotient(c.tp, c.tp + c.fn, nothing=_no_foreground(c), empty=empty)


def f2(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """F-beta with beta 2, which weighs recall above precision: 5 TP / (5 TP + 4 FN + FP)."""
    return _quotient(5 * c.tp, 5 * c.tp + 4 * c.fn + c.fp, nothing=_no_foreground(c), empty=empty)


def specificity(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the true background that is left alone, TN / (TN + FP)."""
    return _quotient(c.tn, c.tn + c.fp, nothing=c.tn + c.fp + c.fn == 0, empty=empty)


def accuracy(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the pixels that are right, (TP + TN) / all. High on any image of a small object: never quote it alone."""
    return _quotient(c.tp + c.tn, c.total, nothing=c.total == 0, empty=empty)


# In the order in which tables show them.
METRICS: dict[str, Metric] = {
    "dice": dice,
    "iou": iou,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "accuracy": accuracy,
    "f2": f2,
}


def _no_foreground(c: Counts) -> bool:
    return c.tp + c.fp + c.fn == 0


def _quotient(numerator: int, denominator: int, *, nothing: bool, empty: EmptyRule) -> float:
    if empty not in get_args(EmptyRule):
        raise ValueError(f"empty must be one of {get_args(EmptyRule)}, not {empty!r}")
    if nothing:
        return 1.0 if empty == "one" else math.nan
    return numerator / denominator if denominator else 0.0
