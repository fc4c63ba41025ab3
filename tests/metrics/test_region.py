from __future__ import annotations

import math
from typing import Any

import pytest

from limner.metrics import (
    Counts,
    accuracy,
    balanced_accuracy,
    dice,
    f2,
    f_beta,
    iou,
    kappa,
    mcc,
    precision,
    recall,
    specificity,
    volume_similarity,
)
from limner.metrics.names import METRIC_INFO
from limner.metrics.region import METRICS

OF_FOREGROUND = [dice, iou, precision, recall, f2, volume_similarity]
OF_CHANCE = [mcc, kappa]
ORDINARY = Counts(tp=6, fp=2, fn=3, tn=9)
BOTH_EMPTY = Counts(tn=20)
BOTH_FULL = Counts(tp=20)
FALSE_ALARM = Counts(fp=5, tn=15)
MISSED = Counts(fn=5, tn=15)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (dice, 12 / 17),
        (iou, 6 / 11),
        (precision, 6 / 8),
        (recall, 6 / 9),
        (specificity, 9 / 11),
        (accuracy, 15 / 20),
        (balanced_accuracy, (6 / 9 + 9 / 11) / 2),
        (f2, 30 / 44),
        (mcc, (6 * 9 - 2 * 3) / math.sqrt(8 * 9 * 11 * 12)),
        (kappa, (15 / 20 - (8 * 9 + 12 * 11) / 400) / (1 - (8 * 9 + 12 * 11) / 400)),
        (volume_similarity, 1 - abs(8 - 9) / (8 + 9)),
    ],
)
def test_the_formula(metric: Any, value: float) -> None:
    assert metric(ORDINARY) == pytest.approx(value, rel=1e-14)


def test_the_metrics_are_those_of_the_region_family_in_its_order() -> None:
    assert list(METRICS) == [name for name, info in METRIC_INFO.items() if info.family == "region"]
    assert all(METRICS[name].__name__ == name for name in METRICS)  # type: ignore[attr-defined]


def test_f_beta_weighs_recall_by_beta() -> None:
    assert f_beta(ORDINARY, 1) == dice(ORDINARY)
    assert f_beta(ORDINARY, 2) == f2(ORDINARY)
    assert f_beta(ORDINARY, 1e-6) == pytest.approx(precision(ORDINARY))
    assert f_beta(ORDINARY, 1e6) == pytest.approx(recall(ORDINARY))
    for beta in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match="beta must be above 0"):
            f_beta(ORDINARY, beta)


@pytest.mark.parametrize("metric", OF_FOREGROUND)
def test_both_masks_empty(metric: Any) -> None:
    assert metric(BOTH_EMPTY) == 1.0
    assert metric(BOTH_EMPTY, empty="one") == 1.0
    assert math.isnan(metric(BOTH_EMPTY, empty="nan"))
    assert math.isnan(metric(BOTH_EMPTY, empty="skip"))


@pytest.mark.parametrize("empty", ["one", "nan", "skip"])
@pytest.mark.parametrize("counts", [FALSE_ALARM, MISSED])
@pytest.mark.parametrize("metric", OF_FOREGROUND)
def test_one_mask_empty_is_0_under_every_rule(metric: Any, counts: Counts, empty: str) -> None:
    assert metric(counts, empty=empty) == 0.0


def test_specificity_looks_at_the_background() -> None:
    assert specificity(BOTH_EMPTY, empty="nan") == 1.0
    assert specificity(BOTH_FULL) == 1.0
    assert math.isnan(specificity(BOTH_FULL, empty="skip"))
    assert specificity(Counts(tp=5, fn=5), empty="nan") == 0.0


@pytest.mark.parametrize("metric", OF_CHANCE)
def test_agreement_beyond_chance_needs_two_classes(metric: Any) -> None:
    for counts in (BOTH_EMPTY, BOTH_FULL):
        assert metric(counts) == 1.0
        assert math.isnan(metric(counts, empty="nan"))
        assert math.isnan(metric(counts, empty="skip"))
    for counts in (FALSE_ALARM, MISSED, Counts(tp=15, fn=5), Counts(tp=15, fp=5), Counts(fp=5), Counts(fn=5)):
        assert metric(counts, empty="nan") == 0.0
    assert metric(Counts(fp=4, fn=4)) == -1.0  # the one is the negative of the other


def test_balanced_accuracy_is_of_the_classes_in_the_target() -> None:
    assert balanced_accuracy(FALSE_ALARM, empty="nan") == specificity(FALSE_ALARM) == 0.75
    assert balanced_accuracy(Counts(tp=15, fn=5), empty="nan") == 0.75
    assert balanced_accuracy(BOTH_EMPTY, empty="nan") == balanced_accuracy(BOTH_FULL, empty="nan") == 1.0
    assert balanced_accuracy(MISSED) == 0.5


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_no_pixels_at_all_are_nothing_to_measure(metric: Any) -> None:
    assert metric(Counts()) == 1.0
    assert math.isnan(metric(Counts(), empty="skip"))


def test_volume_similarity_sees_sizes_alone() -> None:
    assert volume_similarity(Counts(fp=7, fn=7, tn=9)) == 1.0
    assert volume_similarity(Counts(tp=10, fp=10)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_counts_of_any_number_of_pixels(metric: Any) -> None:
    many = Counts(*(value * 10**15 for value in (6, 2, 3, 9)))
    assert metric(many) == pytest.approx(metric(ORDINARY))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_unknown_rule_is_refused_even_where_it_plays_no_part(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"empty must be one of .*'skip'.*, not 'zero'"):
        metric(ORDINARY, empty="zero")
