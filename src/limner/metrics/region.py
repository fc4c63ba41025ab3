"""Counts -> scores of overlap and agreement, each in [0, 1], MCC and kappa in [-1, 1].

All of them are quotients, and a quotient can be 0/0. Two rules settle what it is then:

* **Nothing to measure in either mask**: the argument `empty` decides. `"one"`: 1, since the model was right. `"nan"`: NaN, which any mean
  over cases then shows. `"skip"`: also NaN here, but an aggregate leaves the case out, and its n falls (see `limner.metrics.aggregate`).
  There is nothing to measure for Dice, IoU, precision, recall, F-beta and volume similarity when both masks are empty; for specificity when
  both are full; for MCC and kappa in both cases; for accuracy and balanced accuracy when there are no pixels.
* **Something in one of them only**: 0, whatever `empty` says. So an empty prediction of a real object has precision 0, and a prediction on
  an empty target has recall 0 (and specificity is 0 when the target is full and the prediction is not). MCC is 0 as soon as one mask is
  empty or full and the other is not the same.

Sources: Dice, Ecology 26:297-302, 1945; Jaccard, New Phytologist 11:37-50, 1912; van Rijsbergen, Information Retrieval, 1979 (F-beta);
Matthews, Biochimica et Biophysica Acta 405:442-451, 1975; Cohen, Educational and Psychological Measurement 20:37-46, 1960; Taha and
Hanbury, BMC Medical Imaging 15:29, 2015 (volume similarity).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

if TYPE_CHECKING:
    from limner.metrics.counts import Counts

EmptyRule: TypeAlias = Literal["one", "nan", "skip"]
_EMPTY_RULES: tuple[EmptyRule, ...] = get_args(EmptyRule)


class Metric(Protocol):
    """What every function of this module looks like."""

    def __call__(self, c: Counts, /, *, empty: EmptyRule = "one") -> float:
        """Score of the counts `c`: at most 1, or NaN."""


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


def specificity(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the true background that is left alone, TN / (TN + FP)."""
    return _quotient(c.tn, c.tn + c.fp, nothing=c.tn + c.fp + c.fn == 0, empty=empty)


def accuracy(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Share of the pixels that are right, (TP + TN) / all. High on any image of a small object: never quote it alone."""
    return _quotient(c.tp + c.tn, c.total, nothing=c.total == 0, empty=empty)


def balanced_accuracy(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Mean of recall and specificity over the classes that the target holds, as scikit-learn takes it.

    So on an empty target it is the specificity alone, and on a full one the recall: the other class has no pixels that could be right.
    """
    classes = [(c.tp, c.tp + c.fn), (c.tn, c.tn + c.fp)]
    shares = [_quotient(right, size, nothing=False, empty=empty) for right, size in classes if size]
    return sum(shares) / len(shares) if shares else _undefined(empty)


def f_beta(c: Counts, /, beta: float, *, empty: EmptyRule = "one") -> float:
    """F-beta, which weighs recall `beta` times as much as precision: (1 + b²) TP / ((1 + b²) TP + b² FN + FP); with beta 1 it is Dice.

    Raises:
        ValueError: `beta` is not above 0.

    Example:
        >>> from limner.metrics import Counts
        >>> missed = Counts(tp=3, fp=0, fn=3)
        >>> [round(f_beta(missed, beta), 3) for beta in (0.5, 1, 2)]
        [0.833, 0.667, 0.556]
    """
    if not 0 < beta < math.inf:
        raise ValueError(f"beta must be above 0, not {beta}")
    square = beta * beta
    found = (1 + square) * c.tp
    return _quotient(found, found + square * c.fn + c.fp, nothing=_no_foreground(c), empty=empty)


def f2(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """F-beta with beta 2, for where a miss is worse than a false alarm: 5 TP / (5 TP + 4 FN + FP)."""
    return f_beta(c, 2, empty=empty)


def mcc(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Matthews correlation coefficient of the two masks, in [-1, 1]; 0 is what a constant or a random mask gets."""
    sides = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    return _quotient(c.tp * c.tn - c.fp * c.fn, math.sqrt(sides), nothing=_one_class(c), empty=empty)


def kappa(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """Cohen's kappa, in [-1, 1]: agreement beyond the one that two random masks of these sizes would have."""
    chance = (c.tp + c.fp) * (c.fp + c.tn) + (c.tp + c.fn) * (c.fn + c.tn)
    return _quotient(2 * (c.tp * c.tn - c.fp * c.fn), chance, nothing=_one_class(c), empty=empty)


def volume_similarity(c: Counts, /, *, empty: EmptyRule = "one") -> float:
    """How near the two areas are, 1 - |FP - FN| / (2 TP + FP + FN).

    It looks at sizes alone: two masks of one size are perfect even where they share no pixel. Never quote it without an overlap.
    """
    both = 2 * c.tp + c.fp + c.fn
    return _quotient(both - abs(c.fp - c.fn), both, nothing=_no_foreground(c), empty=empty)


# In the order of `METRIC_INFO`, in which tables show them.
METRICS: dict[str, Metric] = {
    "dice": dice,
    "iou": iou,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f2": f2,
    "mcc": mcc,
    "kappa": kappa,
    "volume_similarity": volume_similarity,
}


def _no_foreground(c: Counts) -> bool:
    return c.tp + c.fp + c.fn == 0


def _one_class(c: Counts) -> bool:
    """Both masks empty, both full, or no pixels at all."""
    return c.fp + c.fn == 0 and (c.tp == 0 or c.tn == 0)


def _quotient(numerator: float, denominator: float, *, nothing: bool, empty: EmptyRule) -> float:
    undefined = _undefined(empty)
    if nothing:
        return undefined
    return numerator / denominator if denominator else 0.0


def _undefined(empty: EmptyRule) -> float:
    if empty not in _EMPTY_RULES:
        raise ValueError(f"empty must be one of {_EMPTY_RULES}, not {empty!r}")
    return 1.0 if empty == "one" else math.nan
