"""The threshold, chosen on the validation part and nowhere else.

The choice maximises the mean per-image score, as StarDist's `optimize_thresholds` does, over a fixed grid. Every image is predicted once;
its counts at all thresholds come from one pass over the pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from limner.errors import DataError
from limner.evaluation.protocols import predict_cases
from limner.metrics import THRESHOLDS, EmptyRule, ScoreValue, sweep_counts
from limner.metrics.aggregate import counted, mean
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.evaluation.protocols import Cases, Segmenter
    from limner.metrics import Counts
    from limner.progress import Progress

# Precision alone would always choose the highest threshold, and recall the lowest.
Objective: TypeAlias = Literal["dice", "iou"]
_CURVES = ("dice", "iou", "precision", "recall")


class CurvePoint(BaseModel):
    """Means over the images (convention `per-image`) at one threshold, each in [0, 1]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    dice: ScoreValue
    iou: ScoreValue
    precision: ScoreValue
    recall: ScoreValue


class ThresholdChoice(BaseModel):
    """A threshold and what it was chosen from.

    Attributes:
        threshold: The best one; from a plateau of equally good ones, its middle.
        metric: The score whose per-image mean was maximised.
        value: That mean at the threshold.
        n: Number of images.
        source: The data set's name.
        empty: The rule for images in which both masks are empty.
        curve: The means at every threshold tried, lowest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    metric: Objective
    value: float
    convention: Literal["per-image"] = "per-image"
    n: int
    source: str
    empty: EmptyRule
    curve: tuple[CurvePoint, ...]


def choose_threshold(
    predictor: Segmenter,
    dataset: Cases,
    *,
    metric: Objective = "dice",
    thresholds: Sequence[float] = THRESHOLDS,
    empty: EmptyRule = "one",
    progress: Progress | None = None,
) -> ThresholdChoice:
    """Find the threshold with the best mean per-image score, at the size of the original masks.

    Several thresholds are often equally good, on small sets above all. Then the middle of the longest run of them is taken, which is
    furthest from where the score falls; between runs of equal length, and between two middles, the one nearest to 0.5.

    Args:
        predictor: The model; its own threshold plays no part.
        dataset: The validation part. Choosing on the test part would make the test worthless.
        metric: `dice` or `iou`.
        thresholds: Those to try.
        empty: The rule for images in which both masks are empty.
        progress: Called with (done, total) after each case.

    Raises:
        DataError: The data set is empty, a case cannot be loaded, or no case has a defined score.
        ModelFileError: The model predicts NaN, or masks of another size.
        ValueError: There are no thresholds.
    """
    grid = sorted(set(thresholds))
    if not grid:
        raise ValueError("there are no thresholds to choose from")
    swept = [
        sweep_counts(prediction.probs, sample.mask, grid) for sample, prediction, _ in predict_cases(predictor, dataset, progress=progress)
    ]
    curve = tuple(_point(t, column, empty) for t, column in zip(grid, _transposed(swept), strict=True))
    values = [float(getattr(point, metric)) for point in curve]
    best = best_index(grid, values)
    if best is None:
        raise DataError(
            "no threshold can be chosen: no image has a defined score",
            where=dataset.name,
            fix='choose on images with foreground, or use the empty-mask rule "one"',
        )
    return ThresholdChoice(
        threshold=grid[best], metric=metric, value=values[best], n=len(swept), source=dataset.name, empty=empty, curve=curve
    )


def best_index(thresholds: Sequence[float], values: Sequence[float]) -> int | None:
    """Index of the best value; among ties the middle of the longest run, then the one nearest to 0.5. None when all are NaN.

    Example:
        >>> best_index([0.1, 0.2, 0.3, 0.4, 0.5], [0.7, 0.9, 0.9, 0.9, 0.2])
        2
    """
    defined = [value for value in values if not math.isnan(value)]
    if not defined:
        return None
    runs = list(_runs([value == max(defined) for value in values]))
    longest = max(len(run) for run in runs)
    middles = [run[position] for run in runs if len(run) == longest for position in {(longest - 1) // 2, longest // 2}]
    return min(middles, key=lambda index: (abs(thresholds[index] - 0.5), index))


def _runs(flags: Sequence[bool]) -> Iterator[range]:
    """The index ranges over which the flags are true without a break."""
    start: int | None = None
    for index, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = index
        elif not flag and start is not None:
            yield range(start, index)
            start = None


def _transposed(swept: list[list[Counts]]) -> Iterator[tuple[Counts, ...]]:
    """Counts by case and threshold -> by threshold and case."""
    return zip(*swept, strict=True)


def _point(threshold: float, column: Sequence[Counts], empty: EmptyRule) -> CurvePoint:
    means = {name: mean(counted([METRICS[name](c, empty=empty) for c in column], empty)) for name in _CURVES}
    return CurvePoint(threshold=threshold, **means)
