"""Measurements of objects, against scikit-image and against shapes whose values are known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import pdist
from skimage.measure import label, regionprops

from limner.measures import measure_objects
from limner.measures.objects import feret_of, perimeter_of

BLACK = np.zeros((1, 1, 3), np.uint8)


def disc(radius, size=None):
    side = size or 2 * math.ceil(radius) + 1
    middle = (side - 1) / 2
    return np.hypot(*np.ogrid[-middle : middle + 1, -middle : middle + 1]) <= radius


def measured(mask, *, image=None, probs=None, labels=None):
    objects = label(mask, connectivity=2).astype(np.int32) if labels is None else labels
    image = np.zeros((*objects.shape, 3), np.uint8) if image is None else image
    probs = np.ones(objects.shape, np.float32) if probs is None else probs
    return measure_objects(objects, image, probs)


def test_agrees_with_scikit_image_on_rough_shapes():
    random = np.random.default_rng(0)
    mask = cv2.GaussianBlur(random.normal(size=(90, 120)), (0, 0), 2.5) > 0.02
    labels = label(mask, connectivity=2).astype(np.int32)
    image, probs = random.integers(0, 256, (90, 120, 3), dtype=np.uint8), random.random((90, 120)).astype(np.float32)
    grey = image @ np.array([0.299, 0.587, 0.114])
    found = measured(mask, image=image, probs=probs)
    theirs = regionprops(labels, intensity_image=np.dstack([grey, probs]))
    assert len(found) == len(theirs) > 10
    for ours, other in zip(found, theirs, strict=True):
        top, left, bottom, right = other.bbox
        assert (ours.label, ours.area, ours.box) == (other.label, other.area, (left, top, right - left, bottom - top))
        assert ours.perimeter == pytest.approx(other.perimeter_crofton)
        assert ours.eccentricity == pytest.approx(other.eccentricity, abs=1e-7)
        assert ours.centroid == pytest.approx((other.centroid[1] + 0.5, other.centroid[0] + 0.5))  # theirs counts from a pixel's midst
        assert [ours.mean_intensity, ours.mean_prob] == pytest.approx(other.intensity_mean.tolist(), abs=0.5)
        assert ours.mean_prob == pytest.approx(other.intensity_mean[1], abs=1e-6)
        assert ours.feret == pytest.approx(other.feret_diameter_max, rel=0.05)  # theirs is that of the hull in whole pixels


@pytest.mark.parametrize("radius", [8, 20.5, 60])
def test_a_disc(radius):
    (found,) = measured(np.pad(disc(radius), 3))
    assert found.area == pytest.approx(math.pi * radius**2, rel=0.03)
    assert found.perimeter == pytest.approx(2 * math.pi * radius, rel=0.05)
    assert found.feret == pytest.approx(2 * radius, abs=1.1)
    assert found.eccentricity == pytest.approx(0, abs=0.05)
    assert 0.9 < found.circularity <= 1


@pytest.mark.parametrize("degrees", [0, 20, 45, 70])
def test_a_rectangle_whichever_way_it_lies(degrees):
    mask = np.zeros((200, 200), np.uint8)
    corners = cv2.boxPoints(((100.0, 100.0), (120.0, 40.0), float(degrees)))
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 1, shift=4)
    (found,) = measured(mask.astype(bool))
    assert found.perimeter == pytest.approx(320, rel=0.06)
    assert found.feret == pytest.approx(math.hypot(120, 40), abs=2.5)
    assert found.eccentricity == pytest.approx(math.sqrt(1 - (40 / 120) ** 2), abs=0.01)
    assert found.circularity == pytest.approx(4 * math.pi * 4800 / 320**2, rel=0.14)


def test_feret_is_the_farthest_that_midsts_of_edges_lie_apart():
    random = np.random.default_rng(1)
    for _ in range(30):
        mask = random.random(random.integers(1, 9, 2)) < 0.4
        mask.ravel()[random.integers(mask.size)] = True
        rows, columns = np.nonzero(mask)
        midsts = [
            (row + dy, column + dx)
            for row, column in zip(rows, columns, strict=True)
            for dy, dx in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))
        ]
        assert feret_of(mask) == pytest.approx(pdist(np.array(midsts)).max())


def test_a_hole_lengthens_the_outline():
    solid = np.pad(disc(20), 2)
    holed = solid & ~np.pad(disc(5), 17)
    assert perimeter_of(holed) - perimeter_of(solid) == pytest.approx(perimeter_of(disc(5)))


def test_single_pixels_and_lines_are_measured_without_warnings():
    dot, line = measured(None, labels=np.array([[1, 0, 2, 2, 2]], np.int32))
    assert (dot.area, dot.feret, dot.eccentricity, dot.circularity) == (1, 1.0, 0.0, 1.0)
    assert (line.area, line.feret, line.eccentricity) == (3, 3.0, 1.0)


def test_touching_objects_and_gaps_in_the_numbers():
    found = measured(None, labels=np.array([[3, 3, 7], [0, 3, 7]], np.int32))
    assert [(one.label, one.area, one.box) for one in found] == [(3, 3, (0, 0, 2, 2)), (7, 2, (2, 0, 1, 2))]


def test_nothing_is_measured_where_there_is_nothing():
    assert measured(np.zeros((5, 5), bool)) == []
