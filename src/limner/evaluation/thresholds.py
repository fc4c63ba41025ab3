"""The threshold, chosen on the validation part and nowhere else.

The choice maximises the mean per-image score, as StarDist's `optimize_thresholds` does, over a fixed grid; or it takes the highest
threshold that finds as much of the objects as was asked for. Every image is predicted once; its counts at all thresholds come from one
pass over the pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from limner.errors import DataError
from limner.evaluation.swept import sweep_cases
from limner.metrics import THRESHOLDS, EmptyRule, ScoreValue
from limner.metrics.aggregate import counted, mean
from limner.metrics.names import metric_label
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.evaluation.protocols import Cases, Segmenter
    from limner.evaluation.swept import Swept
    from limner.metrics import Counts
    from limner.progress import Progress

# Precision alone would always choose the highest threshold; and recall the lowest, so it is not maximised but reached.
Objective: TypeAlias = Literal["dice", "iou", "f2", "recall"]
_CURVES = ("dice", "iou", "precision", "recall", "f2")
WISHED_RECALL = 0.95


class CurvePoint(BaseModel):
    """Means over the images (convention `per-image`) at one threshold, each in [0, 1]; F2 is NaN in files of an older limner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    dice: ScoreValue
    iou: ScoreValue
    precision: ScoreValue
    recall: ScoreValue
    f2: ScoreValue = math.nan


class ThresholdChoice(BaseModel):
    """A threshold and what it was chosen from.

    Attributes:
        threshold: The best one; from a plateau of equally good ones, its middle. For `recall` the highest that reaches what was wished, or
            the lowest of all where none does.
        metric: The score whose per-image mean was maximised, or `recall`, which was to be reached.
        value: That mean at the threshold. Of `recall` it is the mean over the images with foreground, since in the others there is nothing
            to find.
        n: Number of images.
        source: The data set's name.
        empty: The rule for images in which both masks are empty.
        curve: The means at every threshold tried, lowest first.
        wished: For `recall`, the mean that was to be reached; None for the others.
        n_with_object: How many of the images have foreground; None in files of an older limner.
        temperature: What the logits were divided by before they became the probabilities that the thresholds are compared with.
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
    wished: float | None = None
    n_with_object: int | None = None
    temperature: float = 1.0

    @property
    def dice(self) -> float:
        """Mean per-image Dice at the threshold, whatever it was chosen by."""
        return next(point.dice for point in self.curve if point.threshold == self.threshold)

    def sentence(self) -> str:
        """Where the threshold comes from, for the model file and the report.

        Example:
            >>> choice = ThresholdChoice(threshold=0.4, metric="f2", value=0.9, n=88, source="polyps", empty="one", curve=())
            >>> choice.sentence()
            'best mean per-image F2 on 88 validation images'
        """
        calibrated = "" if self.temperature == 1 else f", after calibration by a temperature of {self.temperature:.2f}"
        if self.wished is None:
            return f"best mean per-image {metric_label(self.metric)} on {_images(self.n)}{calibrated}"
        images = f"{_images(self.n_with_object or 0)} with foreground"
        if self.value >= self.wished:
            return f"highest with a mean per-image recall of at least {self.wished:g} on {images} (it is {self.value:.3f}){calibrated}"
        return (
            f"lowest that was tried, since none reaches a mean per-image recall of {self.wished:g} on {images} "
            f"(it is {self.value:.3f}){calibrated}"
        )


def choose_threshold(
    predictor: Segmenter,
    dataset: Cases,
    *,
    metric: Objective = "dice",
    recall: float = WISHED_RECALL,
    thresholds: Sequence[float] = THRESHOLDS,
    empty: EmptyRule = "one",
    progress: Progress | None = None,
) -> ThresholdChoice:
    """Find the best threshold by the mean per-image score, at the size of the original masks; see `choose_from`.

    Args:
        predictor: The model; its own threshold plays no part.
        dataset: The validation part. Choosing on the test part would make the test worthless.
        metric: `dice`, `iou`, `f2` or `recall`.
        recall: What is to be reached with `metric="recall"`.
        thresholds: Those to try.
        empty: The rule for images in which both masks are empty.
        progress: Called with (done, total) after each case.

    Raises:
        DataError: The data set is empty, a case cannot be loaded, or no case has a defined score.
        ModelFileError: The model predicts NaN, or masks of another size.
        ValueError: There are no thresholds.
    """
    swept = sweep_cases(predictor, dataset, thresholds=thresholds, progress=progress)
    return choose_from(swept, metric=metric, recall=recall, empty=empty)


def choose_from(
    swept: Swept, *, metric: Objective = "dice", recall: float = WISHED_RECALL, empty: EmptyRule = "one", temperature: float = 1.0
) -> ThresholdChoice:
    """Choose a threshold by what a pass over the validation part has found.

    Several thresholds are often equally good, on small sets above all. Then the middle of the longest run of them is taken, which is
    furthest from where the score falls; between runs of equal length, and between two middles, the one nearest to 0.5. For `recall` it is
    the highest that reaches what is wished: whatever is lower finds no more than was asked for, at the cost of precision.

    Args:
        swept: From `sweep_cases`.
        metric: `dice`, `iou`, `f2` or `recall`.
        recall: The mean per-image recall that is to be reached with `metric="recall"`.
        empty: The rule for images in which both masks are empty.
        temperature: That of the probabilities; it is only noted.

    Raises:
        DataError: No case has a defined score.
    """
    curve = tuple(_point(t, column, empty) for t, column in zip(swept.thresholds, _transposed(swept.counts), strict=True))
    if metric == "recall":
        values = _recall_of_objects(swept)
        best = _highest_reaching(values, recall)
    else:
        values = [float(getattr(point, metric)) for point in curve]
        best = best_index(swept.thresholds, values)
    if best is None:
        raise DataError(
            "no threshold can be chosen: no image has a defined score",
            where=swept.source,
            fix='choose on images with foreground, or use the empty-mask rule "one"',
        )
    return ThresholdChoice(
        threshold=swept.thresholds[best],
        metric=metric,
        value=values[best],
        n=swept.n,
        source=swept.source,
        empty=empty,
        curve=curve,
        wished=recall if metric == "recall" else None,
        n_with_object=sum(swept.has_object),
        temperature=temperature,
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


def _images(n: int) -> str:
    return f"{n} validation image{'s' if n != 1 else ''}"


def _recall_of_objects(swept: Swept) -> list[float]:
    """The mean recall at each threshold, of the images with foreground alone; NaN where there is none.

    An image without any is not found or missed: counted as 1 where nothing is drawn, it would promise more than is found of the objects.
    """
    kept = [counts for counts, there in zip(swept.counts, swept.has_object, strict=True) if there]
    if not kept:
        return [math.nan] * len(swept.thresholds)
    return [mean([METRICS["recall"](c) for c in column]) for column in _transposed(kept)]


def _highest_reaching(values: Sequence[float], wished: float) -> int | None:
    """Index of the last value that is at least what is wished, or else the first; None when all are NaN."""
    if all(math.isnan(value) for value in values):
        return None
    return max((index for index, value in enumerate(values) if value >= wished), default=0)


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
