"""A mask that is written is read back as it was, in every way in which people write masks."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from limner.errors import DataError
from limner.imaging import encode_png, read_image, read_mask, resize_mask, write_mask
from limner.imaging.foreground import Foreground
from limner.imaging.instances import _joined, _runs
from limner.imaging.read import read_labels

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(mask=masks)
@example(mask=np.ones((1, 1), bool))
@example(mask=np.zeros((1, 1), bool))
def test_round_trip(mask) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.png"
        write_mask(path, mask)
        again = read_mask(path.read_bytes(), name="mask.png")
    assert again.dtype == np.bool_
    assert np.array_equal(again, mask)


@given(mask=masks, levels=st.tuples(st.integers(0, 254), st.integers(1, 255)).map(sorted), kind=st.sampled_from(["PNG", "TIFF", "BMP"]))
def test_any_two_levels_without_loss(mask, levels, kind) -> None:
    low, high = levels
    stored = np.where(mask, high, low).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(stored).save(buffer, format=kind)
    expected = mask if low != high and not mask.all() and mask.any() else np.full(mask.shape, stored.flat[0] > 0)
    assert np.array_equal(read_mask(buffer.getvalue(), name="m"), expected)


@given(mask=hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))), quality=st.integers(70, 100))
def test_jpeg_keeps_blocks(mask, quality) -> None:
    blocks = np.kron(mask, np.ones((8, 8), bool))
    buffer = BytesIO()
    Image.fromarray((blocks * 255).astype(np.uint8)).save(buffer, format="JPEG", quality=quality)
    assert np.array_equal(read_mask(buffer.getvalue(), name="m.jpg"), blocks)


@given(mask=masks, factor=st.integers(1, 4))
def test_enlarged_and_shrunk_again(mask, factor) -> None:
    large = np.kron(mask, np.ones((factor, factor), bool))
    back = resize_mask(large, mask.shape)
    changed = back != mask
    assert not changed[_uniform(mask)].any()


def _uniform(mask):
    """Where all eight neighbours are as the pixel."""
    padded = np.pad(mask, 1, mode="edge")
    rows, columns = mask.shape
    around = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.logical_and.reduce(around) | ~np.logical_or.reduce(around)


levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 5))


@given(levels=levels, values=st.sets(st.integers(0, 6), min_size=1), wide=st.booleans(), kind=st.sampled_from(["PNG", "TIFF", "PPM"]))
def test_named_levels_are_those_that_are_stored(levels, values, wide, kind) -> None:
    buffer = BytesIO()
    stored = levels.astype(np.uint16) if wide else levels
    Image.fromarray(stored).save(buffer, format=kind)
    named = Foreground.parse(",".join(map(str, values)))
    mask = read_mask(buffer.getvalue(), name="m", foreground=named)
    assert np.array_equal(mask, np.isin(levels, list(values)))
    labels = read_labels(buffer.getvalue(), name="m", foreground=named)
    assert np.array_equal(labels > 0, mask)
    assert sorted(np.unique(labels[labels > 0])) == list(range(1, labels.max() + 1))


@given(mask=masks)
def test_objects_of_a_mask_are_its_connected_areas(mask) -> None:
    labels = read_labels(encode_png(mask), name="m.png")
    areas, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    assert np.array_equal(labels > 0, mask)
    assert labels.max() == areas - 1


@given(levels=levels)
def test_runs_are_joined_as_areas_are(levels) -> None:
    runs, values = _runs(levels)
    root = _joined(runs, values, levels.shape[1])
    for level in range(1, 6):
        areas, _ = cv2.connectedComponents((levels == level).astype(np.uint8), connectivity=8)
        assert len(set(root[values == level])) == areas - 1


@given(image=hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_image_round_trip(image) -> None:
    assert np.array_equal(read_image(encode_png(image), name="a.png"), image)


@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"]))
def test_damaged_files_are_errors_or_pictures_never_tracebacks(data, kind) -> None:
    buffer = BytesIO()
    Image.fromarray(np.arange(16 * 16 * 3, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)).save(buffer, format=kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for read in (read_image, read_mask):
        with suppress(DataError):
            assert read(bytes(content), name="a").ndim in {2, 3}
