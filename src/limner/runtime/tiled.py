"""Predict an image in memory tile by tile, for models that see it at its own resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.runtime.rows import blended_rows

if TYPE_CHECKING:
    from limner.runtime.rows import Reader, Runner
    from limner.types import ImageArray, ProbArray


def predict_tiles(run: Runner, image: ImageArray, tile: tuple[int, int], overlap: tuple[int, int] | None = None) -> ProbArray:
    """The probabilities (H, W) of an image, put together from those of its tiles (see `limner.runtime.rows.blended_rows`).

    Args:
        run: From tiles (N, h, w, 3) to their probabilities (N, h, w).
        image: uint8 RGB, (H, W, 3), of any size.
        tile: Height h and width w in pixels.
        overlap: Of neighbouring tiles at least, down and across, in pixels; by default a quarter of a tile's sides.

    Raises:
        DataError: The overlap is negative, or not less than a tile.

    Example:
        >>> image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
        >>> red = predict_tiles(lambda tiles: tiles[..., 0] / np.float32(255), image, (32, 32))
        >>> bool(np.allclose(red, image[..., 0] / 255, atol=1e-6))
        True
    """
    height, width = image.shape[:2]
    probs = np.empty((height, width), np.float32)
    for first, rows in blended_rows(_reader(image), (height, width), run, tile, overlap):
        probs[first : first + len(rows)] = rows
    return probs


def _reader(image: ImageArray) -> Reader:
    return lambda top, left, height, width: image[top : top + height, left : left + width]
