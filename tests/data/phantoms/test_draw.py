"""One phantom: repeatable, exact, never empty, and recognisably of its style."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.phantoms import STYLES, instances, phantom
from limner.errors import DataError

SEEDS = range(12)
SHARES = {"polyp": (0.02, 0.45), "nuclei": (0.005, 0.6), "vessel": (0.03, 0.25)}


@pytest.fixture(scope="module", params=STYLES)
def samples(request):
    """A dozen phantoms of one style, small ones."""
    return request.param, [phantom(request.param, seed, (64, 64)) for seed in SEEDS]


def overlap(a, b):
    """Dice of two masks."""
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("style", STYLES)
def test_same_seed_gives_the_same_sample(style):
    first, again = phantom(style, 7, (64, 64)), phantom(style, 7, (64, 64))
    assert first.key == again.key == f"{style}-0007"
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.mask, again.mask)


def test_seeds_differ(samples):
    _, drawn = samples
    assert len({sample.image.tobytes() for sample in drawn}) == len(drawn)
    assert len({sample.mask.tobytes() for sample in drawn}) == len(drawn)


def test_types_and_shapes(samples):
    _, drawn = samples
    for sample in drawn:
        assert sample.image.shape == (64, 64, 3)
        assert sample.image.dtype == np.uint8
        assert sample.mask.shape == (64, 64)
        assert sample.mask.dtype == np.bool_


def test_share_of_foreground_is_in_range(samples):
    style, drawn = samples
    low, high = SHARES[style]
    for sample in drawn:
        assert low <= sample.mask.mean() <= high, sample.key


def test_pictures_use_the_range_of_grey_levels(samples):
    _, drawn = samples
    for sample in drawn:
        assert np.ptp(sample.image) > 60, sample.key


def test_foreground_differs_from_its_surroundings(samples):
    """The mask is where the thing is: across its outline the picture changes more than beside it."""
    style, drawn = samples
    contrast = []
    for sample in drawn:
        grey = sample.image.astype(float).mean(axis=2)
        step = np.abs(np.diff(grey, axis=1))
        border = np.diff(sample.mask.astype(np.int8), axis=1) != 0
        contrast.append(step[border].mean() / step[~border].mean())
    assert np.median(contrast) > 1.5, style


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(32, 32), (48, 80), (97, 65)])
def test_any_size(style, size):
    sample = phantom(style, 1, size)
    assert sample.image.shape == (*size, 3)
    assert sample.mask.shape == size
    assert sample.mask.any()
    assert not sample.mask.all()


@pytest.mark.parametrize("style", ["polyp", "nuclei"])
def test_a_larger_phantom_shows_the_same_scene(style):
    """Not asked of vessels: at a small size their thinnest are drawn wider, lest they fall apart."""
    small, large = phantom(style, 2, (96, 96)), phantom(style, 2, (192, 192))
    halved = large.mask.reshape(96, 2, 96, 2).mean(axis=(1, 3)) >= 0.5
    assert overlap(small.mask, halved) > 0.97
    reduced = large.image.reshape(96, 2, 96, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - small.image).mean() < 8


@pytest.mark.parametrize("seed", range(4))
def test_instances_cover_the_mask_exactly(seed):
    labels, mask = instances(seed, (64, 64)), phantom("nuclei", seed, (64, 64)).mask
    np.testing.assert_array_equal(labels > 0, mask)
    assert len(np.unique(labels)) > 3


def test_nuclei_come_bright_on_dark_and_dark_on_bright():
    levels = {phantom("nuclei", seed, (32, 32)).image.mean() > 120 for seed in range(20)}
    assert levels == {False, True}


def test_a_fundus_is_dark_outside_the_field_of_view():
    sample = phantom("vessel", 0, (64, 64))
    corners = sample.image[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() < 30
    assert not sample.mask[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_unknown_style_names_the_nearest():
    with pytest.raises(DataError, match="did you mean 'polyp'"):
        phantom("polyps", 0)


@pytest.mark.parametrize(("seed", "size"), [(-1, (64, 64)), (0, (16, 64))])
def test_values_out_of_range_are_refused(seed, size):
    with pytest.raises(DataError):
        phantom("polyp", seed, size)
