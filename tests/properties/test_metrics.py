"""What must hold of the metrics for any pair of masks, and of the sweep and the histogram for any probabilities."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from limner.metrics import (
    THRESHOLDS,
    Counts,
    LogitHistogram,
    accuracy,
    average_precision,
    binarise,
    brier,
    count,
    dice,
    f2,
    f_beta,
    iou,
    kappa,
    mcc,
    pool,
    possible_pair,
    precision,
    recall,
    roc_auc,
    soft_dice,
    summarise,
    sweep_counts,
    volume_similarity,
)
from limner.metrics.names import METRIC_INFO
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from limner.metrics import EmptyRule
    from limner.types import MaskArray, ProbArray

settings.register_profile("metrics", max_examples=60, deadline=None, derandomize=True)
quick = settings(settings.get_profile("metrics"))

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)
rules = st.sampled_from(["one", "nan", "skip"])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[MaskArray, MaskArray]:
    shape = draw(shapes)
    mask = partial(hnp.arrays, np.bool_, shape)
    return draw(mask()), draw(mask())


@st.composite
def probs_and_thresholds(draw: st.DrawFn) -> tuple[ProbArray, MaskArray, list[float]]:
    """Probabilities that often sit on a threshold, or the smallest possible step beside it."""
    thresholds = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6)) + draw(st.lists(st.sampled_from(THRESHOLDS), max_size=6))
    edges = np.array(thresholds, dtype=np.float32)
    beside = np.concatenate([edges, np.nextafter(edges, np.float32(0)), np.nextafter(edges, np.float32(1))])
    shape = draw(shapes)
    value = st.one_of(st.sampled_from(beside.tolist()), st.floats(0, 1, width=32))
    return draw(hnp.arrays(np.float32, shape, elements=value)), draw(hnp.arrays(np.bool_, shape)), thresholds


@quick
@given(pairs())
def test_every_score_lies_between_its_worst_and_1(pair: tuple[MaskArray, MaskArray]) -> None:
    counts = count(*pair)
    assert counts.total == pair[0].size
    for name, metric in METRICS.items():
        assert METRIC_INFO[name].worst <= metric(counts) <= 1.0 + 1e-15, name


@quick
@given(pairs(), rules)
def test_only_both_masks_empty_is_ever_undefined(pair: tuple[MaskArray, MaskArray], rule: EmptyRule) -> None:
    undefined = math.isnan(dice(count(*pair), empty=rule))
    assert undefined == (rule != "one" and not (pair[0] | pair[1]).any())


@quick
@given(pairs())
def test_what_is_symmetric_and_precision_is_recall_turned_round(pair: tuple[MaskArray, MaskArray]) -> None:
    one, other = count(*pair), count(*reversed(pair))
    assert all(metric(one) == metric(other) for metric in (dice, iou, accuracy, mcc, kappa, volume_similarity))
    assert precision(one) == recall(other)


@quick
@given(pairs())
def test_agreement_of_both_classes_does_not_ask_which_is_the_foreground(pair: tuple[MaskArray, MaskArray]) -> None:
    one, other = count(*pair), count(~pair[0], ~pair[1])
    for name in ("accuracy", "balanced_accuracy", "mcc", "kappa"):
        assert METRICS[name](one) == pytest.approx(METRICS[name](other), abs=1e-15), name
    assert METRICS["specificity"](one) == recall(other)


@quick
@given(pairs())
def test_a_prediction_turned_into_its_negative_turns_the_sign(pair: tuple[MaskArray, MaskArray]) -> None:
    if 0 < pair[0].sum() < pair[0].size and 0 < pair[1].sum() < pair[1].size:
        assert mcc(count(*pair)) == pytest.approx(-mcc(count(~pair[0], pair[1])), abs=1e-15)


@quick
@given(pairs(), st.data())
def test_one_more_true_positive_lowers_nothing(pair: tuple[MaskArray, MaskArray], data: st.DataObject) -> None:
    preds, target = pair
    missed = np.flatnonzero(target & ~preds)
    if missed.size:
        better = preds.copy()
        better.flat[data.draw(st.sampled_from(missed.tolist()))] = True
        before, after = count(preds, target), count(better, target)
        for name in ("dice", "iou", "precision", "recall", "accuracy", "balanced_accuracy", "f2", "kappa"):
            assert METRICS[name](after) >= METRICS[name](before), name
        assert dice(after) > dice(before)
        assert recall(after) > recall(before)


@quick
@given(pairs(), st.data())
def test_one_more_false_positive_raises_nothing(pair: tuple[MaskArray, MaskArray], data: st.DataObject) -> None:
    preds, target = pair
    spared = np.flatnonzero(~target & ~preds)
    if spared.size:
        worse = preds.copy()
        worse.flat[data.draw(st.sampled_from(spared.tolist()))] = True
        before, after = count(preds, target), count(worse, target)
        for name in ("dice", "iou", "precision", "recall", "specificity", "accuracy", "balanced_accuracy", "f2", "kappa"):
            assert METRICS[name](after) <= METRICS[name](before), name


@quick
@given(pairs(), st.data())
def test_the_field_of_view_is_the_image_cut_down_to_it(pair: tuple[MaskArray, MaskArray], data: st.DataObject) -> None:
    inside = data.draw(hnp.arrays(np.bool_, pair[0].shape))
    assert count(*pair, inside) == count(pair[0][inside], pair[1][inside])
    assert count(*pair, inside) + count(*pair, ~inside) == count(*pair)


@quick
@given(pairs())
def test_a_mask_agrees_with_itself(pair: tuple[MaskArray, MaskArray]) -> None:
    counts = count(pair[0], pair[0].copy())
    assert all(metric(counts) == 1.0 for metric in METRICS.values())


@quick
@given(pairs())
def test_dice_follows_from_iou_and_both_lie_as_they_must(pair: tuple[MaskArray, MaskArray]) -> None:
    counts = count(*pair)
    assert dice(counts) == pytest.approx(2 * iou(counts) / (1 + iou(counts)))
    assert iou(counts) <= dice(counts)
    low, high = sorted([precision(counts), recall(counts)])
    assert low - 1e-12 <= dice(counts) <= high + 1e-12
    assert low - 1e-12 <= f2(counts) <= high + 1e-12


@quick
@given(pairs(), st.floats(1e-3, 1e3))
def test_f_beta_is_the_weighted_harmonic_mean_of_precision_and_recall(pair: tuple[MaskArray, MaskArray], beta: float) -> None:
    counts = count(*pair)
    p, r = precision(counts), recall(counts)
    expected = (1 + beta**2) * p * r / (beta**2 * p + r) if p and r else 0.0
    assert f_beta(counts, beta) == pytest.approx(expected)
    assert f_beta(counts, 1 / beta) == pytest.approx(f_beta(count(*reversed(pair)), beta))


@quick
@given(pairs(), rules)
def test_of_one_image_pooled_is_per_image(pair: tuple[MaskArray, MaskArray], rule: EmptyRule) -> None:
    scores = summarise([count(*pair)], threshold=0.5, empty=rule)
    value = {(score.convention, score.name): score.value for score in scores}
    for name in METRICS:
        assert value["per-image", name] == pytest.approx(value["pooled", name], nan_ok=True), name


@quick
@given(st.lists(pairs(), min_size=1, max_size=6), rules)
def test_what_is_printed_of_any_images_is_a_possible_pair(images: list[tuple[MaskArray, MaskArray]], rule: EmptyRule) -> None:
    scores = summarise([count(*pair) for pair in images], threshold=0.5, empty=rule)
    value = {(score.convention, score.name): score.value for score in scores}
    for convention in ("per-image", "pooled"):
        pair = value[convention, "dice"], value[convention, "iou"]
        assert possible_pair(*pair, convention, rounding=0)
        assert possible_pair(*(round(number, 3) for number in pair), convention)


@quick
@given(st.floats(0, 1), st.floats(0, 1))
def test_every_pair_that_is_called_possible_is_reached_by_some_images(mean_dice: float, share: float) -> None:
    # A share of the images is perfect or missed, in the proportion that keeps the mean Dice; all others have that Dice themselves.
    lowest = mean_dice / (2 - mean_dice)
    mean_iou = share * mean_dice + (1 - share) * lowest
    assert possible_pair(mean_dice, mean_iou, "per-image", rounding=0)
    assert not possible_pair(mean_dice, lowest - 1e-6, "per-image", rounding=0)
    assert not possible_pair(mean_dice, mean_dice + 1e-6, "per-image", rounding=0)


@quick
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["per-image", "pooled", "pranet-256"]))
def test_what_is_possible_in_fine_digits_is_so_in_coarse_ones(d: float, j: float, convention: str) -> None:
    if possible_pair(d, j, convention, rounding=5e-5):
        assert possible_pair(d, j, convention, rounding=5e-4)
    if possible_pair(d, j, "pooled"):
        assert possible_pair(d, j, convention)


@quick
@given(st.lists(pairs(), min_size=1, max_size=5))
def test_pooled_is_the_score_of_all_images_laid_end_to_end(images: list[tuple[MaskArray, MaskArray]]) -> None:
    counts = [count(*pair) for pair in images]
    preds, target = (np.concatenate([pair[side].ravel() for pair in images]) for side in (0, 1))
    assert pool(counts) == count(preds, target)
    pooled = {score.name: score.value for score in summarise(counts, threshold=0.5) if score.convention == "pooled"}
    assert pooled == {name: metric(count(preds, target)) for name, metric in METRICS.items()}


@quick
@given(st.lists(pairs(), min_size=1, max_size=5), st.randoms(use_true_random=False), rules)
def test_no_score_depends_on_the_order_of_the_images(images: list[tuple[MaskArray, MaskArray]], random: object, rule: EmptyRule) -> None:
    counts = [count(*pair) for pair in images]
    shuffled = counts.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for one, other in zip(summarise(counts, threshold=0.5, empty=rule), summarise(shuffled, threshold=0.5, empty=rule), strict=True):
        assert one.value == pytest.approx(other.value, nan_ok=True)
        assert one.n == other.n


@quick
@given(st.lists(pairs(), min_size=1, max_size=5), rules)
def test_pooled_values_do_not_change_when_cases_are_skipped(images: list[tuple[MaskArray, MaskArray]], rule: EmptyRule) -> None:
    counts = [count(*pair) for pair in images]
    filled = [c for c in counts if not math.isnan(dice(c, empty="skip"))]
    assert dice(pool(counts), empty=rule) == pytest.approx(dice(pool(filled), empty=rule), nan_ok=True)


@quick
@given(probs_and_thresholds())
def test_the_sweep_is_the_same_as_thresholding_directly(case: tuple[ProbArray, MaskArray, list[float]]) -> None:
    probs, target, thresholds = case
    assert sweep_counts(probs, target, thresholds) == [count(binarise(probs, t), target) for t in thresholds]


@quick
@given(probs_and_thresholds())
def test_binarise_is_the_plain_comparison_in_float32(case: tuple[ProbArray, MaskArray, list[float]]) -> None:
    probs, _, thresholds = case
    for threshold in thresholds:
        assert np.array_equal(binarise(probs, threshold), probs >= np.array(threshold, dtype=np.float32))


@quick
@given(probs_and_thresholds())
def test_a_higher_threshold_never_finds_more(case: tuple[ProbArray, MaskArray, list[float]]) -> None:
    probs, target, thresholds = case
    swept = sweep_counts(probs, target, sorted(thresholds))
    for lower, higher in pairwise(swept):
        assert higher.tp <= lower.tp
        assert higher.fp <= lower.fp


@quick
@given(probs_and_thresholds(), st.data())
def test_the_sweep_inside_a_field_of_view_is_that_of_its_pixels(
    case: tuple[ProbArray, MaskArray, list[float]], data: st.DataObject
) -> None:
    probs, target, thresholds = case
    inside = data.draw(hnp.arrays(np.bool_, probs.shape))
    assert sweep_counts(probs, target, thresholds, inside) == [count(binarise(probs, t), target, inside) for t in thresholds]


@quick
@given(probs_and_thresholds())
def test_scores_of_probabilities_keep_their_bounds(case: tuple[ProbArray, MaskArray, list[float]]) -> None:
    probs, target, _ = case
    histogram = LogitHistogram.of(probs, target)
    assert histogram.total == probs.size
    values = [roc_auc(probs, target), average_precision(probs, target), soft_dice(probs, target), brier(probs, target)]
    values += [histogram.roc_auc(), histogram.average_precision(), histogram.brier(), histogram.ece()]
    assert all(math.isnan(value) or 0 <= value <= 1 + 1e-12 for value in values)
    assert histogram.brier() == pytest.approx(brier(probs, target), abs=0.0012)
    assert histogram.ece() ** 2 <= histogram.brier() + 1e-12  # Jensen, twice


@quick
@given(probs_and_thresholds())
def test_the_ranking_turned_round_is_its_complement(case: tuple[ProbArray, MaskArray, list[float]]) -> None:
    probs, target, _ = case
    if 0 < target.sum() < target.size:
        assert roc_auc(probs, target) + roc_auc(probs, ~target) == pytest.approx(1)


@quick
@given(probs_and_thresholds(), probs_and_thresholds())
def test_histograms_add_up_in_any_order(
    one: tuple[ProbArray, MaskArray, list[float]], other: tuple[ProbArray, MaskArray, list[float]]
) -> None:
    parts = [LogitHistogram.of(probs, target) for probs, target, _ in (one, other)]
    probs, target = (np.concatenate([one[side].ravel(), other[side].ravel()]) for side in (0, 1))
    whole = LogitHistogram.of(probs, target).counts
    assert np.array_equal((parts[0] + parts[1]).counts, whole)
    assert np.array_equal((parts[1] + parts[0]).counts, whole)


def test_counts_are_a_sum_with_nothing_as_zero() -> None:
    assert pool([]) == Counts()
