"""Resizing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.imaging.pictures import disc, gradient

from limner.imaging import resize_image, resize_mask
from limner.imaging.resize import Place, fit_inside

sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))
canvases = st.tuples(st.integers(1, 600), st.integers(1, 600))


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


@pytest.mark.parametrize(
    ("size", "canvas", "expected"),
    [
        ((300, 400), (256, 256), (192, 256, 32, 0)),
        ((400, 300), (256, 256), (256, 192, 0, 32)),
        ((256, 256), (256, 256), (256, 256, 0, 0)),
        ((10, 10), (64, 32), (32, 32, 16, 0)),  # small images are enlarged
        ((3, 4000), (64, 64), (1, 64, 31, 0)),  # a line stays a line
        ((100, 101), (64, 64), (63, 64, 0, 0)),  # the odd row is at the bottom
        ((2, 4), (10, 5), (3, 5, 3, 0)),  # 2.5 rows
    ],
)
def test_where_an_image_lies(size, canvas, expected) -> None:
    place = fit_inside(size, canvas)
    assert place == expected
    whole = np.zeros(canvas)
    whole[place.window] = 1
    assert whole.sum() == place.height * place.width


@given(size=sizes, canvas=canvases)
@example(size=(20_000, 1), canvas=(16, 4096))
@example(size=(1, 20_000), canvas=(16, 4096))
def test_an_image_fills_one_direction_is_centred_and_keeps_its_shape_up_to_rounding(size, canvas) -> None:
    height, width, top, left = fit_inside(size, canvas)
    assert height == canvas[0] or width == canvas[1]
    for fitted, start, most in ((height, top, canvas[0]), (width, left, canvas[1])):
        assert 1 <= fitted <= most
        assert most - fitted - 2 * start in {0, 1}
    scale = min(Fraction(canvas[0], size[0]), Fraction(canvas[1], size[1]))
    for side, fitted in zip(size, (height, width), strict=True):
        assert abs(fitted - scale * side) <= Fraction(1, 2) or fitted == 1


@given(size=sizes, canvas=canvases)
def test_a_turned_image_lies_turned(size, canvas) -> None:
    height, width, top, left = fit_inside(size, canvas)
    assert fit_inside(size[::-1], canvas[::-1]) == Place(width, height, left, top)
