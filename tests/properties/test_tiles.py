"""Whatever the size, the tile and the overlap: tiles cover everything, and put together again they are what they were cut from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.imaging.tiles import mirrored, spans, tile_starts
from limner.runtime.rows import blended_rows
from limner.runtime.tiled import predict_tiles

TILES = st.integers(1, 40)


def sides(longest):
    """A side, its tile, and their overlap."""
    return st.tuples(st.integers(1, longest), TILES).flatmap(lambda pair: st.tuples(*map(st.just, pair), st.integers(0, pair[1] - 1)))


def red(tiles):
    return tiles[..., 0] / np.float32(255)


def noise(height, width):
    return np.random.default_rng((height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(sides(300))
def test_tiles_cover_a_side_from_edge_to_edge_and_overlap_enough(side):
    length, tile, overlap = side
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    if length > tile:
        assert starts[-1] + tile == length
        steps = np.diff(starts)
        assert steps.max() <= tile - overlap
        assert steps.max() - steps.min() <= 1
    else:
        assert len(starts) == 1


@given(sides(300))
@settings(max_examples=50)
def test_spans_show_the_mirrored_side_and_share_out_every_pixel(side):
    length, tile, overlap = side
    line = np.arange(length)
    padded = mirrored(np.stack([line] * 3, axis=-1)[:, None], (overlap // 2, 0), (tile, 1))[:, 0, 0]
    shares = np.zeros(length)
    for start, span in zip(tile_starts(len(padded), tile, overlap), spans(*side), strict=True):
        assert np.array_equal(span.source, padded[start : start + tile])
        assert np.array_equal(span.source[span.inside], line[span.start : span.stop])
        shares[span.start : span.stop] += span.weights
    np.testing.assert_allclose(shares, 1, atol=1e-6)


@given(sides(300))
@settings(max_examples=50)
def test_a_tile_says_nothing_of_what_lies_near_its_edge(side):
    _, tile, overlap = side
    near = min(overlap // 4, tile)
    for span in spans(*side):
        whole = np.zeros(tile)
        whole[span.inside] = span.weights
        assert not whole[:near].any()
        assert not whole[tile - near :].any()


@given(sides(90), sides(90))
@settings(max_examples=50)
def test_an_identity_predicted_by_tiles_is_the_image(rows, columns):
    size, tile, overlap = zip(rows, columns, strict=True)
    image = noise(*size)
    found = predict_tiles(red, image, tile, overlap)
    assert found.shape == size
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, image[..., 0] / 255, atol=1e-6)
    assert found.max() <= 1


@given(sides(90), sides(90), st.booleans())
@settings(max_examples=30)
def test_rows_follow_each_other_and_are_the_same_however_they_are_read(rows, columns, read_ahead):
    size, tile, overlap = zip(rows, columns, strict=True)
    image = noise(*size)

    def read(top, left, height, width):
        assert 0 <= top < top + height <= size[0]
        assert (left, width) == (0, size[1])
        return image[top : top + height].copy()

    done = list(blended_rows(read, size, red, tile, overlap, read_ahead=read_ahead))
    ends = np.cumsum([len(probs) for _, probs in done])
    assert [first for first, _ in done] == [0, *ends[:-1]]
    assert max(len(probs) for _, probs in done) <= tile[0]
    assert np.array_equal(np.concatenate([probs for _, probs in done]), predict_tiles(red, image, tile, overlap))
