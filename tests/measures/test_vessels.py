"""Measurements of vessels on drawings whose values are known, and the field of view on real pictures of the retina."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from limner.data import open_source
from limner.measures import field_of_view, measure_vessels
from limner.measures.centrelines import trace_centrelines


def canvas(size=220):
    return np.zeros((size, size), np.uint8)


def stroke(points, thickness=3, size=220):
    drawn = canvas(size)
    cv2.polylines(drawn, [np.round(np.array(points) * 16).astype(np.int32)], isClosed=False, color=1, thickness=thickness, shift=4)
    return drawn.astype(bool)


@pytest.mark.parametrize("degrees", [0, 10, 22.5, 45, 60, 90])
def test_a_straight_line_is_straight_and_as_long_whichever_way_it_runs(degrees):
    step = 90 * np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    found = measure_vessels(stroke([110 - step, 110 + step]))
    assert found.tortuosity == pytest.approx(1, abs=0.003)
    assert found.length == pytest.approx(180, abs=4)
    assert (found.segments, found.branch_points, found.end_points) == (1, 0, 2)


def test_half_a_circle():
    angles = np.linspace(0, math.pi, 200)
    found = measure_vessels(stroke(np.stack([110 + 90 * np.cos(angles), 60 + 90 * np.sin(angles)], axis=1)))
    assert found.tortuosity == pytest.approx(math.pi / 2, rel=0.02)
    assert found.length == pytest.approx(90 * math.pi, rel=0.02)


def test_a_ring_has_a_length_but_neither_ends_nor_tortuosity():
    drawn = canvas()
    cv2.circle(drawn, (110, 110), 60, 1, 3)
    found = measure_vessels(drawn.astype(bool))
    assert found.length == pytest.approx(2 * math.pi * 60, rel=0.01)
    assert (found.tortuosity, found.segments, found.branch_points, found.end_points) == (None, 1, 0, 0)


def test_a_ladder_is_cut_where_it_branches():
    drawn = canvas(100)
    for x in (20, 80):
        cv2.line(drawn, (x, 5), (x, 95), 1, 1)
    for y in (30, 50, 70):
        cv2.line(drawn, (20, y), (80, y), 1, 1)
    found = measure_vessels(drawn.astype(bool))
    assert (found.segments, found.branch_points, found.end_points) == (2 * 4 + 3, 6, 4)
    assert found.length == pytest.approx(2 * 90 + 3 * 60)
    assert found.tortuosity == pytest.approx(1)


def test_tortuosity_is_averaged_by_length_and_short_pieces_have_none():
    angles = np.linspace(0, math.pi, 200)
    bent = stroke(np.stack([60 + 40 * np.cos(angles), 40 + 40 * np.sin(angles)], axis=1))
    straight = stroke([(130, 20), (130, 200)])
    both = measure_vessels(bent | straight)
    one, other = measure_vessels(bent), measure_vessels(straight)
    expected = (one.length * one.tortuosity + other.length * other.tortuosity) / (one.length + other.length)
    assert both.tortuosity == pytest.approx(expected)
    assert measure_vessels(stroke([(50, 50), (57, 50)], thickness=1)).tortuosity is None


def test_density_is_the_share_of_the_field():
    mask = np.zeros((10, 10), bool)
    mask[:, 2] = True
    field = np.zeros((10, 10), bool)
    field[:5] = True
    assert measure_vessels(mask).density == pytest.approx(0.1)
    within = measure_vessels(mask, field)
    assert (within.field, within.density, within.length) == (50, 0.1, pytest.approx(4))
    assert measure_vessels(mask, np.zeros_like(field)).density == 0


@pytest.mark.parametrize("mask", [np.zeros((5, 7), bool), np.ones((1, 1), bool), np.ones((2, 2), bool), np.ones((9, 9), bool)])
def test_masks_without_lines(mask):
    found = measure_vessels(mask)
    assert found.length < 10
    assert found.tortuosity is None


def test_every_pixel_of_a_skeleton_is_walked_once():
    """The lengths of all segments are about the steps between all pixels, on shapes with loops, crossings and spurs."""
    random = np.random.default_rng(2)
    mask = cv2.GaussianBlur(random.normal(size=(120, 120)), (0, 0), 3) > 0
    from skimage.morphology import skeletonize

    lines = trace_centrelines(mask)
    s = skeletonize(mask)
    straight = (s[:, 1:] & s[:, :-1]).sum() + (s[1:] & s[:-1]).sum()
    slanted = (s[1:, 1:] & s[:-1, :-1] & ~(s[1:, :-1] | s[:-1, 1:])).sum() + (s[1:, :-1] & s[:-1, 1:] & ~(s[1:, 1:] | s[:-1, :-1])).sum()
    steps = straight + math.sqrt(2) * slanted
    assert 0.85 * steps < sum(segment.length for segment in lines.segments) < 1.01 * steps


def test_a_picture_without_a_dark_surround_has_no_field():
    assert field_of_view(np.full((30, 40, 3), 90, np.uint8)) is None
    assert field_of_view(np.zeros((30, 40, 3), np.uint8)) is None
    bars = np.zeros((200, 200, 3), np.uint8)  # bright vessels on black
    bars[:, 20:28] = bars[:, 60:68] = bars[100:108] = 200
    assert field_of_view(bars) is None
    assert field_of_view(np.pad(bars[:, 20:28], ((0, 0), (96, 96), (0, 0)))) is None  # one of them: compact, but small


def test_the_field_of_view_is_the_one_that_comes_with_drive(shared):
    for item in open_source(shared / "data" / "drive" / "DRIVE.zip").items[:2]:
        found, true = field_of_view(item.load_image()), item.load_fov()
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.985
