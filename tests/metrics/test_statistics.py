from __future__ import annotations

import math

import numpy as np
import pytest

from limner.metrics import Counts
from limner.metrics.region import dice, iou
from limner.metrics.statistics import (
    holm,
    interval,
    mean_interval,
    mean_samples,
    mean_std,
    paired_difference,
    pooled_interval,
    pooled_samples,
    resample,
    units,
    wilcoxon,
)


def width(ends: tuple[float, float]) -> float:
    return ends[1] - ends[0]


def test_each_resample_draws_as_many_images_as_there_are() -> None:
    weights = resample(50, resamples=300, seed=1)
    assert weights.shape == (300, 50)
    assert weights.dtype == np.int16
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.3)


def test_the_seed_decides() -> None:
    assert (resample(9, seed=4) == resample(9, seed=4)).all()
    assert (resample(9, seed=4) != resample(9, seed=5)).any()


def test_a_group_is_drawn_whole_and_an_image_without_one_stands_alone() -> None:
    weights = resample(["b", "a", None, "b", None, "a"], resamples=400)
    assert (weights[:, 0] == weights[:, 3]).all()
    assert (weights[:, 1] == weights[:, 5]).all()
    assert (weights[:, 2] != weights[:, 4]).any()
    assert (weights[:, 0] + weights[:, 1] + weights[:, 2] + weights[:, 4] == 4).all()  # four can be drawn


def test_images_that_are_each_a_group_are_drawn_like_images() -> None:
    assert (resample(["a", "b", "c"], seed=3) == resample(3, seed=3)).all()


@pytest.mark.parametrize("nothing", [0, []])
def test_nothing_cannot_be_drawn(nothing: object) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        resample(nothing)  # type: ignore[arg-type]


def test_the_mean_of_a_resample_is_that_of_the_images_drawn() -> None:
    values, weights = np.array([0.1, 0.5, 0.9]), np.array([[3, 0, 0], [1, 1, 1], [0, 1, 2]], dtype=np.int16)
    assert mean_samples(values, weights).tolist() == pytest.approx([0.1, 0.5, (0.5 + 1.8) / 3])


def test_an_undefined_value_is_left_out_or_spoils_the_mean_as_in_aggregates() -> None:
    values, weights = np.array([0.2, np.nan, 0.4]), np.array([[1, 2, 0], [0, 3, 0], [1, 0, 2]], dtype=np.int16)
    assert mean_samples(values, weights, skip_nan=True).tolist() == pytest.approx([0.2, math.nan, 1.0 / 3], nan_ok=True)
    drawn = resample(3)
    assert all(map(math.isnan, mean_interval(values, drawn)))
    low, high = mean_interval(values, drawn, skip_nan=True)
    assert (low, high) == pytest.approx((0.2, 0.4))


def test_nothing_defined_has_no_interval() -> None:
    assert all(map(math.isnan, mean_interval([math.nan] * 4, resample(4), skip_nan=True)))
    assert all(map(math.isnan, interval(np.array([]))))


def test_large_tables_are_summed_in_blocks() -> None:
    values = np.random.default_rng(0).random(3000)
    weights = resample(3000, resamples=1500)  # more than one block
    assert mean_samples(values, weights) == pytest.approx((weights * values).mean(axis=1))


def test_pooled_is_the_score_of_the_counts_drawn() -> None:
    counts = [Counts(9, 1, 1, 89), Counts(300, 300, 300, 100), Counts(0, 0, 0, 100)]
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 1, 2], [0, 0, 3]], dtype=np.int16)
    assert pooled_samples(counts, weights, dice).tolist() == pytest.approx([618 / 1220, 0.9, 0.5, 1.0])
    assert math.isnan(pooled_samples(counts, weights, iou, empty="nan")[3])
    low, high = pooled_interval(counts, resample(3), dice)
    assert (low, high) == (0.5, 1.0)


def test_pooled_of_equal_images_has_no_width() -> None:
    assert pooled_interval([Counts(3, 1, 1, 5)] * 10, resample(10), dice) == (0.75, 0.75)


def test_large_counts_are_exact() -> None:
    many = Counts(10**9 + 1, 1, 0, 10**9)
    assert pooled_samples([many, many], resample(2, resamples=3), dice).tolist() == [dice(many)] * 3


def test_nominal_95_percent_covers_about_that() -> None:
    random = np.random.default_rng(20)
    weights = resample(60, resamples=500, seed=2)
    ends = [mean_interval(random.normal(0.7, 0.1, 60), weights) for _ in range(300)]
    covered = sum(low <= 0.7 <= high for low, high in ends) / len(ends)
    assert 0.90 <= covered <= 0.98


def test_images_of_one_patient_make_the_interval_wider() -> None:
    random = np.random.default_rng(5)
    patients = random.normal(0.8, 0.1, 20)
    values = np.repeat(patients, 10) + random.normal(0, 0.02, 200)
    groups = [f"patient-{number // 10}" for number in range(200)]
    by_image, by_group = mean_interval(values, resample(200)), mean_interval(values, resample(groups))
    assert width(by_group) == pytest.approx(2 * 1.96 * values.reshape(20, 10).mean(axis=1).std() / math.sqrt(20), rel=0.1)
    assert width(by_group) > 2.5 * width(by_image)


def test_a_higher_level_is_wider() -> None:
    values, weights = np.random.default_rng(0).random(30), resample(30)
    assert width(mean_interval(values, weights, level=0.99)) > width(mean_interval(values, weights, level=0.9))


def test_a_paired_difference_is_sharper_than_the_intervals_of_both() -> None:
    random = np.random.default_rng(1)
    hard = random.random(100)
    a, b = hard + 0.03, hard + random.normal(0, 0.02, 100)
    weights = resample(100)
    found = paired_difference(a, b, weights)
    assert found.mean == pytest.approx(float((a - b).mean()))
    assert found.low < found.mean < found.high
    assert width((found.low, found.high)) < 0.2 * width(mean_interval(a, weights))
    assert found.p_bootstrap == pytest.approx(2 / 2001)
    assert found.n == 100


def test_the_order_of_a_pair_turns_only_the_sign() -> None:
    random = np.random.default_rng(2)
    a, b, weights = random.random(30), random.random(30), resample(30)
    one, other = paired_difference(a, b, weights), paired_difference(b, a, weights)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert one.p_bootstrap == other.p_bootstrap
    assert wilcoxon(a, b) == pytest.approx(wilcoxon(b, a))


def test_no_difference_is_no_difference() -> None:
    found = paired_difference([0.5, 0.6], [0.5, 0.6], resample(2))
    assert (found.mean, found.low, found.high, found.p_bootstrap) == (0, 0, 0, 1)


def test_pairs_with_an_undefined_value_are_left_out() -> None:
    a, b = [0.5, math.nan, 0.7, 0.9], [0.4, 0.2, math.nan, 0.6]
    found = paired_difference(a, b, resample(4))
    assert (found.mean, found.n) == (pytest.approx(0.2), 2)
    assert (found.low, found.high) == pytest.approx((0.1, 0.3))
    nothing = paired_difference([math.nan], [1.0], resample(1))
    assert nothing.n == 0
    assert math.isnan(nothing.mean)


def test_wilcoxon_of_few_of_equals_and_of_ties_needs_no_warning() -> None:
    assert wilcoxon([0.5], [0.4]) == 1.0
    assert wilcoxon([], []) == 1.0
    assert wilcoxon([0.3, 0.3], [0.3, math.nan]) == 1.0
    # Five times the same difference: of 32 ways to set the signs, two are as extreme.
    assert wilcoxon([0.3] * 5, [0.2] * 5) == pytest.approx(2 / 32)
    # Images that are equal do not count: as before.
    assert wilcoxon([0.3] * 5 + [0.7] * 20, [0.2] * 5 + [0.7] * 20) == pytest.approx(2 / 32)


def test_differences_that_only_rounding_tells_apart_are_ties() -> None:
    a, b = [0.3, 0.2, 0.7, 0.1], [0.2, 0.1, 0.6, 0.2]
    assert len({x - y for x, y in zip(a[:3], b[:3], strict=True)}) > 1  # so they are not equal as they stand
    assert wilcoxon(a, b) == wilcoxon([1, 1, 1, -1], [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.5, 0.001], [0.5, 0.002]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(ps: list[float], adjusted: list[float]) -> None:
    assert holm(ps) == pytest.approx(adjusted)


def test_holm_passes_over_what_is_not_defined() -> None:
    adjusted = holm([0.01, math.nan, 0.04])
    assert math.isnan(adjusted[1])
    assert [adjusted[0], adjusted[2]] == pytest.approx([0.02, 0.04])


def test_mean_and_standard_deviation_over_seeds() -> None:
    assert mean_std([0.7, 0.8, 0.9]) == pytest.approx((0.8, 0.1))
    mean, std = mean_std([0.7])
    assert mean == 0.7
    assert math.isnan(std)
    assert all(map(math.isnan, mean_std([])))
    assert all(map(math.isnan, mean_std([0.5, math.nan])))


def test_what_rounding_alone_has_made_is_no_difference() -> None:
    """The mean of three equal seeds may be off by a bit, on every image the same way."""
    seeds = np.array([[0.1, 0.2] * 6] * 3)
    one = seeds[0]
    assert (seeds.mean(axis=0) > one).all()
    found = paired_difference(seeds.mean(axis=0), one, resample(len(one)))
    assert (found.mean, found.low, found.high, found.p_bootstrap) == (0.0, 0.0, 0.0, 1.0)


def test_as_many_units_as_can_be_drawn() -> None:
    groups = ["a", None, "a", "b", None]
    assert units(groups) == 4 == (resample(groups, resamples=9) * np.array([1, 1, 0, 1, 1])).sum(axis=1).max()
