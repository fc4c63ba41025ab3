"""Counts of many cases -> scores that carry their convention, so that no number is ever without it.

`per-image` is the score of each image, averaged; `pooled` is the score of the counts summed over all images. Large objects weigh more
in the second. `pranet-256` is the polyp literature's (see `limner.metrics.saliency`), for comparison with its tables only. Under
`empty="skip"` a case with nothing to measure (see `limner.metrics.region`) is left out and `n` falls, separately for each metric. That
changes the per-image mean; the pooled value stays as it is, since such a case adds nothing to the quotient.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from limner.metrics.counts import Counts
from limner.metrics.region import METRICS, EmptyRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Convention: TypeAlias = Literal["per-image", "pooled", "pranet-256"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)


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
        name: The metric, such as `dice` or `hausdorff95` (see `limner.metrics.names`); for the spread of the per-image values also
            `dice_median`, `dice_std`, `iou_median`, `iou_std` (sample standard deviation, n - 1 below the line).
        convention: `per-image`, `pooled` or `pranet-256`.
        value: NaN (null in JSON) when it is not defined, for instance the standard deviation of one image.
        n: Number of images that it rests on.
        threshold: Probability from which on a pixel was taken for foreground; None where the score needs none, or where there were
            several (out-of-fold predictions, each at its own fold's).
        empty: The rule for images in which both masks are empty.
        unit: Of the value: `px` or `µm` for distances; empty for the others, which are pure numbers.
        interval: Lower and upper end of the 95 % bootstrap interval; None where none was computed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    convention: Convention
    value: ScoreValue
    n: int
    threshold: float | None
    empty: EmptyRule
    unit: str = ""
    interval: tuple[ScoreValue, ScoreValue] | None = None


def pool(counts: Iterable[Counts]) -> Counts:
    """The sum of all counts.

    Example:
        >>> pool([Counts(tp=1, tn=2), Counts(tp=1, fp=4)])
        Counts(tp=2, fp=4, fn=0, tn=2)
    """
    return sum(counts, Counts())


def summarise(counts: Sequence[Counts], *, threshold: float | None, empty: EmptyRule = "one") -> list[Score]:
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


def possible_pair(dice: float, iou: float, convention: Convention, *, rounding: float = 5e-4) -> bool:
    """Whether any masks at all can have this Dice and this IoU under one convention; if not, the two do not belong under one heading.

    Of one pair of masks, IoU = Dice / (2 - Dice), and so it is when the counts are pooled. That function is convex and lies below the
    diagonal, so of means over images (Jensen), and over thresholds as in `pranet-256`: Dice / (2 - Dice) <= IoU <= Dice. Every value
    between the two ends is reached by some images.

    Args:
        dice: As it was printed.
        iou: As it was printed.
        convention: The one that both are said to follow.
        rounding: How far each may lie from its true value: half a unit of the last digit.

    Raises:
        ValueError: The convention is unknown.

    Example:
        Two rows of published polyp tables. A mean Dice of 0.859 needs a mean IoU of 0.753 at least:

        >>> possible_pair(0.859, 0.740, "per-image")
        False
        >>> possible_pair(0.859, 0.753, "per-image")
        True

        And the IoU of the foreground exceeds no Dice, so this one had the background averaged in, or another Dice:

        >>> possible_pair(0.7955, 0.7962, "per-image", rounding=5e-5)
        False
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention must be one of {CONVENTIONS}, not {convention!r}")
    if math.isnan(dice) or math.isnan(iou):
        return math.isnan(dice) and math.isnan(iou)
    low, high = max(dice - rounding, 0.0), min(dice + rounding, 1.0)
    if low > 1 or high < 0:
        return False
    highest = high / (2 - high) if convention == "pooled" else high
    slack = rounding + 1e-12  # of the arithmetic
    return low / (2 - low) - slack <= iou <= highest + slack


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


# How per-image values spread, by the suffix of the score's name.
SPREADS: dict[str, Callable[[Sequence[float]], float]] = {"_median": _median, "_std": _std}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"": mean, **SPREADS}
_WITH_SPREAD = {"dice", "iou"}
