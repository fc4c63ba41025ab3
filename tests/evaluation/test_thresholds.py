from __future__ import annotations

import math

import numpy as np
import pytest
from tests.evaluation.fakes import FakeCases, FakePredictor, case, some_cases

from limner.errors import DataError
from limner.evaluation import ThresholdChoice, choose_threshold, evaluate
from limner.evaluation.swept import sweep_cases
from limner.evaluation.thresholds import best_index, choose_from
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
    for name in ("dice", "iou", "precision", "recall", "f2"):
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


def test_f2_prefers_to_find_too_much() -> None:
    # At 0.2: everything is found, with as many false pixels. Dice 0.67, F2 0.83. At 0.6: half, nothing false. Dice 0.67, F2 0.56.
    cases = FakeCases((case("a", [[0.9, 0.3, 0.3, 0.3, 0.0]], [[1, 1, 0, 0, 0]]),))
    found = choose_threshold(FakePredictor(), cases, metric="f2", thresholds=[0.2, 0.6])
    assert (found.threshold, found.value) == (0.2, pytest.approx(10 / 12))
    assert [point.f2 for point in found.curve] == [pytest.approx(10 / 12), pytest.approx(5 / 9)]


# The recall of the first is 1 up to 0.3, then 0.5 up to 0.9; of the second 1 up to 0.5; in the third there is nothing to find.
SLOPE = FakeCases(
    (
        case("a", [[0.9, 0.3, 0.6, 0.0]], [[1, 1, 0, 0]]),
        case("b", [[0.5, 0.5, 0.0, 0.0]], [[1, 1, 0, 0]]),
        case("nothing there", [[0.2, 0.2, 0.2, 0.2]], [[0, 0, 0, 0]]),
    )
)


@pytest.mark.parametrize(("wished", "threshold", "value"), [(0.95, 0.29, 1.0), (0.75, 0.49, 0.75), (0.5, 0.49, 0.75), (0.25, 0.89, 0.25)])
def test_recall_takes_the_highest_threshold_that_reaches_what_is_wished(wished: float, threshold: float, value: float) -> None:
    found = choose_threshold(FakePredictor(), SLOPE, metric="recall", recall=wished)
    assert found.threshold == pytest.approx(threshold, abs=0.011)
    assert (found.value, found.wished, found.n, found.n_with_object) == (value, wished, 3, 2)
    assert found.sentence() == (
        f"highest with a mean per-image recall of at least {wished:g} on 2 validation images with foreground (it is {value:.3f})"
    )


def test_images_with_nothing_to_find_do_not_pass_for_found_ones() -> None:
    """With them the recall at 0.49 would be 0.83, though but 0.75 of the objects is found."""
    found = choose_threshold(FakePredictor(), SLOPE, metric="recall", recall=0.8)
    assert found.threshold < 0.3
    assert next(point.recall for point in found.curve if point.threshold == 0.49) == pytest.approx(2.5 / 3)


def test_a_recall_out_of_reach_gives_the_lowest_threshold_and_says_so() -> None:
    cases = FakeCases((case("a", [[0.9, 0.0]], [[1, 1]]),))
    found = choose_threshold(FakePredictor(), cases, metric="recall")
    assert (found.threshold, found.value) == (0.01, 0.5)
    assert found.sentence() == (
        "lowest that was tried, since none reaches a mean per-image recall of 0.95 on 1 validation image with foreground (it is 0.500)"
    )


def test_there_is_no_recall_without_objects() -> None:
    with pytest.raises(DataError, match="no threshold can be chosen"):
        choose_threshold(FakePredictor(), FakeCases((case("a", [[0.5]], [[0]]),)), metric="recall")


@pytest.mark.parametrize(("metric", "words"), [("dice", "Dice"), ("iou", "IoU"), ("f2", "F2")])
def test_the_sentence_says_by_what_it_was_chosen(metric: str, words: str) -> None:
    swept = sweep_cases(FakePredictor(), TIMID)
    assert choose_from(swept, metric=metric).sentence() == f"best mean per-image {words} on 2 validation images"
    calibrated = choose_from(swept, metric=metric, temperature=1.432).sentence()
    assert calibrated == f"best mean per-image {words} on 2 validation images, after calibration by a temperature of 1.43"


def test_dice_at_the_threshold_is_known_whatever_it_was_chosen_by() -> None:
    found = choose_threshold(FakePredictor(), TIMID, metric="iou", thresholds=[0.15, 0.99])
    assert (found.dice, found.value) == (pytest.approx((1 + 2 / 3) / 2), 0.75)


def test_only_what_lies_in_the_field_of_view_is_counted() -> None:
    whole = case("a", [[0.9, 0.9, 0.3, 0.9]], [[1, 1, 1, 0]])
    inside = case("a", [[0.9, 0.9, 0.3, 0.9]], [[1, 1, 1, 0]], fov=np.array([[True, True, True, False]]))
    assert choose_threshold(FakePredictor(), FakeCases((whole,))).value < 1
    swept = sweep_cases(FakePredictor(), FakeCases((inside,)))
    assert choose_from(swept).value == 1
    assert (swept.counts[0][0].total, swept.logits.total) == (3, 3)


def test_a_file_of_an_older_limner_is_read() -> None:
    old = choose_threshold(FakePredictor(), TIMID).model_dump(mode="json", exclude={"wished", "n_with_object", "temperature"})
    for point in old["curve"]:
        del point["f2"]
    found = ThresholdChoice.model_validate(old)
    assert math.isnan(found.curve[0].f2)
    assert found.sentence() == "best mean per-image Dice on 2 validation images"


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
