"""How sure a number is, and whether two differ: intervals by drawing the images anew, and tests on images that both models have seen.

Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Images of one patient or sequence
resemble each other, so where images are grouped whole groups are drawn (the cluster bootstrap: Davison and Hinkley, Bootstrap Methods and
their Application, 1997, section 3.8). One table of weights serves every metric and every model, which keeps comparisons paired.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limner.metrics.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.metrics.region import EmptyRule, Metric

Weights: TypeAlias = NDArray[np.int16]  # (B, n): how often each of n images was drawn in each of B resamples
Samples: TypeAlias = NDArray[np.float64]  # (B,): a statistic's value in each resample
Interval: TypeAlias = tuple[float, float]

_BLOCK = 2**22  # weights that are widened to float64 at a time: 32 MB
_TIE = 12  # decimals from which on two differences are the same: 0.3 - 0.2 and 0.2 - 0.1 are


class Difference(NamedTuple):
    """By how much one of two models is better on the same images.

    Attributes:
        mean: Mean of the differences, first less second.
        low: Lower end of its interval.
        high: Upper end.
        p_bootstrap: Share of the resamples on the other side of 0, twice; never below 2 / (B + 1).
        n: Number of images that it rests on.
    """

    mean: float
    low: float
    high: float
    p_bootstrap: float
    n: int


def resample(groups: Sequence[str | None] | int, *, resamples: int = 2000, seed: int = 0) -> Weights:
    """Draw as many images as there are, with replacement, many times.

    Args:
        groups: The group of each image, where None is a group of its own; or only the number of images.
        resamples: How often (B).
        seed: The same seed draws the same.

    Returns:
        How often each image was drawn, int16 (B, n). Rows sum to n, unless the groups differ in size.

    Raises:
        ValueError: There is nothing to draw from.

    Example:
        >>> resample(3, resamples=2).sum(axis=1).tolist()
        [3, 3]
        >>> one, twin, other = resample(["a", "a", "b"], resamples=5).T
        >>> bool((one == twin).all())
        True
    """
    places = np.arange(groups) if isinstance(groups, int) else _places(groups)
    if not places.size or resamples < 1:
        raise ValueError("there is nothing to draw: no images, or no resamples")
    distinct = int(places.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(distinct, np.full(distinct, 1 / distinct), size=resamples)
    weights: Weights = drawn.astype(np.int16)[:, places]
    return weights


def mean_interval(values: ArrayLike, weights: Weights, *, level: float = 0.95, skip_nan: bool = False) -> Interval:
    """Interval of the mean of per-image values.

    Args:
        values: One for each image, (n,).
        weights: From `resample`, (B, n).
        level: Share of the resamples that it holds.
        skip_nan: Leave undefined values out, as aggregates do under `skip`. Otherwise one of them makes both ends NaN.

    Example:
        >>> low, high = mean_interval([0.8, 0.9, 1.0, 0.9], resample(4))
        >>> low < 0.9 < high
        True
    """
    return interval(mean_samples(values, weights, skip_nan=skip_nan), level)


def mean_samples(values: ArrayLike, weights: Weights, *, skip_nan: bool = False) -> Samples:
    """The mean in each resample, (B,); NaN in one that drew only undefined values. See `mean_interval`."""
    column = np.asarray(values, dtype=np.float64)
    counted = ~np.isnan(column) if skip_nan else np.ones_like(column, dtype=bool)
    sums = _weighted_sums(weights, np.stack([np.where(counted, column, 0.0), counted.astype(np.float64)], axis=1))
    samples: Samples = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
    return samples


def pooled_interval(
    counts: Sequence[Counts], weights: Weights, metric: Metric, *, empty: EmptyRule = "one", level: float = 0.95
) -> Interval:
    """Interval of a metric of the counts that are summed over all images.

    Args:
        counts: One for each image.
        weights: From `resample`, (B, n).
        metric: A function of `limner.metrics.region`.
        empty: The rule for masks that are empty, all of them.
        level: Share of the resamples that it holds.
    """
    return interval(pooled_samples(counts, weights, metric, empty=empty), level)


def pooled_samples(counts: Sequence[Counts], weights: Weights, metric: Metric, *, empty: EmptyRule = "one") -> Samples:
    """The pooled score in each resample, (B,). See `pooled_interval`."""
    table = np.array([(c.tp, c.fp, c.fn, c.tn) for c in counts], dtype=np.float64).reshape(-1, 4)
    sums = _weighted_sums(weights, table).astype(np.int64).tolist()  # whole numbers below 2^53: exact
    return np.array([metric(Counts(*row), empty=empty) for row in sums])


def interval(samples: Samples, level: float = 0.95) -> Interval:
    """The middle `level` of the resamples, those that are undefined left out; NaN where all of them are.

    Example:
        >>> interval(np.arange(101.0), 0.5)
        (25.0, 75.0)
    """
    defined = samples[~np.isnan(samples)]
    if not defined.size:
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(a: ArrayLike, b: ArrayLike, weights: Weights, *, level: float = 0.95) -> Difference:
    """Mean of `a - b` over the images, with its interval by the paired bootstrap: an image is drawn with both its values.

    Images of which one value is NaN are left out.

    Args:
        a: The value of each image, (n,).
        b: Those of the other model, for the same images in the same order.
        weights: From `resample`, (B, n).
        level: Share of the resamples that the interval holds.
    """
    differences = _differences(a, b)
    defined = differences[~np.isnan(differences)]
    if not defined.size:
        return Difference(math.nan, math.nan, math.nan, math.nan, 0)
    samples = mean_samples(differences, weights, skip_nan=True)
    tail = min(np.count_nonzero(~(samples > 0)), np.count_nonzero(~(samples < 0)))
    p = min(1.0, 2 * (tail + 1) / (len(samples) + 1))
    return Difference(statistics.fmean(defined.tolist()), *interval(samples, level), float(p), len(defined))


def wilcoxon(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (Biometrics Bulletin 1:80-83, 1945) that neither model is better.

    Images that are equal, or of which one value is NaN, are left out, as Wilcoxon did. Exact for few images, with ties too.

    Args:
        a: The value of each image, (n,).
        b: Those of the other model, for the same images in the same order.

    Returns:
        In [0, 1]; 1 where no image differs.

    Example:
        >>> wilcoxon([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])
        1.0
        >>> wilcoxon([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], [0.4, 0.4, 0.4, 0.4, 0.4, 0.4])  # 6 of 6: 2 / 2^6
        0.03125
    """
    from scipy import stats  # takes longer to import than all the rest

    differences = _differences(a, b)
    differing = differences[~np.isnan(differences) & (differences != 0)]
    return float(stats.wilcoxon(differing, method="auto").pvalue) if differing.size else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """The p of several tests, corrected for their number by Holm's step-down (Scandinavian Journal of Statistics 6:65-70, 1979).

    The chance that any of them is below 0.05 where there is nothing to find is then at most 5 %. Holds whether or not the tests depend on
    each other. NaN stays NaN and does not count.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    adjusted = [math.nan] * len(ps)
    order = sorted((index for index, p in enumerate(ps) if not math.isnan(p)), key=lambda index: ps[index])
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


def mean_std(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1 below the line), which is NaN of a single value.

    Example:
        >>> mean_std([1.0, 2.0, 3.0])
        (2.0, 1.0)
    """
    mean = statistics.fmean(values) if values else math.nan
    return mean, statistics.stdev(values) if len(values) > 1 and not math.isnan(mean) else math.nan


def units(groups: Sequence[str | None]) -> int:
    """How many can be drawn: groups, and images that are in none.

    Example:
        >>> units(["a", "a", None, None])
        3
    """
    return len({group for group in groups if group is not None}) + sum(group is None for group in groups)


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """`a - b` of each image, and 0 where only rounding differs: of several seeds with one score, the mean is that score but for a bit."""
    differences: NDArray[np.float64] = np.round(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64), _TIE)
    return differences


def _places(groups: Sequence[str | None]) -> NDArray[np.intp]:
    """The number of each image's group, counted from 0 in the order in which groups appear."""
    known: dict[object, int] = {}
    own = ((index,) if group is None else group for index, group in enumerate(groups))
    return np.array([known.setdefault(group, len(known)) for group in own], dtype=np.intp)


def _weighted_sums(weights: Weights, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """`weights @ columns`, (B, columns), without a copy of all weights in float64."""
    blocks = np.array_split(weights, max(1, weights.size // _BLOCK))
    return np.concatenate([block.astype(np.float64) @ columns for block in blocks])
