"""Intervals against SciPy's bootstrap, which draws image by image; tests against all permutations, counted out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from limner.metrics import Counts
from limner.metrics.region import iou
from limner.metrics.statistics import mean_interval, paired_difference, pooled_interval, resample, wilcoxon

N = 80
RANDOM = np.random.default_rng(11)
SKEWED = RANDOM.beta(8, 2, N)
OTHER = np.clip(SKEWED + RANDOM.normal(0.02, 0.05, N), 0, 1)


def scipy_interval(*samples: np.ndarray, statistic: object = np.mean, paired: bool = False, level: float = 0.95) -> tuple[float, float]:
    found = stats.bootstrap(
        samples, statistic, paired=paired, vectorized=False, n_resamples=4000, method="percentile", confidence_level=level, rng=3
    )
    return tuple(found.confidence_interval)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_of_a_mean(level: float) -> None:
    ends = mean_interval(SKEWED, resample(N, resamples=4000), level=level)
    assert ends == pytest.approx(scipy_interval(SKEWED, level=level), abs=0.003)


def test_interval_of_a_paired_difference() -> None:
    found = paired_difference(OTHER, SKEWED, resample(N, resamples=4000))
    expected = scipy_interval(OTHER, SKEWED, statistic=lambda a, b: np.mean(a - b), paired=True)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.002)


def test_interval_of_a_pooled_score() -> None:
    table = RANDOM.integers(1, 1000, (N, 4))
    expected = scipy_interval(*table.T, statistic=lambda tp, fp, fn, _: tp.sum() / (tp.sum() + fp.sum() + fn.sum()), paired=True)
    found = pooled_interval([Counts(*row) for row in table.tolist()], resample(N, resamples=4000), iou)
    assert found == pytest.approx(expected, abs=0.003)


def test_p_of_the_bootstrap_is_near_that_of_the_t_test() -> None:
    for shift in (0.0, 0.004, 0.008):
        a = SKEWED + RANDOM.normal(shift, 0.02, N)
        found = paired_difference(a, SKEWED, resample(N, resamples=4000))
        assert found.p_bootstrap == pytest.approx(stats.ttest_rel(a, SKEWED).pvalue, abs=0.04)


@pytest.mark.parametrize("differences", [[3, 1, 2, -1, 5, 4], [1, 1, 1, -1, 2, 2, 2], [0, 0, 3, 1, -2, 4, 4], [1, -1]])
def test_wilcoxon_counted_out_in_full(differences: list[int]) -> None:
    """The share of all ways to set the signs that are as extreme, ties with their mean rank and zeros left out."""
    kept = np.array([d for d in differences if d], dtype=float)
    ranks = stats.rankdata(np.abs(kept))
    sums = np.array([sum(rank for rank, up in zip(ranks, signs, strict=True) if up) for signs in product([0, 1], repeat=len(kept))])
    observed = ranks[kept > 0].sum()
    expected = min(1.0, 2 * min((sums >= observed).mean(), (sums <= observed).mean()))
    assert wilcoxon(differences, np.zeros(len(differences))) == pytest.approx(expected)


def test_wilcoxon_of_many_follows_the_normal_approximation() -> None:
    a, b = RANDOM.random(200) + 0.05, RANDOM.random(200)
    ranks = stats.rankdata(np.abs(a - b))
    z = (ranks[a > b].sum() - 200 * 201 / 4) / np.sqrt(200 * 201 * 401 / 24)
    assert wilcoxon(a, b) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=0.01)
