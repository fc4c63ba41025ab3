from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from limner.metrics.boundary import (
    SurfaceDistances,
    _by_transform,
    _by_tree,
    assd,
    boundary_iou,
    boundary_scores,
    hausdorff,
    nsd,
    surface,
    surface_distances,
)
from limner.metrics.names import METRIC_INFO

if TYPE_CHECKING:
    from limner.metrics import EmptyRule
    from limner.types import MaskArray

RIGHT = {"hausdorff": 0.0, "hausdorff95": 0.0, "assd": 0.0, "nsd": 1.0, "boundary_iou": 1.0}
SHAPE = (30, 40)
EMPTY = np.zeros(SHAPE, dtype=bool)
FULL = np.ones(SHAPE, dtype=bool)

settings.register_profile("boundary", max_examples=60, deadline=None, derandomize=True)
quick = settings(settings.get_profile("boundary"))


def rectangle(top: int, left: int, height: int, width: int, shape: tuple[int, int] = SHAPE) -> MaskArray:
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


@st.composite
def pairs(draw: st.DrawFn, *, filled: bool = False) -> tuple[MaskArray, MaskArray]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10))
    preds, target = (draw(hnp.arrays(np.bool_, shape)) for _ in range(2))
    if filled:
        preds[draw(st.integers(0, shape[0] - 1)), 0] = target[0, draw(st.integers(0, shape[1] - 1))] = True
    return preds, target


# ------------------------------------------------------------------------------------------------------------------ values


def test_the_scores_are_those_of_the_boundary_family_in_its_order() -> None:
    assert list(boundary_scores(EMPTY, EMPTY)) == [name for name, info in METRIC_INFO.items() if info.family == "boundary"]


def test_the_surface_has_a_4_neighbour_outside_and_runs_along_the_border() -> None:
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 0, 0], [0, 1, 0, 0, 1]], dtype=bool)
    edge = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 1, 0, 0], [0, 1, 0, 0, 1]], dtype=bool)
    assert np.array_equal(surface(mask), edge)


def test_the_hollow_of_an_object_has_a_surface_too() -> None:
    hollow = rectangle(5, 5, 11, 11) & ~rectangle(10, 10, 1, 1)
    d = surface_distances(hollow, rectangle(5, 5, 11, 11))
    assert sorted(d.to_target)[-4:] == [4.0] * 4
    assert not d.to_preds.any()


def test_distances_by_hand() -> None:
    d = surface_distances(rectangle(10, 10, 1, 1), rectangle(14, 13, 1, 2))
    assert d.to_target.tolist() == [5.0]
    assert d.to_preds.tolist() == [5.0, math.hypot(4, 4)]
    assert d.to_target.dtype == d.to_preds.dtype == np.float64
    assert hausdorff(d) == math.hypot(4, 4)
    assert assd(d) == pytest.approx((5 + 5 + math.hypot(4, 4)) / 3)
    assert (nsd(d, 4.99), nsd(d, 5), nsd(d, 6)) == (0, pytest.approx(2 / 3), 1)


def test_distances_come_row_by_row() -> None:
    preds, target = rectangle(0, 0, 1, 1), rectangle(0, 0, 3, 3) & ~rectangle(1, 1, 1, 1)
    assert surface_distances(preds, target).to_preds.tolist() == [math.hypot(r, c) for r in range(3) for c in range(3) if (r, c) != (1, 1)]


def test_a_percentile_is_taken_of_each_direction_alone() -> None:
    d = SurfaceDistances(to_target=np.arange(101.0), to_preds=np.zeros(10_000))
    assert hausdorff(d, 95) == 95
    assert hausdorff(d, 100) == hausdorff(d) == 100
    assert hausdorff(d, 0) == 0
    assert hausdorff(SurfaceDistances(np.array([0.0, 1.0]), np.zeros(1)), 95) == pytest.approx(0.95)  # linear interpolation


def test_the_longer_outline_weighs_more_in_assd() -> None:
    assert assd(SurfaceDistances(to_target=np.array([8.0]), to_preds=np.zeros(3))) == 2


def test_rows_and_columns_may_be_spaced_differently() -> None:
    one, right, below = rectangle(5, 5, 1, 1), rectangle(5, 9, 1, 1), rectangle(8, 5, 1, 1)
    assert hausdorff(surface_distances(one, right, spacing=(2.0, 0.5))) == 2
    assert hausdorff(surface_distances(one, below, spacing=(2.0, 0.5))) == 6


@pytest.mark.parametrize(("spacing", "pixels", "tolerance"), [(0.1, 3, 0.3), (0.7, 3, 2.1), (0.65, 7, 4.55), (1.1, 3, 3.3)])
def test_a_distance_equal_to_the_tolerance_is_within_it_however_it_was_rounded(spacing: float, pixels: int, tolerance: float) -> None:
    d = surface_distances(rectangle(5, 5, 1, 1), rectangle(5, 5 + pixels, 1, 1), spacing=spacing)
    assert nsd(d, tolerance) == 1
    assert nsd(d, tolerance - 1e-6) == 0


def test_the_rim_is_a_share_of_the_diagonal_and_at_least_a_pixel() -> None:
    target = rectangle(0, 0, 60, 80, (60, 80))
    preds = target & ~rectangle(20, 20, 20, 20, (60, 80))
    assert boundary_iou(preds, target, dilation=0.1) == pytest.approx((4800 - 40 * 60) / (4800 - 40 * 60 + 40 * 40 - 20 * 20))
    assert boundary_iou(preds, target, dilation=0.0) == boundary_iou(preds, target, dilation=0.01) == pytest.approx(276 / (276 + 84))


def test_boundary_iou_knows_the_size_of_the_whole_image() -> None:
    """A small object in a large image has a rim as wide as itself, so its inside counts."""
    hollow = rectangle(5, 5, 9, 9, (500, 500)) & ~rectangle(8, 8, 3, 3, (500, 500))
    assert boundary_iou(hollow, rectangle(5, 5, 9, 9, (500, 500))) == pytest.approx(72 / 81)


# ------------------------------------------------------------------------------------------------------------------- empty


@pytest.mark.parametrize("empty", ["nan", "skip"])
def test_two_empty_masks_follow_the_rule(empty: EmptyRule) -> None:
    assert boundary_scores(EMPTY, EMPTY) == RIGHT
    assert all(math.isnan(score) for score in boundary_scores(EMPTY, EMPTY, empty=empty).values())


@pytest.mark.parametrize("empty", ["one", "nan", "skip"])
@pytest.mark.parametrize(
    "pair", [(EMPTY, FULL), (FULL, EMPTY), (EMPTY, rectangle(0, 0, 1, 1))], ids=["missed", "false alarm", "missed pixel"]
)
def test_one_empty_mask_is_the_worst_there_is_under_every_rule(pair: tuple[MaskArray, MaskArray], empty: EmptyRule) -> None:
    scores = boundary_scores(*pair, empty=empty, tolerance=1000.0)
    assert scores == pytest.approx({"hausdorff": 50, "hausdorff95": 50, "assd": 50, "nsd": 0, "boundary_iou": 0})


def test_the_diagonal_is_in_the_unit_of_the_spacing() -> None:
    assert hausdorff(surface_distances(EMPTY, FULL, spacing=0.5)) == 25
    assert hausdorff(surface_distances(EMPTY, FULL, spacing=(4.0, 1.25))) == 130


def test_nothing_found_is_worse_than_anything_found() -> None:
    farthest = surface_distances(rectangle(0, 0, 1, 1), rectangle(29, 39, 1, 1))
    assert hausdorff(farthest) == math.hypot(29, 39) < hausdorff(surface_distances(EMPTY, rectangle(29, 39, 1, 1)))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_has_two_empty_masks(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, dtype=bool)
    assert boundary_scores(nothing, nothing) == RIGHT


def test_masks_that_fill_the_image_agree() -> None:
    assert boundary_scores(FULL, FULL.copy()) == RIGHT


# ------------------------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("function", [surface_distances, boundary_iou, boundary_scores])
def test_masks_are_bool_of_one_shape_and_two_axes(function: Any) -> None:
    with pytest.raises(TypeError, match="preds must be bool, not uint8"):
        function(EMPTY.astype(np.uint8), EMPTY)
    with pytest.raises(TypeError, match="target must be bool, not float64"):
        function(EMPTY, EMPTY.astype(float))
    with pytest.raises(ValueError, match="differ in shape"):
        function(EMPTY, EMPTY.T)
    with pytest.raises(ValueError, match="two axes, not 3"):
        function(EMPTY[None], EMPTY[None])


@pytest.mark.parametrize("spacing", [0.0, -1.0, math.nan, math.inf, (1.0, 0.0), (-1.0, 1.0)])
def test_spacing_is_positive(spacing: Any) -> None:
    with pytest.raises(ValueError, match="spacing must be above 0"):
        surface_distances(FULL, FULL, spacing=spacing)


def test_arguments_out_of_range_are_refused() -> None:
    d = surface_distances(FULL, FULL)
    for percentile in (-1.0, 100.5, math.nan):
        with pytest.raises(ValueError, match="percentile must lie between"):
            hausdorff(d, percentile)
    for tolerance in (-0.1, math.nan):
        with pytest.raises(ValueError, match="tolerance must be at least 0"):
            nsd(d, tolerance)
    with pytest.raises(ValueError, match="dilation must be at least 0"):
        boundary_iou(FULL, FULL, dilation=-0.1)


@pytest.mark.parametrize("score", [hausdorff, assd, lambda d, empty: nsd(d, 1.0, empty=empty)], ids=["hausdorff", "assd", "nsd"])
def test_an_unknown_rule_is_refused_even_where_nothing_is_empty(score: Any) -> None:
    with pytest.raises(ValueError, match="empty must be one of"):
        score(surface_distances(FULL, FULL), empty="zero")


# ---------------------------------------------------------------------------------------------------------- for any masks


@quick
@given(pairs())
def test_the_scores_lie_as_they_must(pair: tuple[MaskArray, MaskArray]) -> None:
    scores = boundary_scores(*pair)
    assert 0 <= scores["assd"] <= scores["hausdorff"] * (1 + 1e-12)
    assert 0 <= scores["hausdorff95"] <= scores["hausdorff"] <= math.hypot(*pair[0].shape)
    assert 0 <= scores["nsd"] <= 1
    assert 0 <= scores["boundary_iou"] <= 1


@quick
@given(pairs())
def test_prediction_and_target_may_change_places(pair: tuple[MaskArray, MaskArray]) -> None:
    assert boundary_scores(*pair) == pytest.approx(boundary_scores(*reversed(pair)), rel=1e-12)


@quick
@given(pairs())
def test_a_mask_agrees_with_itself(pair: tuple[MaskArray, MaskArray]) -> None:
    assert boundary_scores(pair[0], pair[0].copy()) == RIGHT


@quick
@given(pairs())
def test_turned_and_mirrored_masks_score_the_same(pair: tuple[MaskArray, MaskArray]) -> None:
    """Also: whatever their layout in memory."""
    scores = boundary_scores(*pair)
    for turned in ([mask.T for mask in pair], [mask[::-1] for mask in pair], [mask[:, ::-1] for mask in pair]):
        assert boundary_scores(*turned) == pytest.approx(scores, rel=1e-12)


@quick
@given(pairs(), st.tuples(*[st.integers(1, 9)] * 4))
def test_away_from_the_border_it_does_not_matter_where_the_objects_are(
    pair: tuple[MaskArray, MaskArray], place: tuple[int, int, int, int]
) -> None:
    first, second = ([np.pad(mask, ((top, 10 - top), (left, 10 - left))) for mask in pair] for top, left in (place[:2], place[2:]))
    assert boundary_scores(*first) == boundary_scores(*second)


@quick
@given(pairs(), st.sampled_from([0.25, 0.3, 1.7, 11.0]))
def test_distances_scale_with_the_spacing_and_shares_do_not_change(pair: tuple[MaskArray, MaskArray], spacing: float) -> None:
    pixels = boundary_scores(*pair)
    scaled = boundary_scores(*pair, spacing=spacing, tolerance=2.0 * spacing)
    for name, value in pixels.items():
        factor = spacing if METRIC_INFO[name].is_distance else 1.0
        assert scaled[name] == pytest.approx(factor * value, rel=1e-12), name


@quick
@given(pairs(filled=True), st.lists(st.floats(0, 15), min_size=2, max_size=5))
def test_a_wider_tolerance_never_finds_less_and_the_widest_all(pair: tuple[MaskArray, MaskArray], tolerances: list[float]) -> None:
    d = surface_distances(*pair)
    shares = [nsd(d, tolerance) for tolerance in sorted(tolerances)]
    assert shares == sorted(shares)
    assert nsd(d, hausdorff(d)) == nsd(d, math.inf) == 1


@quick
@given(pairs(filled=True))
def test_a_higher_percentile_is_never_nearer(pair: tuple[MaskArray, MaskArray]) -> None:
    d = surface_distances(*pair)
    distances = [hausdorff(d, percentile) for percentile in (0, 25, 50, 95, 99.9, 100)]
    assert distances == sorted(distances)


@quick
@given(pairs(filled=True))
def test_both_ways_to_measure_agree_to_the_last_bit(pair: tuple[MaskArray, MaskArray]) -> None:
    for tree, transform in zip(_by_tree(*pair, 1.0), _by_transform(*pair, 1.0), strict=True):
        assert np.array_equal(tree, transform)
    for tree, transform in zip(_by_tree(*pair, 0.7), _by_transform(*pair, 0.7), strict=True):
        assert tree == pytest.approx(transform, rel=1e-14)


@quick
@given(pairs())
def test_masks_stay_as_they_are(pair: tuple[MaskArray, MaskArray]) -> None:
    before = [mask.copy() for mask in pair]
    for mask in pair:
        mask.flags.writeable = False
    boundary_scores(*pair)
    assert all(np.array_equal(one, other) for one, other in zip(before, pair, strict=True))
