"""Predict an image tile by tile, for models that see it at its own resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.imaging.tiles import Blend, cut, mirrored, tile_corners

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.types import ImageArray, ProbArray

_BATCH_PIXELS = 1_000_000  # in one run of the model
_OVERLAP = 4  # neighbouring tiles share a quarter of their side


def predict_tiles(run: Callable[[ImageArray], ProbArray], image: ImageArray, tile: tuple[int, int]) -> ProbArray:
    """The probabilities (H, W) of an image, put together from those of its tiles.

    Half of the overlap is mirrored around the image, so that its border lies as far inside a tile as everything else does.

    Args:
        run: From tiles (N, h, w, 3) to their probabilities (N, h, w).
        image: uint8 RGB, (H, W, 3), of any size.
        tile: Height h and width w in pixels.

    Example:
        >>> image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
        >>> red = predict_tiles(lambda tiles: tiles[..., 0] / np.float32(255), image, (32, 32))
        >>> bool(np.allclose(red, image[..., 0] / 255, atol=1e-6))
        True
    """
    overlap = (tile[0] // _OVERLAP, tile[1] // _OVERLAP)
    margin = (overlap[0] // 2, overlap[1] // 2)
    padded = mirrored(image, margin, tile)
    size = (padded.shape[0], padded.shape[1])
    blend = Blend(size, tile)
    corners = tile_corners(size, tile, overlap)
    step = max(1, _BATCH_PIXELS // (tile[0] * tile[1]))
    for batch in (corners[start : start + step] for start in range(0, len(corners), step)):
        for corner, probs in zip(batch, run(np.stack(list(cut(padded, batch, tile)))), strict=True):
            blend.add(corner, probs)
    return blend.result()[margin[0] : margin[0] + image.shape[0], margin[1] : margin[1] + image.shape[1]]
