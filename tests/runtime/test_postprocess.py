"""What is done to masks, against slow definitions written out here, and against its own laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from limner.runtime.format import ModelMetadata
from limner.runtime.postprocess import PostProcess, apply, clean, merge, scale_of
from limner.types import Prediction

if TYPE_CHECKING:
    from limner.types import MaskArray

FEW = settings(max_examples=40, deadline=None)
EIGHT = np.ones((3, 3), dtype=bool)
masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=16))
radii = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 21.0])
areas = st.sampled_from([0.0, 1.0, 2.5, 6.0, 30.0])


@st.composite
def blobs(draw: st.DrawFn) -> MaskArray:
    """Masks with more area, holes and necks than noise has."""
    mask = draw(masks)
    return ndimage.binary_closing(np.kron(mask, np.ones((2, 2)))) if draw(st.booleans()) else mask


def predicted(mask: MaskArray) -> Prediction:
    return Prediction(np.where(mask, np.float32(0.9), np.float32(0.2)), mask, 0.5)


def by_definition(mask: MaskArray, radius: float) -> MaskArray:
    """An erosion to which all beyond the border is foreground, then a dilation to which it is background."""
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = y**2 + x**2 <= radius**2
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, disc, border_value=1), disc)


@FEW
@given(masks, radii)
def test_an_opening_is_the_union_of_the_discs_inside(mask, radius):
    assert np.array_equal(clean(mask, PostProcess(opening=radius), scale=1), by_definition(mask, radius))


def test_large_and_small_discs_are_opened_alike():
    """Above a radius of 20 pixels another algorithm is faster; both must give what the definition says on either side."""
    noise = np.random.default_rng(0).random((60, 80))
    mask = ndimage.gaussian_filter(noise, 9) > 0.49
    for radius in (19.0, 20.5, 21.0):
        opened = clean(mask, PostProcess(opening=radius), scale=1)
        assert 0 < opened.sum() < mask.sum()
        assert np.array_equal(opened, by_definition(mask, radius))


@FEW
@given(blobs(), areas)
def test_small_holes_are_filled_and_no_others(mask, most):
    labels, n = ndimage.label(~mask)
    border = {0, *labels[[0, -1]].ravel(), *labels[:, [0, -1]].ravel()}
    holes = [k for k in range(1, n + 1) if k not in border and (labels == k).sum() <= most]
    assert np.array_equal(clean(mask, PostProcess(max_hole=most), scale=1), mask | np.isin(labels, holes))


@FEW
@given(blobs(), areas)
def test_small_objects_are_removed_and_no_others(mask, least):
    labels, n = ndimage.label(mask, EIGHT)
    large = [k for k in range(1, n + 1) if (labels == k).sum() >= least]
    assert np.array_equal(clean(mask, PostProcess(min_area=least), scale=1), np.isin(labels, large))


@FEW
@given(blobs())
def test_one_of_the_largest_objects_is_kept(mask):
    labels, n = ndimage.label(mask, EIGHT)
    sizes = ndimage.sum_labels(mask, labels, range(1, n + 1))
    kept = clean(mask, PostProcess(largest_only=True), scale=1)
    assert kept.any() == mask.any()
    if n:
        assert np.array_equal(kept, labels == labels[kept][0])
        assert kept.sum() == sizes.max()


def test_of_equally_large_objects_the_upper_one_is_kept():
    mask = np.array([[0, 0, 0, 1], [1, 0, 0, 0]], dtype=bool)
    assert clean(mask, PostProcess(largest_only=True), scale=1).tolist() == [[False, False, False, True], [False] * 4]


@FEW
@given(blobs(), radii, areas, areas, st.booleans())
def test_what_only_takes_away_adds_nothing(mask, opening, least, most, largest):
    taking = PostProcess(opening=opening, min_area=least, largest_only=largest)
    assert not (clean(mask, taking, scale=1) & ~mask).any()
    assert not (mask & ~clean(mask, PostProcess(max_hole=most), scale=1)).any()


@FEW
@given(blobs(), areas, areas, st.booleans())
def test_doing_it_again_changes_nothing(mask, most, least, largest):
    chosen = PostProcess(max_hole=most, min_area=least, largest_only=largest)
    once = clean(mask, chosen, scale=1)
    assert np.array_equal(clean(once, chosen, scale=1), once)


@FEW
@given(blobs(), radii)
def test_opening_again_changes_nothing(mask, radius):
    once = clean(mask, PostProcess(opening=radius), scale=1)
    assert np.array_equal(clean(once, PostProcess(opening=radius), scale=1), once)


@FEW
@given(masks, st.sampled_from([2, 3]), areas, areas, st.booleans())
def test_an_enlarged_image_gives_the_enlarged_mask(mask, factor, most, least, largest):
    """Of areas this is exact, since each becomes the square of the factor as large."""
    chosen = PostProcess(max_hole=most, min_area=least, largest_only=largest)
    enlarged = np.kron(mask, np.ones((factor, factor))).astype(bool)
    small = np.kron(clean(mask, chosen, scale=1), np.ones((factor, factor))).astype(bool)
    assert np.array_equal(clean(enlarged, chosen, scale=factor), small)


def test_an_opening_of_an_enlarged_image_is_nearly_the_enlarged_one():
    mask = ndimage.gaussian_filter(np.random.default_rng(1).random((80, 80)), 1.5) > 0.5
    chosen = PostProcess(opening=3)
    enlarged = np.kron(mask, np.ones((4, 4))).astype(bool)
    small = np.kron(clean(mask, chosen, scale=1), np.ones((4, 4))).astype(bool)
    assert np.mean(clean(enlarged, chosen, scale=4) != small) < 0.3 * np.mean(enlarged != small)


@pytest.mark.parametrize("flip", [np.flipud, np.fliplr, np.transpose])
def test_no_direction_is_preferred(flip):
    mask = np.random.default_rng(2).random((60, 75)) > 0.4
    for chosen in (PostProcess(opening=1), PostProcess(max_hole=3), PostProcess(min_area=10)):
        done = clean(mask, chosen, scale=1)
        assert not np.array_equal(done, mask)
        assert np.array_equal(clean(flip(mask), chosen, scale=1), flip(done))


def test_the_steps_come_in_the_order_that_they_are_named_in():
    mask = np.zeros((20, 30), dtype=bool)
    mask[2:15, 2:15] = True
    mask[5:8, 5:8] = False  # a hole of 9
    mask[2:15, 20:22] = True  # a stroke that an opening takes
    mask[8, 15:20] = True  # and what joins the two
    chosen = PostProcess(opening=1, max_hole=9, min_area=100, largest_only=True)
    done = clean(mask, chosen, scale=1)
    assert done[3:14, 3:14].all()
    assert not done[:, 16:].any()


def test_a_network_that_is_certain_everywhere_is_left_alone():
    everything = PostProcess(opening=3, max_hole=100, min_area=50, largest_only=True, split_touching=True)
    for mask in (np.zeros((12, 15), bool), np.ones((12, 15), bool)):
        done = apply(predicted(mask), everything, scale=1)
        assert np.array_equal(done.mask, mask)
        assert np.array_equal(done.objects, mask)


def touching() -> MaskArray:
    y, x = np.indices((40, 70))
    return (((y - 20) ** 2 + (x - 22) ** 2 <= 144) | ((y - 20) ** 2 + (x - 44) ** 2 <= 144)) | ((y < 3) & (x < 3))


def test_touching_objects_are_numbered_after_small_ones_are_gone():
    prediction = predicted(touching())
    done = apply(prediction, PostProcess(min_area=20, split_touching=True), scale=1)
    assert sorted(set(done.objects.ravel().tolist())) == [0, 1, 2]
    assert done.objects.dtype == np.int32
    assert np.array_equal(done.objects > 0, done.mask)
    assert done.objects[20, 22] != done.objects[20, 44]
    assert not done.mask[:3, :3].any()


def test_only_what_was_asked_for_changes():
    mask = touching()
    prediction = predicted(mask)
    before = mask.copy()
    split = apply(prediction, PostProcess(split_touching=True), scale=1)
    assert split.mask is mask
    assert split.probs is prediction.probs
    assert split.threshold == prediction.threshold
    removed = apply(prediction, PostProcess(min_area=20), scale=1)
    assert removed.objects is None
    assert removed.mask.sum() == mask.sum() - 9
    assert np.array_equal(prediction.mask, before)
    assert apply(prediction, PostProcess(), scale=1).mask is mask


def test_lengths_and_areas_follow_the_image():
    assert scale_of((352, 352), (176, 176), keep_aspect=False) == 2
    assert scale_of((100, 400), (50, 50), keep_aspect=False) == 4
    assert scale_of((100, 400), (50, 50), keep_aspect=True) == 8  # a row of 50 pixels holds 400
    known = {"name": "toy", "task": "polyp", "input_size": (256, 256), "created": "2026-01-01T00:00:00+00:00"}
    assert ModelMetadata(**known, sampling="patches", recipe={"data": {"keep_aspect": True}}).scale_of((3000, 4000)) == 1
    assert ModelMetadata(**known, recipe={"data": {"keep_aspect": True}}).scale_of((512, 1024)) == 4
    assert ModelMetadata(**known, recipe={"data": []}).scale_of((512, 512)) == 2
    mask = np.zeros((30, 30), dtype=bool)
    mask[5:10, 5:10] = True  # 25 pixels
    chosen = PostProcess(min_area=6)
    assert clean(mask, chosen, scale=2).any()  # 24 are asked for
    assert not clean(mask, chosen, scale=2.1).any()  # 26.5
    with pytest.raises(ValueError, match="scale must be above 0, not 0"):
        clean(mask, chosen, scale=0)


def test_a_view_into_another_array_will_do():
    wide = np.random.default_rng(3).random((40, 60)) > 0.4
    chosen = PostProcess(opening=1, max_hole=3, min_area=5, split_touching=True)
    part = wide[::2, 5:50:3]
    there, copied = apply(predicted(part), chosen, scale=1), apply(predicted(part.copy()), chosen, scale=1)
    assert np.array_equal(there.objects, copied.objects)


def test_settings_know_what_they_do():
    assert PostProcess().does_nothing
    assert PostProcess(split_touching=True).changes_mask is False
    assert PostProcess().words() == "nothing"
    assert PostProcess(opening=2, min_area=16).words() == "opened by a disc of radius 2 px, objects below 16 px² removed"


def test_models_are_merged_by_what_most_of_them_do():
    one, two, three = PostProcess(min_area=8, split_touching=True), PostProcess(min_area=64, opening=1), PostProcess(split_touching=True)
    both = merge([one, two, three])
    assert (both.min_area, both.opening, both.split_touching, both.origin) == (36, 0, True, "what most of 3 models do")
    assert merge([one, None]) is None
    assert merge([one]).split_touching
