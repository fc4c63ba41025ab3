"""Whatever the size, the tile and the overlap: tiles cover everything, and put together again they are what they were cut from."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limner.imaging.tiles import Blend, cut, tile_corners, tile_starts
from limner.runtime.tiled import predict_tiles

TILES = st.integers(1, 40)


@given(st.integers(1, 300), TILES, st.data())
def test_tiles_cover_a_side_from_edge_to_edge_and_overlap_enough(length, tile, data):
    overlap = data.draw(st.integers(0, tile - 1))
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    if length > tile:
        assert starts[-1] + tile == length
        steps = np.diff(starts)
        assert steps.max() <= tile - overlap
        assert steps.max() - steps.min() <= 1
    else:
        assert len(starts) == 1


@given(st.tuples(st.integers(8, 90), st.integers(8, 90)), st.tuples(st.integers(1, 8), st.integers(1, 8)), st.integers(0, 2**31))
def test_blending_what_was_cut_gives_the_whole_back(size, tile, seed):
    whole = np.random.default_rng(seed).random((*size, 3), np.float32)
    overlap = (tile[0] // 3, tile[1] // 2)
    corners = tile_corners(size, tile, overlap)
    blend = Blend(size, tile)
    for corner, piece in zip(corners, cut(whole, corners, tile), strict=True):
        blend.add(corner, piece[..., 0])
    np.testing.assert_allclose(blend.result(), whole[..., 0], atol=1e-5)


@given(st.tuples(st.integers(1, 90), st.integers(1, 90)), st.sampled_from([(16, 16), (32, 24), (8, 40)]))
def test_an_identity_predicted_by_tiles_is_the_image(size, tile):
    image = np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = predict_tiles(lambda tiles: tiles[..., 0].astype(np.float32), image, tile)
    assert found.shape == size
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, image[..., 0], atol=1e-3)
