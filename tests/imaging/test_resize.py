"""Resizing."""

from __future__ import annotations

import numpy as np
import pytest
from tests.imaging.pictures import disc, gradient

from limner.imaging import resize_image, resize_mask


def test_same_size_is_the_same_array() -> None:
    image, mask = gradient(5, 7), disc(5, 2)
    assert resize_image(image, (5, 7)) is image
    assert resize_mask(mask, (5, 5)) is mask


@pytest.mark.parametrize("size", [(1, 1), (3, 11), (20, 4), (64, 64)])
def test_size_is_height_and_width(size) -> None:
    assert resize_image(gradient(9, 13), size).shape == (*size, 3)
    assert resize_mask(disc(9, 3), size).shape == size


def test_shrinking_averages_instead_of_picking() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resize_image(stripes, (8, 8)).astype(int)[:, 1:-1] - 128).max() < 8


@pytest.mark.parametrize("value", [True, False])
def test_constant_masks_stay_constant(value: bool) -> None:
    mask = np.full((7, 11), value)
    assert (resize_mask(mask, (5, 17)) == value).all()


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 3.0])
def test_area_is_kept(factor: float) -> None:
    mask = disc(128, 40)
    side = int(128 * factor)
    assert resize_mask(mask, (side, side)).mean() == pytest.approx(mask.mean(), rel=0.03)


def test_half_covered_is_foreground() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    assert resize_mask(mask, (1, 1)).all()
    mask[1, 3] = False
    assert not resize_mask(mask, (1, 1)).any()
