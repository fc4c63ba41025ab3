from __future__ import annotations

import math

import pytest
from tests.evaluation.fakes import FakeCases, FakePredictor, case, some_cases

from limner.errors import DataError
from limner.evaluation import ThresholdChoice, choose_threshold, evaluate
from limner.evaluation.thresholds import best_index
from limner.metrics import THRESHOLDS

TIMID = FakeCases((case("a", [[0.3, 0.1]], [[1, 0]]), case("b", [[0.3, 0.2]], [[1, 0]])), name="val")


def test_the_best_threshold_is_in_the_middle_of_its_plateau() -> None:
    found = choose_threshold(FakePredictor(), TIMID)
    assert found.threshold == 0.25  # 0.21 to 0.29 are perfect: the images hold 51 (0.2) and 76 (0.298) of 255
    assert (found.value, found.metric, found.convention, found.n, found.source) == (1.0, "dice", "per-image", 2, "val")


def test_the_curve_has_the_per_image_means_at_every_threshold() -> None:
    found = choose_threshold(FakePredictor(), TIMID)
    assert tuple(point.threshold for point in found.curve) == THRESHOLDS
    at = {point.threshold: point for point in found.curve}
    assert (at[0.15].dice, at[0.15].iou) == (pytest.approx((1 + 2 / 3) / 2), 0.75)
    assert (at[0.15].precision, at[0.15].recall) == (0.75, 1.0)
    assert (at[0.5].dice, at[0.5].precision, at[0.5].recall) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.5, 0.9])
def test_a_point_of_the_curve_is_what_evaluate_finds_there(threshold: float) -> None:
    point = next(p for p in choose_threshold(FakePredictor(), some_cases()).curve if p.threshold == threshold)
    found = evaluate(FakePredictor(threshold=threshold), some_cases())
    for name in ("dice", "iou", "precision", "recall"):
        assert getattr(point, name) == found.score(name).value


def test_every_image_is_predicted_once_and_the_models_threshold_plays_no_part() -> None:
    predictor = FakePredictor(threshold=0.99)
    assert choose_threshold(predictor, TIMID).threshold == 0.25
    assert len(predictor.seen) == 2


def test_the_metric_decides() -> None:
    # Dice at 0.2: 1 and 0.57, at 0.6: 0.8 and 0.8. IoU: 1 and 0.4, 0.67 and 0.67. IoU thinks more of the perfect one.
    cases = FakeCases(
        (
            case("a", [[0.9, 0.9, 0.3, 0.0, 0.0]], [[1, 1, 1, 0, 0]]),
            case("b", [[0.9, 0.9, 0.9, 0.3, 0.3]], [[1, 1, 0, 0, 0]]),
        )
    )
    by_dice = choose_threshold(FakePredictor(), cases, metric="dice", thresholds=[0.2, 0.6])
    by_iou = choose_threshold(FakePredictor(), cases, metric="iou", thresholds=[0.2, 0.6])
    assert (by_dice.threshold, by_dice.value) == (0.6, pytest.approx(0.8))
    assert (by_iou.threshold, by_iou.value) == (0.2, pytest.approx(0.7))


def test_the_thresholds_may_come_in_any_order_and_twice() -> None:
    found = choose_threshold(FakePredictor(), TIMID, thresholds=[0.9, 0.25, 0.1, 0.25])
    assert [point.threshold for point in found.curve] == [0.1, 0.25, 0.9]
    assert found.threshold == 0.25


def test_skip_and_nan_when_there_is_nothing_to_choose_by() -> None:
    empty = FakeCases((case("a", [[0.0, 0.0]], [[0, 0]]),), name="negatives")
    assert choose_threshold(FakePredictor(), empty).threshold == 0.5
    for rule in ("nan", "skip"):
        with pytest.raises(DataError, match="no threshold can be chosen") as caught:
            choose_threshold(FakePredictor(), empty, empty=rule)
        assert caught.value.where == "negatives"


def test_an_empty_validation_part_is_an_error() -> None:
    with pytest.raises(DataError, match="nothing to evaluate"):
        choose_threshold(FakePredictor(), FakeCases(()))


def test_no_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match="no thresholds"):
        choose_threshold(FakePredictor(), TIMID, thresholds=[])


def test_progress() -> None:
    steps: list[tuple[int, int]] = []
    choose_threshold(FakePredictor(), TIMID, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]


def test_a_choice_survives_json() -> None:
    found = choose_threshold(FakePredictor(), TIMID)
    assert ThresholdChoice.model_validate_json(found.model_dump_json()) == found


GRID = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 1, 0, 0, 0, 0], 0.3),
        ([0, 1, 1, 1, 0, 0, 1], 0.3),  # the longest run wins over the nearest to 0.5
        ([1, 1, 0, 0, 0, 0, 0], 0.2),  # of two middles the one nearer to 0.5
        ([0, 0, 0, 0, 0, 1, 1], 0.6),
        ([1, 0, 0, 1, 0, 0, 0], 0.4),  # of two runs the one nearer to 0.5
        ([0, 0, 0, 1, 0, 1, 0], 0.4),  # as near as the other: the lower
        ([1, 1, 1, 1, 1, 1, 1], 0.4),
        ([math.nan, math.nan, 0.5, math.nan, 0.2, 0.2, 0.2], 0.3),
    ],
)
def test_ties(values: list[float], expected: float) -> None:
    best = best_index(GRID, values)
    assert best is not None
    assert GRID[best] == expected


def test_nothing_is_best_of_nothing() -> None:
    assert best_index(GRID, [math.nan] * 7) is None
