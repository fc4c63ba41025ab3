"""Masks over images."""

from __future__ import annotations

import numpy as np
import pytest
from tests.imaging.pictures import disc, gradient

from limner.errors import DataError
from limner.imaging import draw_outline, error_map


def test_outside_the_object_nothing_changes_and_the_input_never_does() -> None:
    image, mask = gradient(64, 64), disc(64, 20)
    before = image.copy()
    drawn = draw_outline(image, mask)
    assert np.array_equal(drawn[~mask], image[~mask])
    assert np.array_equal(image, before)
    assert drawn.dtype == np.uint8


def test_line_lies_along_the_edge() -> None:
    mask = disc(64, 20)
    line = (draw_outline(np.zeros((64, 64, 3), np.uint8), mask, colour=(9, 8, 7)) == (9, 8, 7)).all(axis=2)
    outside = np.pad(~mask, 1)
    beside_ground = outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:]
    assert line[mask & beside_ground].all()
    assert not line[disc(64, 15)].any()


def test_line_grows_with_the_image() -> None:
    shares = []
    for size in (100, 400, 1600):
        mask = disc(size, size * 0.3)
        drawn = draw_outline(np.zeros((size, size, 3), np.uint8), mask, fill=0.0)
        shares.append(drawn[..., 1].astype(bool).mean())
    assert max(shares) < 3 * min(shares)


def test_a_line_parts_objects_that_touch() -> None:
    mask, objects = np.ones((20, 20), bool), np.ones((20, 20), np.int32)
    objects[:, 10:] = 2
    black = np.zeros((20, 20, 3), np.uint8)
    alone, parted = ((draw_outline(black, mask, objects=given, fill=0.0)[..., 1] == 255) for given in (None, objects))
    assert not alone[1:-1, 1:-1].any()
    assert parted[:, 9:11].all()
    assert not parted[1:-1, 2:8].any()
    assert not parted[1:-1, 12:18].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2)])
@pytest.mark.parametrize("value", [True, False])
def test_tiny_masks(size, value: bool) -> None:
    drawn = draw_outline(np.zeros((*size, 3), np.uint8), np.full(size, value))
    assert (drawn[..., 1] == 255 * value).all()


def test_error_map_colours_each_kind() -> None:
    preds, target = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])
    image = np.full((1, 4, 3), 100, np.uint8)
    green, red, blue, none = error_map(image, preds, target)[0].astype(int)
    assert green.argmax() == 1
    assert red.argmax() == 0
    assert blue.argmax() == 2
    assert none.tolist() == [100, 100, 100]


def test_sizes_must_agree() -> None:
    with pytest.raises(DataError, match="3x2 and 5x4"):
        draw_outline(gradient(2, 3), np.ones((4, 5), bool))
    with pytest.raises(DataError, match="differ in size"):
        error_map(gradient(2, 3), np.ones((2, 3), bool), np.ones((3, 3), bool))
