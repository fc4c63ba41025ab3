from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from limner.metrics import Counts, LogitHistogram, average_precision, brier, count, dice, roc_auc, soft_dice
from limner.metrics.probability import BINS

MASK = np.array([[False, False, True, True]])
NOTHING, EVERYTHING = np.zeros_like(MASK), np.ones_like(MASK)


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def calibrated(temperature: float = 1.0, *, seed: int = 0, shape: tuple[int, int] = (200, 200)) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are `temperature` times those by which the target was drawn."""
    random = np.random.default_rng(seed)
    logits = random.normal(-0.5, 1.5, shape)
    target = random.random(shape) < 1 / (1 + np.exp(-logits))
    return (1 / (1 + np.exp(-temperature * logits))).astype(np.float32), target


# ------------------------------------------------------------------------------------------------------------------ exact, of some pixels


def test_the_ranking_is_perfect_reversed_or_none() -> None:
    assert (roc_auc(row(0.1, 0.2, 0.3, 0.4), MASK), average_precision(row(0.1, 0.2, 0.3, 0.4), MASK)) == (1.0, 1.0)
    assert roc_auc(row(0.4, 0.3, 0.2, 0.1), MASK) == 0.0
    assert average_precision(row(0.4, 0.3, 0.2, 0.1), MASK) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert (roc_auc(row(0.7, 0.7, 0.7, 0.7), MASK), average_precision(row(0.7, 0.7, 0.7, 0.7), MASK)) == (0.5, 0.5)


def test_the_smallest_step_of_float32_is_an_order_and_minus_0_is_0() -> None:
    step = float(np.nextafter(np.float32(0.5), np.float32(1)))
    assert roc_auc(row(0.5, 0.5, step, step), MASK) == 1.0
    assert roc_auc(row(0.0, 0.0, -0.0, -0.0), MASK) == 0.5
    assert roc_auc(row(0.0, 1e-45, 1.0, 1.0), MASK) == 1.0


@pytest.mark.parametrize("target", [NOTHING, EVERYTHING])
def test_one_class_has_no_ranking(target: np.ndarray) -> None:
    probs = row(0.1, 0.2, 0.3, 0.4)
    assert math.isnan(roc_auc(probs, target))
    assert math.isnan(average_precision(probs, target))
    histogram = LogitHistogram.of(probs, target)
    assert math.isnan(histogram.roc_auc())
    assert math.isnan(histogram.average_precision())
    assert histogram.roc_points() == histogram.precision_recall_points() == []
    assert histogram.best_temperature() == 1.0
    assert math.isfinite(histogram.brier())
    assert math.isfinite(histogram.ece())


def test_soft_dice_of_a_mask_is_dice() -> None:
    random = np.random.default_rng(0)
    preds, target = random.random((2, 9, 11)) < 0.4
    assert soft_dice(preds.astype(np.float32), target) == pytest.approx(dice(count(preds, target)))


def test_soft_dice_of_an_empty_target() -> None:
    assert soft_dice(row(0, 0, 0, 0), NOTHING) == 1.0
    assert math.isnan(soft_dice(row(0, 0, 0, 0), NOTHING, empty="skip"))
    assert soft_dice(row(0, 0, 0, 1e-6), NOTHING, empty="nan") == 0.0
    assert soft_dice(row(0, 0, 0, 0), MASK, empty="nan") == 0.0
    with pytest.raises(ValueError, match="empty must be one of"):
        soft_dice(row(0, 0, 0, 0), NOTHING, empty="zero")  # type: ignore[arg-type]


def test_brier_keeps_its_digits_near_0() -> None:
    assert brier(row(1e-5, 1e-5, 1.0, 1.0), MASK) == pytest.approx(0.5e-10, rel=1e-6)
    assert brier(row(1, 1, 0, 0), MASK) == 1.0


def test_no_pixels_have_no_score() -> None:
    probs, target = np.zeros((0, 4), dtype=np.float32), np.zeros((0, 4), dtype=bool)
    assert all(math.isnan(score(probs, target)) for score in (roc_auc, average_precision, brier))
    nothing = LogitHistogram()
    assert nothing.total == 0
    assert all(
        math.isnan(value) for value in (nothing.roc_auc(), nothing.average_precision(), nothing.brier(), nothing.ece(), nothing.nll())
    )
    assert nothing.reliability() == []
    assert LogitHistogram.of(MASK.astype(np.float32), MASK, NOTHING).total == 0


def test_any_layout_in_memory_is_the_same_image() -> None:
    probs, target = calibrated(shape=(12, 20))
    turned, mirrored = (probs.T, target.T), (probs[:, ::-1], target[:, ::-1])
    for score in (roc_auc, average_precision, brier, soft_dice):
        assert score(*turned) == pytest.approx(score(probs, target), rel=1e-12)
        assert score(*mirrored) == pytest.approx(score(probs, target), rel=1e-12)
    assert np.array_equal(LogitHistogram.of(*turned).counts, LogitHistogram.of(*mirrored).counts)


@pytest.mark.parametrize("score", [roc_auc, average_precision, brier, soft_dice, LogitHistogram.of])
def test_what_are_no_probabilities_of_this_target_is_refused(score) -> None:
    with pytest.raises(TypeError, match="probs must be float32, not float64"):
        score(row(0.1, 0.2, 0.3, 0.4).astype(np.float64), MASK)
    with pytest.raises(TypeError, match="target must be bool"):
        score(row(0.1, 0.2, 0.3, 0.4), MASK.astype(np.uint8))
    with pytest.raises(ValueError, match="differ in shape"):
        score(row(0.1, 0.2, 0.3), MASK)
    for wrong in (math.nan, 1.5, -0.1):
        with pytest.raises(ValueError, match=r"NaN or outside \[0, 1\]"):
            score(row(0.1, wrong, 0.3, 0.4), MASK)


def test_inputs_stay_as_they_were() -> None:
    probs, target = calibrated(shape=(9, 9))
    kept = probs.copy(), target.copy()
    for score in (roc_auc, average_precision, brier, soft_dice, LogitHistogram.of):
        score(probs, target)
    assert np.array_equal(probs, kept[0])
    assert np.array_equal(target, kept[1])


# ------------------------------------------------------------------------------------------------------------------ the histogram


def test_each_class_is_counted_at_its_logits() -> None:
    counts = LogitHistogram.of(row(0.0, 0.5, 1.0, 1.0), MASK).counts
    assert counts.dtype == np.int64
    assert np.argwhere(counts[:, 0]).ravel().tolist() == [0, BINS // 2]
    assert np.argwhere(counts[:, 1]).ravel().tolist() == [BINS - 1]
    assert counts[BINS - 1, 1] == 2


def test_a_histogram_of_all_images_is_the_sum_of_theirs() -> None:
    images = [calibrated(seed=seed, shape=(20, 30)) for seed in range(3)]
    whole = LogitHistogram.of(*(np.concatenate(side) for side in zip(*images, strict=True)))
    parts = sum((LogitHistogram.of(*image) for image in images), LogitHistogram())
    assert np.array_equal(parts.counts, whole.counts)
    assert parts.total == 3 * 600
    assert parts.roc_auc() == whole.roc_auc()


def test_only_pixels_inside_the_field_of_view_are_taken() -> None:
    probs, target = calibrated(shape=(20, 30))
    inside = np.random.default_rng(1).random(probs.shape) < 0.5
    assert np.array_equal(LogitHistogram.of(probs, target, inside).counts, LogitHistogram.of(probs[inside], target[inside]).counts)
    with pytest.raises(ValueError, match="field of view"):
        LogitHistogram.of(probs, target, inside.T)
    with pytest.raises(TypeError, match="inside must be bool"):
        LogitHistogram.of(probs, target, inside.astype(np.uint8))


def test_histograms_that_do_not_fit_are_refused() -> None:
    one = LogitHistogram.of(row(0.1, 0.2, 0.3, 0.4), MASK)
    with pytest.raises(ValueError, match="two temperatures"):
        one + one.scaled(2.0)
    with pytest.raises(ValueError, match="shape"):
        LogitHistogram(np.zeros((7, 2), dtype=np.int64))
    with pytest.raises(ValueError, match="temperature must be above 0"):
        one.scaled(0.0)
    with pytest.raises(ValueError, match="bins must be at least 1"):
        one.ece(0)


def test_more_pixels_than_fit_into_the_product_of_two_integers() -> None:
    one = LogitHistogram.of(*calibrated())
    many = LogitHistogram(one.counts * 10**9)
    assert many.roc_auc() == pytest.approx(one.roc_auc())
    assert many.average_precision() == pytest.approx(one.average_precision())
    assert many.ece() == pytest.approx(one.ece())


# ------------------------------------------------------------------------------------------------------------------ calibration


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    histogram = LogitHistogram.of(*calibrated(temperature))
    found = histogram.best_temperature()
    assert found == pytest.approx(temperature, rel=0.03)
    after = histogram.scaled(found)
    assert after.nll() == histogram.nll(found) <= histogram.nll()
    assert after.ece() < 0.01
    assert after.best_temperature() == pytest.approx(1.0, abs=1e-3)


def test_calibration_mends_what_was_too_sure_and_leaves_the_ranking() -> None:
    histogram = LogitHistogram.of(*calibrated(2.5))
    after = histogram.scaled(histogram.best_temperature())
    assert histogram.ece() > 0.1 > 0.01 > after.ece()
    assert after.brier() < histogram.brier()
    assert after.roc_auc() == histogram.roc_auc()
    assert after.average_precision() == histogram.average_precision()


def test_the_best_temperature_is_no_worse_than_any_other() -> None:
    histogram = LogitHistogram.of(*calibrated(2.5))
    best = histogram.nll(histogram.best_temperature())
    assert all(best <= histogram.nll(other) + 1e-9 for other in np.geomspace(0.05, 20, 200))


def test_separated_classes_end_at_the_lowest_temperature_and_reversed_ones_at_the_highest() -> None:
    perfect = LogitHistogram.of(row(0.1, 0.2, 0.8, 0.9), MASK)
    assert perfect.best_temperature() == pytest.approx(0.05, rel=0.01)
    assert LogitHistogram.of(row(0.9, 0.8, 0.2, 0.1), MASK).best_temperature() == pytest.approx(20, rel=0.01)


def test_scaling_twice_is_scaling_by_the_product() -> None:
    histogram = LogitHistogram.of(*calibrated())
    assert histogram.scaled(2.0).scaled(3.0).brier() == pytest.approx(histogram.scaled(6.0).brier(), rel=1e-12)
    assert histogram.scaled(2.0).nll(3.0) == pytest.approx(histogram.nll(6.0), rel=1e-12)
    assert math.isfinite(histogram.scaled(1e-4).brier())


def test_reliability_lies_on_the_diagonal_where_probabilities_are_calibrated() -> None:
    bins = LogitHistogram.of(*calibrated()).reliability(10)
    assert len(bins) == 10
    assert sum(n for _, _, n in bins) == 40_000
    assert [share for _, share, _ in bins] == pytest.approx([mean for mean, _, _ in bins], abs=0.03)
    assert all(index / 10 <= mean <= (index + 1) / 10 for index, (mean, _, _) in enumerate(bins))


def test_empty_bins_are_left_out() -> None:
    bins = LogitHistogram.of(row(0.1, 0.1, 0.9, 0.9), MASK).reliability(15)
    assert [(share, n) for _, share, n in bins] == [(0.0, 2), (1.0, 2)]
    assert [type(value) for value in bins[0]] == [float, float, int]
    assert LogitHistogram.of(row(0.1, 0.1, 0.9, 0.9), MASK).ece() == pytest.approx(0.1, abs=1e-3)


# ------------------------------------------------------------------------------------------------------------------ curves


def test_curves_run_from_end_to_end_without_turning_back() -> None:
    histogram = LogitHistogram.of(*calibrated())
    roc, precision_recall = histogram.roc_points(), histogram.precision_recall_points()
    assert (roc[0], roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert roc == sorted(roc)
    assert all(one[1] <= other[1] for one, other in pairwise(roc))
    recalls = [recall for recall, _ in precision_recall]
    assert recalls == sorted(recalls)
    assert precision_recall[-1] == (1.0, pytest.approx(calibrated()[1].mean()))
    assert all(len(points) <= 200 and len(set(points)) == len(points) for points in (roc, precision_recall))


def test_few_points_keep_the_area() -> None:
    histogram = LogitHistogram.of(*calibrated())
    x, y = zip(*histogram.roc_points(50), strict=True)
    assert len(x) <= 50
    assert np.trapezoid(y, x) == pytest.approx(histogram.roc_auc(), abs=2e-3)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_the_ends_are_kept_however_few_points_are_wished(n: int) -> None:
    roc = LogitHistogram.of(*calibrated()).roc_points(n)
    assert len(roc) <= n
    assert (roc[0], roc[-1]) == ((0.0, 0.0), (1.0, 1.0))


def test_a_perfect_curve_goes_through_the_corner() -> None:
    perfect = LogitHistogram.of(row(0.1, 0.2, 0.8, 0.9), MASK)
    assert (0.0, 1.0) in perfect.roc_points()
    assert (1.0, 1.0) in perfect.precision_recall_points()
    assert perfect.precision_recall_points()[-1] == (1.0, 0.5)


def test_a_constant_prediction_is_one_step() -> None:
    constant = LogitHistogram.of(row(0.3, 0.3, 0.3, 0.3), MASK)
    assert constant.roc_points() == [(0.0, 0.0), (1.0, 1.0)]
    assert constant.precision_recall_points() == [(1.0, 0.5)]
    assert constant.roc_auc() == constant.average_precision() == 0.5


def test_the_empty_rule_is_that_of_dice() -> None:
    for rule in ("one", "nan", "skip"):
        assert soft_dice(row(0, 0, 0, 0), NOTHING, empty=rule) == pytest.approx(dice(Counts(), empty=rule), nan_ok=True)
