"""Results of images -> every score under every convention that it has, with intervals.

Everything but the pooled scores of probabilities and the largest E-measure follows from the rows of `cases.csv`, so that what was saved
can be checked against them, and the images of several folds can be joined.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.evaluation.case_result import PRANET
from limner.evaluation.coarse import pooled_prob_intervals
from limner.metrics.aggregate import SPREADS, Score, mean, pool
from limner.metrics.names import METRIC_INFO
from limner.metrics.object_counts import ObjectCounts
from limner.metrics.objects import object_scores
from limner.metrics.region import METRICS
from limner.metrics.statistics import interval, mean_interval, pooled_interval, resample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from limner.evaluation.case_result import CaseResult
    from limner.evaluation.results import Bootstrap
    from limner.evaluation.sums import Sums
    from limner.metrics import EmptyRule
    from limner.metrics.aggregate import Convention
    from limner.metrics.probability import LogitHistogram
    from limner.metrics.statistics import Interval, Weights

# Of an image with one class only they are undefined, whatever the rule for empty masks says: they are means over the others.
_OF_TWO_CLASSES = frozenset({"roc_auc", "average_precision"})
_POOLED_PROBS: dict[str, Callable[[LogitHistogram], float]] = {
    "roc_auc": lambda logits: logits.roc_auc(),
    "average_precision": lambda logits: logits.average_precision(),
    "brier": lambda logits: logits.brier(),
    "ece": lambda logits: logits.ece(),
}
_WITH_THRESHOLD = frozenset({"region", "boundary", "centreline", "objects"})


def summarise_cases(
    cases: Sequence[CaseResult],
    *,
    threshold: float | None,
    empty: EmptyRule = "one",
    unit: str = "px",
    bootstrap: Bootstrap | None = None,
    sums: Sums | None = None,
) -> tuple[Score, ...]:
    """Every score under every convention that it has: per image first, then pooled, then `pranet-256`.

    Args:
        cases: At least one.
        threshold: That at which masks were made; None where there was none, or where each fold had its own.
        empty: The rule for images in which both masks are empty, by which the cases were scored.
        unit: Of distances.
        bootstrap: How intervals are computed; None for none. See `drawn_by`.
        sums: Without them, scores that need them are left out.

    Raises:
        ValueError: There are no cases.
    """
    if not cases:
        raise ValueError("there are no cases to summarise")
    weights = None
    if bootstrap is not None:
        groups = [case.group for case in cases] if bootstrap.by == "group" else len(cases)
        weights = resample(groups, resamples=bootstrap.resamples, seed=bootstrap.seed)
    table = _Table(cases, threshold, empty, unit, bootstrap.level if bootstrap else 0.95, weights)
    return (*table.per_image(), *table.pooled(sums), *table.pranet(sums))


def drawn_by(cases: Sequence[CaseResult], bootstrap: Bootstrap | None) -> Bootstrap | None:
    """The bootstrap with what is to be drawn: groups, where there are two or more of several images each, and images where not.

    None where there are no intervals to compute: none are wanted, or there is only one image.
    """
    if bootstrap is None or len(cases) < 2:
        return None
    several = [group for group, images in Counter(case.group for case in cases).items() if group is not None and images > 1]
    return bootstrap.model_copy(update={"by": "group" if len(several) > 1 else "image"})


@dataclass(frozen=True, slots=True)
class _Table:
    """The cases with all that scores have in common."""

    cases: Sequence[CaseResult]
    threshold: float | None
    empty: EmptyRule
    unit: str
    level: float
    weights: Weights | None

    def per_image(self) -> Iterator[Score]:
        """The mean of each metric over images, and the spread of Dice and IoU."""
        for name, info in METRIC_INFO.items():
            if info.family == "saliency" or not self._holds(name):
                continue
            values = self._values(name)
            yield self._mean(name, "per-image", values)
            if name in ("dice", "iou"):
                counted = values[~np.isnan(values)] if self.empty == "skip" else values
                for suffix, spread in SPREADS.items():
                    yield self._score(name + suffix, "per-image", spread(counted.tolist()), len(counted))

    def pooled(self, sums: Sums | None) -> Iterator[Score]:
        """Scores of counts, pixels and objects that are summed over images."""
        yield from self._pooled_counts()
        if sums is not None and sums.logits is not None:
            yield from self._pooled_probs(sums.logits, sums)
        yield from self._pooled_objects()

    def pranet(self, sums: Sums | None) -> Iterator[Score]:
        """The scores of the polyp literature."""
        for name in PRANET:
            if self._holds(PRANET[name]):
                yield self._mean(name, "pranet-256", self._values(PRANET[name]))
        for name, info in METRIC_INFO.items():
            if name == "e_measure_max" and sums is not None and sums.e_measure is not None:
                largest = float(sums.e_measure.max()) / len(self.cases)
                yield self._score(name, "pranet-256", largest, len(self.cases))
            elif info.family == "saliency" and self._holds(name):
                yield self._mean(name, "pranet-256", self._values(name))

    def _pooled_counts(self) -> Iterator[Score]:
        counts = [case.counts for case in self.cases]
        for name, metric in METRICS.items():
            if self._holds(name):
                found = None if self.weights is None else pooled_interval(counts, self.weights, metric, empty=self.empty, level=self.level)
                yield self._score(name, "pooled", metric(pool(counts), empty=self.empty), self._n(name), found)

    def _pooled_probs(self, logits: LogitHistogram, sums: Sums) -> Iterator[Score]:
        values = {name: score(logits) for name, score in _POOLED_PROBS.items()}
        found: dict[str, Interval] = {}
        if self.weights is not None:
            images = np.stack([sums.of_image[case.key] for case in self.cases])
            found = pooled_prob_intervals(images, self.weights, values, level=self.level)
        for name, value in values.items():
            yield self._score(name, "pooled", value, len(self.cases), found.get(name))

    def _pooled_objects(self) -> Iterator[Score]:
        counts = [case.objects for case in self.cases if case.objects is not None]
        if len(counts) < len(self.cases):
            return
        scores = object_scores(sum(counts, ObjectCounts()), empty=self.empty)
        found = {} if self.weights is None else _object_intervals(counts, self.weights, self.empty, self.level)
        for name, value in scores.items():
            yield self._score(name, "pooled", value, self._n(name), found.get(name))

    def _holds(self, name: str) -> bool:
        return all(name in case.scores for case in self.cases)

    def _values(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([case.scores[name] for case in self.cases], dtype=np.float64)

    def _n(self, name: str) -> int:
        """How many images a metric is defined of, or, where the rule is not to skip, all of them."""
        skip = self.empty == "skip" or name in _OF_TWO_CLASSES
        return sum(not (skip and math.isnan(case.scores[name])) for case in self.cases)

    def _mean(self, name: str, convention: Convention, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Score:
        skip = self.empty == "skip" or name in _OF_TWO_CLASSES
        counted = values[~np.isnan(values)] if skip else values
        found = None
        if self.weights is not None and len(counted) > 1:
            found = mean_interval(values, self.weights, level=self.level, skip_nan=skip)
        return self._score(name, convention, mean(counted.tolist()), len(counted), found)

    def _score(self, name: str, convention: Convention, value: float, n: int, found: Interval | None = None) -> Score:
        info = METRIC_INFO.get(name) or METRIC_INFO[name.rpartition("_")[0]]  # `dice_std` is of `dice`
        masks = info.family in _WITH_THRESHOLD and convention != "pranet-256"
        return Score(
            name=name,
            convention=convention,
            value=value,
            n=n,
            threshold=self.threshold if masks else None,
            empty=self.empty,
            unit=self.unit if info.is_distance else "",
            interval=None if found is None or math.isnan(found[0]) or math.isnan(value) else found,
        )


def _object_intervals(counts: Sequence[ObjectCounts], weights: Weights, empty: EmptyRule, level: float) -> dict[str, Interval]:
    rows = np.array([(c.true, c.predicted, *c.matched, c.matched_iou, c.aji_intersection, c.aji_union) for c in counts], dtype=np.float64)
    samples = [object_scores(_from_row(row), empty=empty) for row in (weights.astype(np.float64) @ rows).tolist()]
    return {name: interval(np.array([sample[name] for sample in samples]), level) for name in samples[0]}


def _from_row(row: list[float]) -> ObjectCounts:
    true, predicted, *matched, matched_iou, intersection, union = row
    return ObjectCounts(int(true), int(predicted), tuple(int(pairs) for pairs in matched), matched_iou, int(intersection), int(union))
