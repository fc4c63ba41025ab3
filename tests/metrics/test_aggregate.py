from __future__ import annotations

import json
import math
import statistics

import pytest

from limner.metrics import Counts, EmptyRule, Score, possible_pair, summarise
from limner.metrics.aggregate import CONVENTIONS, Convention, mean

SMALL_AND_GOOD = Counts(tp=9, fp=1, fn=1, tn=89)  # Dice 0.9
LARGE_AND_POOR = Counts(tp=300, fp=300, fn=300, tn=100)  # Dice 0.5
BOTH_EMPTY = Counts(tn=100)
CASES = [SMALL_AND_GOOD, LARGE_AND_POOR, BOTH_EMPTY]


def score(name: str, convention: Convention = "per-image", *, cases: list[Counts] = CASES, empty: EmptyRule = "one") -> Score:
    found = [s for s in summarise(cases, threshold=0.4, empty=empty) if (s.name, s.convention) == (name, convention)]
    assert len(found) == 1
    return found[0]


def test_per_image_is_the_mean_of_the_scores() -> None:
    assert score("dice").value == pytest.approx((0.9 + 0.5 + 1.0) / 3)


def test_pooled_is_the_score_of_the_sums() -> None:
    assert score("dice", "pooled").value == pytest.approx(618 / 1220)


def test_every_score_carries_its_conventions() -> None:
    for found in summarise(CASES, threshold=0.4, empty="one"):
        assert (found.n, found.threshold, found.empty) == (3, 0.4, "one")


def test_names_and_conventions_are_unique() -> None:
    names = [(s.convention, s.name) for s in summarise(CASES, threshold=0.4)]
    assert len(set(names)) == len(names) == 26


def test_median_and_standard_deviation_over_the_images() -> None:
    assert score("dice_median").value == pytest.approx(0.9)
    assert score("dice_std").value == pytest.approx(statistics.stdev([0.9, 0.5, 1.0]))


def test_skip_leaves_the_empty_case_out_and_n_falls() -> None:
    skipped = score("dice", empty="skip")
    assert (skipped.value, skipped.n) == (pytest.approx(0.7), 2)
    assert score("dice_median", empty="skip").value == pytest.approx(0.7)


def test_skip_is_by_metric() -> None:
    assert score("specificity", empty="skip").n == 3
    assert score("recall", empty="skip").n == 2


def test_skip_changes_the_pooled_n_but_not_the_pooled_value() -> None:
    one, skipped = score("iou", "pooled"), score("iou", "pooled", empty="skip")
    assert skipped.value == one.value
    assert (one.n, skipped.n) == (3, 2)


def test_nan_shows_in_the_per_image_aggregates_with_all_cases_in_n() -> None:
    for name in ("dice", "dice_median", "dice_std"):
        found = score(name, empty="nan")
        assert math.isnan(found.value)
        assert found.n == 3
    assert score("dice", "pooled", empty="nan").value == score("dice", "pooled").value


def test_nothing_left_after_skipping_is_undefined_with_n_0() -> None:
    for convention in ("per-image", "pooled"):
        found = score("dice", convention, cases=[BOTH_EMPTY], empty="skip")
        assert math.isnan(found.value)
        assert found.n == 0


def test_one_image_has_no_standard_deviation() -> None:
    assert math.isnan(score("dice_std", cases=[SMALL_AND_GOOD]).value)


def test_no_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="no cases"):
        summarise([], threshold=0.5)


def test_an_undefined_value_is_null_in_json_and_nan_again_when_read() -> None:
    written = score("dice_std", cases=[SMALL_AND_GOOD]).model_dump_json()
    assert json.loads(written)["value"] is None
    assert math.isnan(Score.model_validate_json(written).value)


def test_the_mean_does_not_depend_on_the_order() -> None:
    values = [0.1, 0.7, 1e-9, 0.3, 1.0] * 20
    assert mean(values) == mean(sorted(values)) == mean(sorted(values, reverse=True))


# ------------------------------------------------------------------------------------------------------------------ pairs of Dice and IoU


def test_the_published_pairs_that_cannot_be() -> None:
    assert not possible_pair(0.859, 0.740, "per-image")
    assert not possible_pair(0.859, 0.740, "pranet-256")
    assert not possible_pair(0.7955, 0.7962, "per-image", rounding=5e-5)
    assert possible_pair(0.898, 0.840, "pranet-256")  # PraNet's own, on Kvasir


def test_the_two_means_of_the_same_cases_are_possible_under_their_own_convention_only() -> None:
    mean_dice, mean_iou = score("dice").value, score("iou").value
    assert possible_pair(mean_dice, mean_iou, "per-image", rounding=0)
    assert not possible_pair(mean_dice, mean_iou, "pooled")
    pooled_dice, pooled_iou = score("dice", "pooled").value, score("iou", "pooled").value
    assert possible_pair(pooled_dice, pooled_iou, "pooled", rounding=0)
    assert not possible_pair(mean_dice, pooled_iou, "per-image")  # 0.8 with 0.34: each from another row of the same table


def test_the_ends_of_what_is_possible() -> None:
    assert possible_pair(0.8, 0.8, "per-image", rounding=0)  # four perfect images and a missed one
    assert possible_pair(0.8, 2 / 3, "per-image", rounding=0)  # all alike
    assert not possible_pair(0.8, 0.8001, "per-image", rounding=0)
    assert not possible_pair(0.8, 0.6666, "per-image", rounding=0)
    assert not possible_pair(0.8, 0.6668, "pooled", rounding=0)
    assert possible_pair(0.8, 0.667, "pooled")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_perfect_and_missed_are_possible_and_what_lies_outside_0_and_1_is_not(convention: Convention) -> None:
    assert possible_pair(1.0, 1.0, convention)
    assert possible_pair(0.0, 0.0, convention)
    assert not possible_pair(1.1, 1.1, convention)
    assert not possible_pair(-0.1, -0.1, convention)
    assert not possible_pair(85.9, 75.3, convention)  # percent


def test_undefined_goes_with_undefined() -> None:
    assert possible_pair(math.nan, math.nan, "per-image")
    assert not possible_pair(0.5, math.nan, "per-image")
    assert not possible_pair(math.nan, 0.5, "pooled")


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'per-image'.*, not 'mean'"):
        possible_pair(0.5, 0.4, "mean")  # type: ignore[arg-type]
