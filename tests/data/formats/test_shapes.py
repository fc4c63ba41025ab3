"""Shapes become the right pixels, and nothing else."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as api
from tests.data.formats import writers

from limner.data.formats.brush import fill_brush
from limner.data.formats.entries import Unusable
from limner.data.formats.outlines import ellipse
from limner.data.formats.runs import fill_runs, unpack_runs
from limner.data.formats.shapes import Brush, Polygon, Runs, Shape, ShapesMask, Stamp
from limner.data.store import FileRef, FolderStore
from limner.errors import DataError
from limner.files import sha256
from limner.imaging import encode_png

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24))
FILE = FileRef("train.json", FolderStore(Path("set")))


def drawn(*objects: tuple[Shape, ...], size: tuple[int, int] | None = None) -> ShapesMask:
    return ShapesMask((FILE,), "images[3]", size, objects)


def decoded(packed: dict[str, Any]) -> np.ndarray:
    with warnings.catch_warnings():  # its arrays make NumPy 2 warn
        warnings.simplefilter("ignore", DeprecationWarning)
        return api.decode(packed).astype(bool)


def square(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_pixel_belongs_where_its_centre_is_inside() -> None:
    mask = drawn((Polygon.of(square(1, 2, 4, 3)),)).load((5, 6))
    assert np.argwhere(mask).tolist() == [[2, 1], [2, 2], [2, 3]]
    assert not drawn((Polygon.of(square(1, 2, 1.4, 3)),)).load((5, 6)).any()
    assert drawn((Polygon.of(square(1, 2, 1.7, 3)),)).load((5, 6)).sum() == 1


def test_whole_image() -> None:
    assert drawn((Polygon.of(square(0, 0, 6, 5)),)).load((5, 6)).all()


def test_ring_within_a_ring_is_a_hole_but_objects_are_joined() -> None:
    outer, inner = square(0, 0, 6, 6), square(2, 2, 4, 4)
    assert drawn((Polygon.of(outer, inner),)).load((6, 6)).sum() == 36 - 4
    assert drawn((Polygon.of(outer), Polygon.of(inner))).load((6, 6)).sum() == 36
    assert drawn((Polygon.of(outer),), (Polygon.of(inner),)).load((6, 6)).sum() == 36


def test_objects_are_numbered_in_order_and_the_later_lies_above() -> None:
    labels = drawn((Polygon.of(square(0, 0, 4, 2)),), (Polygon.of(square(2, 0, 6, 1)), Polygon.of(square(0, 3, 1, 4)))).load_instances(
        (4, 6)
    )
    assert labels.dtype == np.int32
    assert labels.tolist() == [[1, 1, 2, 2, 2, 2], [1, 1, 1, 1, 0, 0], [0] * 6, [2, 0, 0, 0, 0, 0]]


def test_no_objects_are_an_empty_mask() -> None:
    assert not drawn().load((3, 4)).any()
    assert drawn().load_instances((3, 4)).max() == 0


def test_what_lies_outside_is_cut_off() -> None:
    assert drawn((Polygon.of(square(-3, -3, 2, 2)),)).load((5, 6)).sum() == 4
    assert drawn((Polygon.of(square(4, 3, 9, 9)),)).load((5, 6)).sum() == 4
    assert not drawn((Polygon.of(square(7, 1, 9, 3)),)).load((5, 6)).any()


@given(st.lists(st.tuples(st.floats(-8, 30), st.floats(-8, 30)), min_size=3, max_size=12))
def test_polygons_agree_with_the_coco_api(points: list[tuple[float, float]]) -> None:
    flat = [value for point in points for value in point]
    wanted = decoded(api.frPyObjects([flat], 20, 24)[0])
    found = drawn((Polygon.of(points),)).load((20, 24))
    differing = np.count_nonzero(found != wanted)
    assert differing == 0 if min(flat) >= 0 else differing <= 4  # the API rounds what lies left of or above the image towards it


def test_large_circle_has_the_area_of_a_circle() -> None:
    mask = drawn((Polygon.of(ellipse((100, 100), (80, 40), 30)),)).load((200, 200))
    assert mask.sum() == pytest.approx(np.pi * 80 * 40, rel=0.002)
    rows, columns = np.nonzero(mask)
    assert np.cov(columns, rows)[0, 1] > 0  # turned clockwise, the long axis falls to the right


@given(MASKS)
def test_runs_are_those_of_the_coco_api(mask: np.ndarray) -> None:
    packed = api.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    plain = writers.coco_runs(mask)["counts"]
    assert unpack_runs(packed).tolist() == plain
    for counts in (packed, np.array(plain, "<i8").tobytes()):
        assert (drawn((Runs(mask.shape, counts),)).load(mask.shape) == mask).all()


@given(MASKS)
def test_runs_fill_the_columns_that_they_need(mask: np.ndarray) -> None:
    columns, part = fill_runs(np.array(writers.coco_runs(mask)["counts"]), mask.shape)
    used = np.flatnonzero(mask.any(axis=0))
    assert part.shape[1] == (used[-1] - used[0] + 1 if used.size else 0)
    assert (mask[:, columns] == part).all()


@given(MASKS)
def test_brush_comes_back(mask: np.ndarray) -> None:
    assert (fill_brush(writers.pack_brush(mask), mask.shape) == mask).all()


def test_brush_by_hand() -> None:
    """Two pixels: a run of four zeros, then four words one by one, the last of them opaque."""
    header = f"{8:032b}{7:05b}" + "0010" * 4
    bits = header + "1" + "00" + "011" + f"{0:08b}" + "0" + "01" + "011" + f"{10:08b}{20:08b}{30:08b}{255:08b}"
    bits += "0" * (-len(bits) % 8)
    assert fill_brush(int(bits, 2).to_bytes(len(bits) // 8, "big"), (1, 2)).tolist() == [[False, True]]


def test_stamp_lies_where_it_says_and_is_cut_at_the_border() -> None:
    png = encode_png(np.array([[True, False], [True, True]]))
    assert np.argwhere(drawn((Stamp(png, 1, 2),)).load((5, 6))).tolist() == [[2, 1], [3, 1], [3, 2]]
    assert np.argwhere(drawn((Stamp(png, -1, 4),)).load((5, 6))).tolist() == []
    assert np.argwhere(drawn((Stamp(png, -1, -1),)).load((5, 6))).tolist() == [[0, 0]]
    assert np.argwhere(drawn((Stamp(png, 5, 4),)).load((5, 6))).tolist() == [[4, 5]]
    assert not drawn((Stamp(png, 60, 40),)).load((5, 6)).any()


def test_declared_size_must_be_the_images() -> None:
    with pytest.raises(DataError, match="mask is 8x9 pixels, but its image 9x8") as caught:
        drawn(size=(9, 8)).load((8, 9))
    assert caught.value.where == "set/train.json (images[3])"
    assert "EXIF" in str(caught.value.fix)


BROKEN: dict[str, Shape] = {
    "runs of another size": Runs((3, 4), "231"),
    "runs cut short": Runs((6, 6), "Q"),
    "runs of strange signs": Runs((6, 6), "€"),
    "runs of too much": Runs((6, 6), np.array([30, 2**40, 7], "<i8").tobytes()),
    "runs that overflow": Runs((6, 6), np.array([2**62, 2**62, 2**62, 2**62, 36], "<i8").tobytes()),
    "runs of too little": Runs((6, 6), np.array([30, 2], "<i8").tobytes()),
    "negative runs": Runs((6, 6), np.array([40, -4], "<i8").tobytes()),
    "endless numbers": Runs((6, 6), "o" * 100 + "0"),
    "no brush": Brush(b""),
    "brush of another size": Brush(writers.pack_brush(np.ones((6, 7), bool))),
    "brush cut short": Brush(writers.pack_brush(np.eye(6, dtype=bool))[:-4]),
    "stamp of nothing": Stamp(b"", 0, 0),
    "stamp that is too large": Stamp(encode_png(np.ones((7, 7), bool)), 0, 0),
    "far away": Polygon.of(square(0, 0, 1e6, 6)),
    "far above": Polygon.of(square(0, -13, 2, 6)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_drawn_is_an_error_that_names_the_entry(name: str) -> None:
    for load in (drawn((BROKEN[name],)).load, drawn((BROKEN[name],)).load_instances):
        with pytest.raises(DataError, match="cannot be drawn") as caught:
            load((6, 6))
        assert caught.value.where == "set/train.json (images[3])"


def test_damaged_png_is_an_error() -> None:
    png = encode_png(np.ones((4, 4), bool))
    with pytest.raises(DataError):
        drawn((Stamp(png[:40], 0, 0),)).load((6, 6))


def test_work_is_bounded() -> None:
    zigzag = [(x % 2 * 900.0, x / 1000) for x in range(900_000)]
    with pytest.raises(DataError, match="longer than"):
        drawn((Polygon.of(zigzag),)).load((1000, 1000))
    shorter = [(x % 2 * 900.0, x / 10) for x in range(2_000)]
    with pytest.raises(DataError, match="together are longer"):
        drawn(*[(Polygon.of(shorter),)] * 6).load((1000, 1000))
    with pytest.raises(DataError, match="cover each other"):
        drawn(*[(Polygon.of(square(0, 0, 2000, 2000)),)] * 101).load((2000, 2000))


def test_polygon_of_less_than_three_points_holds_no_area() -> None:
    with pytest.raises(Unusable, match="fewer than three points"):
        Polygon.of([(1, 2), (3, 4)])


def test_digest_is_that_of_the_shapes_and_the_size_alone() -> None:
    shape = Polygon.of(square(0, 0, 4, 2.5))
    mask = drawn((shape,), size=(5, 6))
    other = ShapesMask((FileRef("other.json", FolderStore(Path("x"))),), "images[9]", (5, 6), ((shape,),))
    assert mask.digest() == other.digest()
    content = [[5, 6], [[["polygon", [[0.0, 0.0, 4.0, 0.0, 4.0, 2.5, 0.0, 2.5]]]]]]
    assert mask.digest() == sha256(json.dumps(content, separators=(",", ":")).encode())
    changed = [drawn((shape,), size=(6, 5)), drawn((shape,), (shape,), size=(5, 6)), drawn((shape, shape), size=(5, 6))]
    changed += [drawn((kind,)) for kind in (Runs((1, 2), "231"), Brush(b"a"), Stamp(b"a", 0, 0), Stamp(b"a", 0, 1), Brush(b"b"))]
    assert len({mask.digest() for mask in changed} | {mask.digest()}) == len(changed) + 1


def test_masks_are_frozen_equal_by_value_and_small() -> None:
    import pickle

    points = np.random.default_rng(0).random((1000, 2)) * 50
    mask = drawn((Polygon.of(points),))
    assert mask == drawn((Polygon.of(points.tolist()),))
    assert hash(mask.objects) == hash(drawn((Polygon.of(points),)).objects)
    assert len(pickle.dumps(mask)) < 17_500
    assert mask.files == (FILE,)
    assert mask.display == "set/train.json (images[3])"
