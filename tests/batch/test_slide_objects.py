"""The objects of a slide are those of the whole mask, though they are found by bands of rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batch.masks import bands, cut_masks, rings, spiral

from limner.batch import slide_objects
from limner.batch.annotations import geojson_feature, geojson_file, geojson_stream
from limner.batch.slide_objects import Listeners, SlideObjects
from limner.imaging.contours import trace_objects, windows
from limner.measures import measure_objects
from limner.metrics.objects import label_objects

IMAGES = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
PROBS = np.random.default_rng(2).random((64, 64), np.float32)


def watershed(mask, _top, _left):
    return label_objects(mask, split_touching=True)


def found_by_bands(mask, cuts, cut=None):
    image, probs = IMAGES[: mask.shape[0], : mask.shape[1]], PROBS[: mask.shape[0], : mask.shape[1]]
    features, measures = [], []
    told = Listeners(lambda one, area, score: features.append(geojson_feature(one, "x", area=area, score=score)), measures.append)
    objects = SlideObjects(told, cut=cut, read=lambda top, height: image[top : top + height])
    for top, rows in zip(cuts, bands(mask, cuts), strict=False):
        objects.add(rows, probs[top : top + len(rows)], top)
    objects.finish()
    return objects, features, measures


def expected(mask, *, split=False):
    labels = label_objects(mask)
    if split:
        number = label_objects(mask, split_touching=True).max(initial=0)
        labels = cut_one_by_one(labels)
        assert labels.max(initial=0) == number
    image, probs = IMAGES[: mask.shape[0], : mask.shape[1]], PROBS[: mask.shape[0], : mask.shape[1]]
    return geojson_file(trace_objects(labels), "x", probs)["features"], measure_objects(labels, image, probs)


def cut_one_by_one(labels):
    """Each object cut by itself: of pixels as near to one part as to the other, a watershed of all at once may decide otherwise."""
    found, count = np.zeros_like(labels), 0
    for label, window in windows(labels):
        parts = label_objects(labels[window] == label, split_touching=True)
        found[window] += np.where(parts > 0, parts + count, 0)
        count += parts.max()
    return found


def without_number(feature):
    """A feature as text, for sorting; its number and the last digit of its score may differ."""
    properties = feature["properties"] | {"name": ""}
    score = properties["measurements"]["Mean probability"]
    properties["measurements"] = {"Area px^2": properties["measurements"]["Area px^2"]}
    return json.dumps([feature["type"], feature["geometry"], properties]), score


def numbers(one):
    return (
        *one.box,
        one.area,
        *one.centroid,
        one.perimeter,
        one.feret,
        one.eccentricity,
        one.circularity,
        one.mean_intensity,
        one.mean_prob,
    )


def check_same(mask, cuts, cut=None):
    objects, features, measures = found_by_bands(mask, cuts, cut)
    right_features, right_measures = expected(mask, split=cut is not None)
    assert objects.count == len(measures) == len(features) == len(right_measures)
    assert [one["properties"]["name"] for one in features] == [f"x {number}" for number in range(1, len(features) + 1)]
    assert [one.label for one in measures] == list(range(1, len(measures) + 1))
    ours, theirs = sorted(map(without_number, features)), sorted(map(without_number, right_features))
    assert [text for text, _ in ours] == [text for text, _ in theirs]
    assert np.allclose([score for _, score in ours], [score for _, score in theirs], atol=1.01e-4)
    if measures:
        np.testing.assert_allclose(sorted(map(numbers, measures)), sorted(map(numbers, right_measures)), rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cut=cut_masks())
def test_objects_are_those_of_the_whole_mask(cut):
    check_same(*cut)


@settings(max_examples=40, deadline=None)
@given(cut=cut_masks())
def test_objects_are_cut_as_in_the_whole_mask(cut):
    check_same(*cut, cut=watershed)


@settings(max_examples=60, deadline=None)
@given(cut=cut_masks(), is_cut=st.booleans())
def test_objects_are_counted_where_nobody_is_told(cut, is_cut):
    mask, cuts = cut
    objects = SlideObjects(Listeners(), cut=watershed if is_cut else None)
    for top, rows in zip(cuts, bands(mask, cuts), strict=False):
        objects.add(rows, PROBS[: len(rows), : mask.shape[1]], top)
    objects.finish()
    assert objects.count == label_objects(mask, split_touching=is_cut).max(initial=0)


def test_nested_objects_are_objects_of_their_own():
    check_same(rings(40), [*range(0, 40, 3), 40])
    check_same(spiral(60), list(range(61)))


def test_pieces_are_let_go_as_soon_as_objects_are_complete():
    """A slide of many objects: what is held is what a seam cuts, however many rows there were."""
    mask = np.zeros((12, 64), bool)
    mask[2:10, 1:63:8] = mask[2:10, 2:63:8] = True
    objects = SlideObjects(Listeners(outlined=lambda *_: None))
    held = []
    for top in range(0, 12 * 100, 5):  # bands of five rows
        rows = mask[np.arange(top, top + 5) % 12]
        objects.add(rows, PROBS[:5], top)
        held.append(objects.held)
    objects.finish()
    assert objects.count == 8 * 100
    assert max(held) <= 2 * 8
    assert objects.held == 0


@pytest.mark.parametrize(("factor", "most"), [(2, 400), (3, 178)])
def test_a_large_object_is_outlined_on_a_smaller_copy(monkeypatch, factor, most):
    monkeypatch.setattr(slide_objects, "MOST_TRACED", most)
    monkeypatch.setattr(slide_objects, "MOST_CUT", most)
    mask = np.zeros((60, 60), bool)
    mask[9:49, 11:51] = np.hypot(*(np.indices((40, 40)) - 19.5)) < 20
    mask[20:30, 22:31] = False
    mask[2:5, 2:5] = True
    for cut in (None, watershed):
        objects, (small, large), (_, measured) = found_by_bands(mask, [0, 13, 14, 30, 60], cut)
        (_, right_large), (_, right) = expected(mask)
        assert (objects.coarse, objects.uncut) == (1, 1 if cut else 0)
        assert small["geometry"]["coordinates"] == [[[2, 2], [5, 2], [5, 5], [2, 5], [2, 2]]]
        assert large["properties"] == right_large["properties"]
        assert (measured.area, measured.box) == (right.area, right.box)
        assert (measured.mean_prob, measured.mean_intensity) == (pytest.approx(right.mean_prob), pytest.approx(right.mean_intensity))
        assert measured.centroid == pytest.approx(right.centroid, abs=factor)
        assert measured.feret == pytest.approx(right.feret, abs=2.9 * factor)
        assert measured.perimeter == pytest.approx(right.perimeter, rel=0.15)
        points = np.concatenate([np.array(ring) for ring in large["geometry"]["coordinates"]])
        assert points[:, 0].min() == 11
        assert points.max(axis=0).tolist() == [51, 49]
        exact = np.concatenate([np.array(ring) for ring in right_large["geometry"]["coordinates"]])
        assert max(np.abs(exact - point).sum(axis=1).min() for point in points) <= 2 * factor


def test_the_stream_writes_what_is_written_at_once(tmp_path):
    value = geojson_file(trace_objects(label_objects(rings(20))), "ä", PROBS[:20, :20])
    with geojson_stream(tmp_path / "a.geojson") as add:
        for feature in value["features"]:
            add(feature)
    with geojson_stream(tmp_path / "none.geojson"):
        pass
    assert (tmp_path / "a.geojson").read_text("utf-8") == json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert json.loads((tmp_path / "none.geojson").read_text()) == {"type": "FeatureCollection", "features": []}
