"""What it gains to have doubtful images looked at."""

from __future__ import annotations

import math

import pytest

from limner.evaluation import CaseResult, review_curve, review_gain
from limner.metrics import Counts


def result(key: str, tp: int, review: float) -> CaseResult:
    return CaseResult.of(key, (10, 10), Counts(tp=tp, fp=10 - tp, fn=10 - tp, tn=70 + tp), review=review)


CASES = [result("a", 2, 0.9), result("b", 10, 0.1), result("c", 6, 0.5), result("d", 8, 0.2)]


def test_the_least_doubtful_are_kept_first() -> None:
    assert review_curve(CASES) == [
        (0.25, pytest.approx(1.0)),
        (0.5, pytest.approx(0.9)),
        (0.75, pytest.approx(0.8)),
        (1.0, pytest.approx(0.65)),
    ]


def test_the_gain_lies_between_chance_and_the_truth() -> None:
    gain = review_gain(CASES)
    assert gain is not None
    assert gain.by_score == gain.by_truth == pytest.approx((1 + 0.9 + 0.8 + 0.65) / 4)
    assert (gain.at_random, gain.n) == (pytest.approx(0.65), 4)
    misled = review_gain([result("a", 2, 0.1), result("b", 10, 0.9)])
    assert misled is not None
    assert misled.by_score < misled.at_random < misled.by_truth


def test_what_has_no_score_is_left_out() -> None:
    assert review_curve([result("a", 2, math.nan)]) == []
    assert review_gain([result("a", 2, math.nan)]) is None
    assert len(review_curve([*CASES, result("e", 1, math.nan)])) == 4
