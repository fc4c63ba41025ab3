from __future__ import annotations

import math
from typing import Any

import pytest

from limner.metrics import Counts, accuracy, dice, f2, iou, precision, recall, specificity
from limner.metrics.region import METRICS

OF_FOREGROUND = [dice, iou, precision, recall, f2]
ORDINARY = Counts(tp=6, fp=2, fn=3, tn=9)
BOTH_EMPTY = Counts(tn=20)
BOTH_FULL = Counts(tp=20)
FALSE_ALARM = Counts(fp=5, tn=15)
MISSED = Counts(fn=5, tn=15)


@pytest.mark.parametrize(
    ("metric", "value"),
    [(dice, 12 / 17), (iou, 6 / 11), (precision, 6 / 8), (recall, 6 / 9), (specificity, 9 / 11), (accuracy, 15 / 20), (f2, 30 / 44)],
)
def test_the_formula(metric: Any, value: float) -> None:
    assert metric(ORDINARY) == value


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


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_unknown_rule_is_refused_even_where_it_plays_no_part(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"empty must be one of .*'skip'.*, not 'zero'"):
        metric(ORDINARY, empty="zero")
