"""Overlap-tile: nothing is seen of where tiles end, and memory holds a row of tiles."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from limner.errors import DataError
from limner.runtime.rows import blended_rows, default_overlap
from limner.runtime.tiled import predict_tiles

REACH = 4  # of the network below: four layers of 3 x 3
TILE = (48, 64)
ROOMY = (16, 20)  # a quarter of it is what the network reaches


def convolutions(layers=REACH):
    """A network of random convolutions, padded with zeros as networks are, that gives probabilities."""
    kernels = np.random.default_rng(5).normal(size=(layers, 3, 3))

    def run(tiles):
        values = tiles.mean(axis=-1) / 255
        for kernel in kernels:
            values = np.tanh(ndimage.convolve(values, kernel[None], mode="constant"))
        return ((1 + values) / 2).astype(np.float32)

    return run


def noise(height, width):
    return np.random.default_rng((height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)


def inner(probs, by=REACH):
    return probs[by:-by, by:-by]


@pytest.mark.parametrize("size", [(200, 300), (48, 64), (61, 150), (199, 67), (30, 500), (20, 20)])
def test_the_result_by_tiles_is_that_of_the_whole_image(size):
    """Within a quarter of the overlap from a tile's edge the network lacks surroundings, and there tiles say nothing."""
    image, run = noise(*size), convolutions()
    np.testing.assert_allclose(inner(predict_tiles(run, image, TILE, ROOMY)), inner(run(image[None])[0]), atol=1e-6)


def test_the_border_of_the_image_is_mirrored():
    image, run = noise(120, 150), convolutions()
    around = run(np.pad(image, ((9, 9), (9, 9), (0, 0)), mode="symmetric")[None])[0]
    np.testing.assert_allclose(predict_tiles(run, image, TILE, ROOMY), inner(around, 9), atol=1e-6)


def test_what_reaches_further_differs_but_little():
    image, run = noise(200, 300), convolutions(2 * REACH)
    difference = np.abs(predict_tiles(run, image, TILE, ROOMY) - run(image[None])[0])[8:-8, 8:-8]
    assert difference.max() > 1e-4  # the tests above would see it
    no_overlap = np.abs(predict_tiles(run, image, TILE, (0, 0)) - run(image[None])[0])[8:-8, 8:-8]
    assert difference.mean() < no_overlap.mean() / 10


def test_each_row_of_tiles_is_read_once_and_rows_are_handed_over_early(monkeypatch):
    monkeypatch.setattr("limner.runtime.rows._BATCH_PIXELS", 10_000)
    events = []
    image = noise(300, 40)

    def read(top, left, height, width):
        events.append(("read", top))
        return image[top : top + height]

    def run(tiles):
        return tiles[..., 0] / np.float32(255)

    for first, probs in blended_rows(read, (300, 40), run, (100, 100), (20, 20)):
        events.append(("done", first + len(probs)))
    reads = [top for kind, top in events if kind == "read"]
    assert reads == sorted(set(reads))
    assert events.index(("done", reads[1])) < events.index(("read", reads[3]))
    assert events[-1] == ("done", 300)


def test_memory_depends_on_the_width_alone(monkeypatch):
    monkeypatch.setattr("limner.runtime.rows._BATCH_PIXELS", 20_000)

    def peak(height):
        line = np.random.default_rng(0).integers(0, 256, (1, 200, 3), dtype=np.uint8)
        tracemalloc.start()
        rows = blended_rows(
            lambda top, left, height, width: np.repeat(line, height, axis=0),
            (height, 200),
            lambda tiles: tiles[..., 0] / np.float32(255),
            (64, 64),
        )
        total = sum(len(probs) for _, probs in rows)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total == height
        return found

    low, high = peak(2_000), peak(20_000)
    assert high - low < 18_000 * 40  # where each tile lies; a row of the image alone is of 600 bytes
    assert high < 1_500_000  # the image is of 12 MB


def test_what_a_model_gives_beyond_one_by_rounding_is_one():
    ones = predict_tiles(lambda tiles: np.ones(tiles.shape[:3], np.float32), noise(100, 100), (16, 16))
    assert ones.max() == 1
    assert ones.min() > 1 - 1e-6


@pytest.mark.parametrize("overlap", [(32, 0), (0, 48), (-1, 0)])
def test_an_overlap_that_cannot_be_is_an_error(overlap):
    with pytest.raises(DataError, match="cannot overlap"):
        predict_tiles(convolutions(), noise(40, 40), (32, 48), overlap)


def test_tiles_overlap_by_a_quarter_unless_told():
    assert default_overlap((512, 130)) == (128, 32)
    image, run = noise(90, 90), convolutions()
    assert np.array_equal(predict_tiles(run, image, (32, 32)), predict_tiles(run, image, (32, 32), (8, 8)))


def test_an_error_of_the_reader_comes_through():
    def read(top, left, height, width):
        if top > 100:
            raise DataError("the slide is damaged")
        return noise(height, width)

    for read_ahead in (False, True):
        with pytest.raises(DataError, match="damaged"):
            list(blended_rows(read, (400, 40), convolutions(), (32, 32), read_ahead=read_ahead))
