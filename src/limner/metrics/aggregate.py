"""Counts of many cases -> scores that carry their convention, so that no number is ever without it.

`per-image` is the score of each image, averaged; `pooled` is the score of the counts summed over all images. Large objects weigh more
in the second. Under `empty="skip"` a case with nothing to measure (see `limner.metrics.region`) is left out and `n` falls, separately for
each metric. That changes the per-image mean; the pooled value stays as it is, since such a case adds nothing to the quotient.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from limner.metrics.counts import Counts
from limner.metrics.region import METRICS, EmptyRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Convention: TypeAlias = Literal["per-image", "pooled"]


def nan_to_none(value: float) -> float | None:
    """The value as JSON can hold it: None where it is not defined."""
    return None if math.isnan(value) else value


def _none_to_nan(value: object) -> object:
    return math.nan if value is None else value


# A number that may be undefined: NaN in Python, null in JSON.
ScoreValue = Annotated[float, BeforeValidator(_none_to_nan), PlainSerializer(nan_to_none, return_type=float | None, when_used="json")]


class Score(BaseModel):
    """One number about a set of cases, with all that is needed to quote it.

    Attributes:
        name: The metric: `dice`, `iou`, `precision`, `recall`, `specificity`, `accuracy`, `f2`; for the spread of the per-image values
            also `dice_median`, `dice_std`, `iou_median`, `iou_std` (sample standard deviation, n - 1 below the line).
        convention: `per-image` or `pooled`.
        value: In [0, 1]; NaN (null in JSON) when it is not defined, for instance the standard deviation of one image.
        n: Number of images that it rests on.
        threshold: Probability from which on a pixel was taken for foreground.
        empty: The rule for images in which both masks are empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    convention: Convention
    value: ScoreValue
    n: int
    threshold: float
    empty: EmptyRule


def pool(counts: Iterable[Counts]) -> Counts:
    """The sum of all counts.

    Example:
        >>> pool([Counts(tp=1, tn=2), Counts(tp=1, fp=4)])
        Counts(tp=2, fp=4, fn=0, tn=2)
    """
    return sum(counts, Counts())


def summarise(counts: Sequence[Counts], *, threshold: float, empty: EmptyRule = "one") -> list[Score]:
    """Every metric over many cases: per image (mean; for Dice and IoU also median and standard deviation) and pooled.

    Args:
        counts: One `Counts` for each image.
        threshold: The threshold at which they were counted; noted in the scores.
        empty: The rule for images in which both masks are empty.

    Raises:
        ValueError: There are no cases.

    Example:
        >>> scores = summarise([Counts(tp=3, fp=1, fn=1), Counts(fn=2, tn=3)], threshold=0.5)
        >>> [(s.convention, s.value, s.n) for s in scores if s.name == "dice"]
        [('per-image', 0.375, 2), ('pooled', 0.6, 2)]
    """
    if not counts:
        raise ValueError("there are no cases to summarise")
    whole = pool(counts)
    per_image: list[Score] = []
    pooled: list[Score] = []
    for name, metric in METRICS.items():
        values = counted([metric(c, empty=empty) for c in counts], empty)
        for label, statistic in _STATISTICS.items():
            if label == "" or name in _WITH_SPREAD:
                score = Score(
                    name=name + label, convention="per-image", value=statistic(values), n=len(values), threshold=threshold, empty=empty
                )
                per_image.append(score)
        value = metric(whole, empty=empty)
        pooled.append(Score(name=name, convention="pooled", value=value, n=len(values), threshold=threshold, empty=empty))
    return per_image + pooled


def counted(values: Iterable[float], empty: EmptyRule) -> list[float]:
    """The per-image values that enter an aggregate: all of them, except under `skip` those that are NaN."""
    return [value for value in values if not (empty == "skip" and math.isnan(value))]


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, correctly rounded (so independent of the order); NaN of nothing, or if any value is NaN."""
    return statistics.fmean(values) if values else math.nan


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values and not _has_nan(values) else math.nan


def _std(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 and not _has_nan(values) else math.nan


def _has_nan(values: Sequence[float]) -> bool:
    return any(math.isnan(value) for value in values)


_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"": mean, "_median": _median, "_std": _std}
_WITH_SPREAD = {"dice", "iou"}
