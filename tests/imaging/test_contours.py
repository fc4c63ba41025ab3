"""Outlines along the edges of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.data.formats.outlines import fill_rings
from limner.imaging.contours import trace_objects
from limner.imaging.instances import connected_areas

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def rings_of(objects):
    return [ring for one in trace_objects(objects) for part in one.parts for ring in (part.shell, *part.holes)]


def drawn_again(objects):
    """What limner's reader of annotations makes of the outlines."""
    again = np.zeros_like(objects)
    for one in trace_objects(objects):
        for part in one.parts:
            window, mask = fill_rings([ring.astype(float) for ring in (part.shell, *part.holes)], objects.shape)
            assert not again[window][mask].any()
            again[window][mask] = one.label
    return again


def area_of(ring):
    """By the shoelace formula; positive where it turns clockwise on the screen."""
    x, y = ring.T.astype(int)
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2


@settings(max_examples=60)
@given(arrays(np.int32, SIZES, elements=st.integers(0, 3)))
def test_whatever_is_traced_is_drawn_again_pixel_for_pixel(objects):
    assert np.array_equal(drawn_again(objects), objects)


@settings(max_examples=60)
@given(arrays(np.bool_, SIZES))
def test_rings_are_simple_and_turn_as_they_should(mask):
    objects = connected_areas(mask)
    for ring in rings_of(objects):
        assert len(np.unique(ring, axis=0)) == len(ring)  # no point is passed twice
        steps = np.diff(ring, axis=0, append=ring[:1])
        assert ((steps == 0).sum(axis=1) == 1).all()  # along the edges of pixels
        assert (np.diff((steps[:, 0] == 0).astype(int), append=int(steps[0, 0] == 0)) != 0).all()  # only corners are kept
    parts = [part for one in trace_objects(objects) for part in one.parts]
    assert all(area_of(part.shell) > 0 and all(area_of(hole) < 0 for hole in part.holes) for part in parts)
    assert sum(area_of(ring) for ring in rings_of(objects)) == mask.sum()


@pytest.mark.parametrize(
    ("rows", "holes"),
    [(["###.", "#.##", "##.#", ".###"], [4, 4]), (["###", "#.#", "##."], [4]), (["####", "#..#", "#.##", "####"], [6])],
    ids=["two holes that touch", "a hole that touches the outside", "a bent hole"],
)
def test_holes(rows, holes):
    mask = np.array([[letter == "#" for letter in row] for row in rows])
    (one,) = trace_objects(mask.astype(np.int32))
    assert len(one.parts) == 1
    assert one.has_holes
    assert [len(hole) for hole in one.parts[0].holes] == holes
    assert np.array_equal(drawn_again(mask.astype(np.int32)), mask)


def test_pixels_that_touch_at_a_corner_are_one_object_of_two_parts():
    objects = connected_areas(np.eye(2, dtype=bool))
    (one,) = trace_objects(objects)
    assert [part.shell.tolist() for part in one.parts] == [[[0, 0], [1, 0], [1, 1], [0, 1]], [[1, 1], [2, 1], [2, 2], [1, 2]]]
    assert not one.has_holes


@pytest.mark.parametrize("value", [0, 1])
def test_empty_and_full(value):
    objects = np.full((3, 5), value, np.int32)
    assert [ring.tolist() for ring in rings_of(objects)] == [[[0, 0], [5, 0], [5, 3], [0, 3]]] * value


def test_numbers_may_have_gaps():
    assert [one.label for one in trace_objects(np.array([[4, 0, 9]], np.int32))] == [4, 9]
