"""Maps of instances, and one number for each object."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.imaging.corpus import tiff
from tests.imaging.pictures import disc, encoded

from limner.errors import DataError
from limner.imaging import encode_png, read_mask
from limner.imaging.foreground import Foreground
from limner.imaging.read import read_labels


def nuclei(count: int, *, first: int = 1, step: int = 1) -> np.ndarray:
    """Discs in rows, numbered; two of them touch."""
    cells = np.zeros((10 * 12, 10 * 12), np.uint16)
    for index in range(count):
        row, column = divmod(index, 10)
        cells[row * 12 : row * 12 + 10, column * 12 : column * 12 + 10][disc(10, 4.5)] = first + step * index
    cells[3:7, 9:13] = np.where(cells[3:7, 9:13] == 0, first, cells[3:7, 9:13])
    return cells


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        (nuclei(40), np.uint8),
        (nuclei(40), np.uint16),
        (nuclei(40, first=900), np.uint16),
        (nuclei(40, step=37), np.uint32),
        (nuclei(3), np.uint16),
        (nuclei(4, first=500, step=2), np.int32),
        (nuclei(9), np.uint8),
    ],
    ids=["8-bit", "16-bit", "cropped", "gaps", "three", "few", "nine"],
)
def test_instances_are_recognised_and_numbered(levels, kind) -> None:
    data = tiff(levels.astype(kind))
    assert np.array_equal(read_mask(data, name="m.tif"), levels > 0)
    labels = read_labels(data, name="m.tif")
    assert labels.dtype == np.int32
    found = np.unique(levels)
    assert np.array_equal(found[labels], levels)


def ramp() -> np.ndarray:
    levels = np.repeat(np.arange(16).repeat(8)[None], 64, axis=0)
    return np.where(disc(128, 60)[32:96], levels, 0)


def rings() -> np.ndarray:
    rows, columns = np.ogrid[-64:64, -64:64]
    return np.clip(16 - np.hypot(rows, columns) // 4, 0, 16)


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        (nuclei(8), np.uint8),
        (nuclei(2), np.uint16),
        (nuclei(4, step=40), np.uint16),
        (nuclei(40) % 10, np.uint8),
        (nuclei(40) + 1, np.uint8),
        (ramp(), np.uint8),
        (rings(), np.uint16),
        (nuclei(40), np.float32),
    ],
    ids=["eight", "two", "spread", "classes", "no-ground", "ramp", "rings", "floats"],
)
def test_what_is_not_certain_is_refused(levels, kind) -> None:
    with pytest.raises(DataError, match="not one of two tones"):
        read_mask(tiff(levels.astype(kind)), name="m.tif")


def test_instances_in_a_lossy_file_are_refused() -> None:
    levels = np.kron(nuclei(40) * 6, np.ones((4, 4))).astype(np.uint8)
    with pytest.raises(DataError, match="not one of two tones"):
        read_mask(encoded(Image.fromarray(levels), "JPEG", quality=95), name="m.jpg")


def test_areas_of_a_mask_of_two_tones() -> None:
    levels = np.array([[9, 0, 0, 9], [0, 9, 0, 9], [0, 0, 0, 0], [9, 0, 0, 0]], np.uint8)
    labels = read_labels(encode_png(levels), name="m.png")
    assert labels.dtype == np.int32
    assert labels.tolist() == [[1, 0, 0, 2], [0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]]


def test_few_touching_instances_are_told_apart_when_asked_for() -> None:
    levels = np.zeros((20, 20), np.uint8)
    levels[4:9, 4:9], levels[9:14, 4:9], levels[4:9, 12:17] = 5, 3, 5
    labels = read_labels(encode_png(levels), name="m.png", foreground=Foreground.parse("3,5"))
    assert sorted(np.unique(labels)) == [0, 1, 2, 3]
    assert len({labels[5, 5], labels[10, 5], labels[5, 14]}) == 3
    only = read_labels(encode_png(levels), name="m.png", foreground=Foreground.parse("5"))
    assert np.array_equal(only > 0, levels == 5)
    assert only.max() == 2


def test_instances_within_a_range() -> None:
    labels = read_labels(tiff(nuclei(40)), name="m.tif", foreground=Foreground.parse("11-20"))
    assert np.array_equal(labels, np.where((nuclei(40) > 10) & (nuclei(40) <= 20), nuclei(40).astype(int) - 10, 0))
    assert np.array_equal(read_labels(tiff(nuclei(40)), name="m.tif", foreground=Foreground.parse("nonzero")), nuclei(40))


def test_empty_mask_has_no_labels() -> None:
    assert not read_labels(encode_png(np.zeros((4, 4), np.uint8)), name="m.png").any()
    assert not read_labels(tiff(nuclei(40)), name="m.tif", foreground=Foreground.parse("77")).any()
