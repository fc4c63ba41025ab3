from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from limner.metrics import objects
from limner.metrics.names import METRIC_INFO
from limner.metrics.object_counts import IOU_THRESHOLDS, ObjectCounts
from limner.metrics.objects import label_objects, object_counts, object_scores

few = settings(max_examples=60)


def strip(*labels: int) -> np.ndarray:
    return np.array([labels], dtype=np.int32)


def disc(row: float, column: float, radius: float, shape: tuple[int, int] = (90, 140)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


@st.composite
def label_maps(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    numbers = arrays(np.int32, shape, elements=st.integers(0, 5))
    return draw(numbers), draw(numbers)


# ------------------------------------------------------------------------------------------------------------------ counts


def test_pairs_match_from_their_iou_on() -> None:
    # IoU 7/10, and 1 (which is of other numbers).
    c = object_counts(strip(*[4] * 7, 0, 0, 0, 0, 9), strip(*[2] * 10, 0, 8))
    assert c == ObjectCounts(true=2, predicted=2, matched=(2, 2, 2, 2, 2, 1, 1, 1, 1, 1), matched_iou=1.7, aji_intersection=8, aji_union=11)


@pytest.mark.parametrize("percent", range(50, 100, 5))
def test_an_iou_at_a_threshold_reaches_it(percent: int) -> None:
    matched = object_counts(strip(*[1] * percent, *[0] * (100 - percent)), strip(*[1] * 100)).matched
    assert [threshold for threshold, pairs in zip(IOU_THRESHOLDS, matched, strict=True) if pairs] == [
        threshold for threshold in IOU_THRESHOLDS if round(100 * threshold) <= percent
    ]


def test_half_of_an_object_is_enough_but_only_one_half_is_taken() -> None:
    halves, whole = strip(1, 1, 2, 2), strip(5, 5, 5, 5)
    for preds, target in ((halves, whole), (whole, halves)):
        c = object_counts(preds, target)
        assert c.matched[:2] == (1, 0)
        assert c.matched_iou == 0.5


def test_a_predicted_object_that_covers_two_true_ones_counts_twice_in_the_aji_as_published() -> None:
    # 4 of 10 and 5 of 10, and nothing is left over.
    c = object_counts(strip(*[1] * 10), strip(1, 1, 1, 1, 0, 2, 2, 2, 2, 2))
    assert (c.aji_intersection, c.aji_union) == (9, 20)
    assert c.matched[0] == 1


def test_what_is_left_over_on_either_side_enters_the_union_of_the_aji() -> None:
    #   true object 1: IoU 2/4 with 7, 1/4 with 8; true object 2 is missed; 8 and 9 are left over.
    c = object_counts(strip(7, 7, 0, 8, 0, 0, 0, 9, 9, 9), strip(1, 1, 1, 1, 0, 2, 2, 0, 0, 0))
    assert (c.aji_intersection, c.aji_union) == (2, 4 + 2 + 1 + 3)


def test_the_best_partner_is_that_of_the_highest_iou_not_of_the_largest_overlap() -> None:
    # The large one shares 3 of 12 pixels, the small one 2 of 5.
    c = object_counts(strip(*[1] * 10, 2, 2), strip(*[0] * 7, *[5] * 5))
    assert (c.aji_intersection, c.aji_union) == (2, 5 + 10)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_label_maps_may_be_of_any_integers(dtype: type) -> None:
    preds, target = strip(0, 3, 3, 200).astype(dtype), strip(0, 9, 9, 9).astype(dtype)
    assert object_counts(preds, target).matched[:4] == (1, 1, 1, 1)


def test_large_numbers_and_gaps_cost_nothing() -> None:
    top = np.iinfo(np.int32).max
    assert object_counts(strip(top, 0, top - 1), strip(1, 0, top)) == object_counts(strip(1, 0, 2), strip(1, 0, 2))


def test_thousands_of_objects_are_compared() -> None:
    labels = np.zeros((300, 300), dtype=np.int32)
    labels[::3, ::3] = np.arange(1, 10_001).reshape(100, 100)
    c = object_counts(labels, np.roll(labels, 3, axis=0))
    assert (c.true, c.predicted, c.matched) == (10_000, 10_000, (10_000,) * 10)


@few
@given(label_maps())
def test_a_map_agrees_with_itself(maps: tuple[np.ndarray, np.ndarray]) -> None:
    c = object_counts(maps[0], maps[0])
    assert set(object_scores(c).values()) == {1.0}


@few
@given(label_maps(), st.permutations(range(1, 6)), st.permutations(range(1, 6)))
def test_numbers_say_nothing(maps: tuple[np.ndarray, np.ndarray], first: list[int], second: list[int]) -> None:
    renumbered = [np.array([0, *(7 * n for n in numbers)])[labels] for numbers, labels in zip((first, second), maps, strict=True)]
    assert object_counts(*renumbered) == object_counts(*maps)


@few
@given(label_maps())
def test_counts_of_swapped_maps_are_swapped(maps: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = object_counts(*maps), object_counts(*maps[::-1])
    assert (one.true, one.predicted, one.matched) == (other.predicted, other.true, other.matched)
    assert one.matched_iou == pytest.approx(other.matched_iou)
    scores, swapped = object_scores(one), object_scores(other)
    assert scores["object_precision"] == swapped["object_recall"]
    assert scores["object_f1"] == swapped["object_f1"]


@few
@given(label_maps())
def test_counts_and_scores_keep_their_bounds(maps: tuple[np.ndarray, np.ndarray]) -> None:
    c = object_counts(*maps)
    assert all(low >= high for low, high in pairwise(c.matched))
    assert c.matched[0] <= min(c.true, c.predicted)
    assert 0.5 * c.matched[0] <= c.matched_iou + 1e-12
    assert c.matched_iou <= c.matched[0] + 1e-12
    assert all(0 <= value <= 1 for value in object_scores(c).values())
    assert object_scores(c)["panoptic_quality"] <= object_scores(c)["object_f1"] + 1e-12


@pytest.mark.parametrize(
    ("preds", "target", "error", "words"),
    [
        (strip(1) > 0, strip(1), TypeError, "preds must hold integers, not bool"),
        (strip(1), strip(1) / 1, TypeError, "target must hold integers, not float64"),
        (strip(1), strip(-1), ValueError, "target holds a label below 0: -1"),
        (strip(1), strip(1, 2), ValueError, "differ in shape"),
    ],
)
def test_wrong_arguments_are_refused(preds: np.ndarray, target: np.ndarray, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        object_counts(preds, target)


def test_maps_without_pixels_have_no_objects() -> None:
    nothing = np.zeros((0, 4), dtype=np.int32)
    assert object_counts(nothing, nothing) == ObjectCounts()


# ------------------------------------------------------------------------------------------------------------------ scores

COUNTS = ObjectCounts(true=5, predicted=4, matched=(3, 3, 3, 2, 2, 1, 1, 1, 0, 0), matched_iou=2.1, aji_intersection=30, aji_union=80)


def test_the_scores_follow_from_the_counts() -> None:
    assert object_scores(COUNTS) == pytest.approx(
        {
            "object_precision": 3 / 4,
            "object_recall": 3 / 5,
            "object_f1": 6 / 9,
            "object_ap": (3 * 3 / 6 + 2 * 2 / 7 + 3 * 1 / 8) / 10,
            "panoptic_quality": (2.1 / 3) * (6 / 9),
            "aji": 30 / 80,
        }
    )


def test_every_score_is_known_by_its_name() -> None:
    assert all(METRIC_INFO[name].family == "objects" for name in object_scores(COUNTS))


def test_counts_of_several_images_are_scored_together() -> None:
    pooled = object_scores(COUNTS + ObjectCounts(predicted=2, aji_union=20))
    assert pooled["object_precision"] == 3 / 6
    assert pooled["object_recall"] == 3 / 5
    assert pooled["aji"] == 30 / 100


@pytest.mark.parametrize(("empty", "value"), [("one", 1.0), ("nan", math.nan), ("skip", math.nan)])
def test_where_there_is_no_object_the_rule_decides(empty: str, value: float) -> None:
    scores = object_scores(ObjectCounts(), empty=empty)  # type: ignore[arg-type]
    assert list(scores) == list(object_scores(COUNTS))
    assert list(scores.values()) == pytest.approx([value] * 6, nan_ok=True)


@pytest.mark.parametrize("empty", ["one", "nan", "skip"])
@pytest.mark.parametrize("c", [ObjectCounts(true=2, aji_union=9), ObjectCounts(predicted=1, aji_union=4)])
def test_where_one_side_has_objects_every_score_is_0(c: ObjectCounts, empty: str) -> None:
    assert set(object_scores(c, empty=empty).values()) == {0.0}  # type: ignore[arg-type]


def test_there_is_no_other_rule() -> None:
    with pytest.raises(ValueError, match="empty must be one of"):
        object_scores(COUNTS, empty="zero")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------------ labels


def test_corners_connect() -> None:
    assert label_objects(np.eye(4, dtype=bool)).max() == 1
    assert label_objects(np.eye(4, dtype=bool), split_touching=True).max() == 1


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (4, 6)])
def test_empty_and_full_masks(shape: tuple[int, int], split: bool) -> None:
    assert not label_objects(np.zeros(shape, dtype=bool), split_touching=split).any()
    assert (label_objects(np.ones(shape, dtype=bool), split_touching=split) == 1).all()


@few
@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_a_split_keeps_every_pixel_and_every_component(mask: np.ndarray) -> None:
    whole, cut = label_objects(mask), label_objects(mask, split_touching=True)
    assert cut.dtype == whole.dtype == np.int32
    assert ((cut > 0) == mask).all()
    assert set(np.unique(cut)) - {0} == set(range(1, cut.max() + 1))
    components = [set(whole[cut == number].tolist()) for number in range(1, cut.max() + 1)]
    assert all(len(component) == 1 for component in components)  # no object lies in two of them


@pytest.mark.parametrize(
    ("radius", "apart"),
    [(2, 2.0), (3, 2.0), (4, 1.7), (5, 1.7), (6, 1.7), (7, 1.5), (9, 1.5), (11, 1.5), (12, 1.4), (20, 1.3), (32, 1.3)],
)
def test_discs_that_touch_are_cut_apart_from_some_way_on(radius: int, apart: float) -> None:
    for distance in range(round(apart * radius), 2 * radius + 1):
        check_cut(radius, distance, 2)


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8, 14, 20, 30])
@pytest.mark.parametrize("apart", [0.0, 0.3, 0.6, 1.0])
def test_discs_that_hide_one_another_stay_one(radius: int, apart: float) -> None:
    check_cut(radius, round(apart * radius), 1)


def check_cut(radius: int, apart: int, n: int) -> None:
    first, second = disc(45, 45, radius), disc(45, 45 + apart, radius)
    labels = label_objects(first | second, split_touching=True)
    assert labels.max() == n
    if n == 2:  # and the cut runs between them
        assert len(set(labels[:, : 45 + apart // 2 - 1][first[:, : 45 + apart // 2 - 1]])) == 1
        assert len(set(labels[:, 45 + apart // 2 + 2 :][second[:, 45 + apart // 2 + 2 :]])) == 1


def test_a_small_object_on_a_large_one_is_cut_off() -> None:
    labels = label_objects(disc(45, 40, 25) | disc(45, 72, 9), split_touching=True)
    assert labels.max() == 2
    assert labels[45, 40] != labels[45, 75]


def test_rough_and_bent_objects_stay_whole() -> None:
    rough = disc(45, 60, 24)
    edge = disc(45, 60, 26) & ~disc(45, 60, 23)
    rough[edge] = np.random.default_rng(0).random(int(edge.sum())) < 0.5
    rough = label_objects(rough) == label_objects(rough)[45, 60]
    ring = disc(45, 60, 30) & ~disc(45, 60, 18)
    bent = ring & (np.mgrid[:90, :140][0] < 50)
    line = np.zeros((90, 140), dtype=bool)
    line[40:43, 10:120] = True
    for mask in (rough, ring, bent, line):
        assert label_objects(mask, split_touching=True).max() == 1


def test_both_ways_to_flatten_tops_cut_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mask that has not settled after a few dilations, scikit-image does the rest; with none of them, it does all of it."""
    grains = ndimage.gaussian_filter(np.random.default_rng(0).random((80, 120)), 3) > 0.49
    cut = label_objects(grains, split_touching=True)
    assert cut.max() > label_objects(grains).max() > 1
    for rounds in (0, 1):
        monkeypatch.setattr(objects, "_ROUNDS", rounds)
        assert np.array_equal(label_objects(grains, split_touching=True), cut)


def test_only_masks_have_components() -> None:
    with pytest.raises(TypeError, match="mask must be bool, not int32"):
        label_objects(strip(1, 0))  # type: ignore[arg-type]
