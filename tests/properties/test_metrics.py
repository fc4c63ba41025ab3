"""What must hold of the metrics for any pair of masks, and of the sweep for any probabilities."""

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

from limner.metrics import THRESHOLDS, Counts, accuracy, binarise, count, dice, f2, iou, pool, precision, recall, summarise, sweep_counts
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
def test_every_score_lies_between_0_and_1(pair: tuple[MaskArray, MaskArray]) -> None:
    counts = count(*pair)
    assert counts.total == pair[0].size
    assert all(0.0 <= metric(counts) <= 1.0 for metric in METRICS.values())


@quick
@given(pairs(), rules)
def test_only_both_masks_empty_is_ever_undefined(pair: tuple[MaskArray, MaskArray], rule: EmptyRule) -> None:
    undefined = math.isnan(dice(count(*pair), empty=rule))
    assert undefined == (rule != "one" and not (pair[0] | pair[1]).any())


@quick
@given(pairs())
def test_dice_iou_and_accuracy_are_symmetric_and_precision_is_recall_turned_round(pair: tuple[MaskArray, MaskArray]) -> None:
    one, other = count(*pair), count(*reversed(pair))
    assert all(metric(one) == metric(other) for metric in (dice, iou, accuracy))
    assert precision(one) == recall(other)


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


def test_counts_are_a_sum_with_nothing_as_zero() -> None:
    assert pool([]) == Counts()
