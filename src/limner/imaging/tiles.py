"""Tiles: how an image of any size is cut into pieces of one size, and how what is said of the pieces is put together again.

The overlap-tile strategy of Ronneberger et al. (U-Net, MICCAI 2015): what a network would need from outside the image is mirrored, and
neighbouring tiles overlap. Tiles are evenly spaced and blended with Gaussian weights, as in nnU-Net (Isensee et al., Nature Methods 2021).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from limner.types import ImageArray, ProbArray

Corner = tuple[int, int]  # first row and first column of a tile

_SPREAD = 1 / 8  # standard deviation of the weights, as a share of the tile's side
_LEAST = 1e-5  # weight at a tile's corner: what only one tile covers must still be divisible by its weight


def tile_starts(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Where tiles begin along one side: evenly spaced, from edge to edge, neighbours overlapping by `overlap` pixels or more.

    Args:
        length: Of the side, in pixels; a side shorter than a tile has one, which sticks out.
        tile: Side of a tile in pixels.
        overlap: In pixels; less than a tile.

    Example:
        >>> tile_starts(100, 40, 10), tile_starts(30, 40, 10)
        ((0, 30, 60), (0,))
    """
    if length <= tile:
        return (0,)
    count = math.ceil((length - overlap) / (tile - overlap))
    return tuple(round(index * (length - tile) / (count - 1)) for index in range(count))


def tile_corners(size: tuple[int, int], tile: tuple[int, int], overlap: tuple[int, int]) -> list[Corner]:
    """The corners of all tiles of an image of height and width `size`, row by row."""
    rows, columns = (tile_starts(*side) for side in zip(size, tile, overlap, strict=True))
    return list(product(rows, columns))


def mirrored(image: ImageArray, margin: tuple[int, int], least: tuple[int, int]) -> ImageArray:
    """An image (H, W, 3) with mirrored margins on all sides, and then at the bottom and right until it has at least a tile's size.

    Example:
        >>> mirrored(np.zeros((4, 6, 3), np.uint8), margin=(1, 1), least=(8, 8)).shape
        (8, 8, 3)
    """
    borders = [(edge, edge + max(0, need - side - 2 * edge)) for edge, side, need in zip(margin, image.shape[:2], least, strict=True)]
    return np.pad(image, [*borders, (0, 0)], mode="symmetric")


def cut(image: ImageArray, corners: Iterable[Corner], tile: tuple[int, int]) -> Iterator[ImageArray]:
    """The tiles at some corners, as views."""
    for row, column in corners:
        yield image[row : row + tile[0], column : column + tile[1]]


class Blend:
    """What is said of overlapping tiles, averaged with weights that fall off from each tile's centre.

    Args:
        size: Height and width of the whole.
        tile: Height and width of a tile.

    Example:
        >>> blend = Blend((4, 6), (4, 4))
        >>> for corner in tile_corners((4, 6), (4, 4), (2, 2)):
        ...     blend.add(corner, np.ones((4, 4), np.float32))
        >>> bool(np.allclose(blend.result(), 1))
        True
    """

    def __init__(self, size: tuple[int, int], tile: tuple[int, int]) -> None:
        self._sum = np.zeros(size, np.float32)
        self._weight = np.zeros(size, np.float32)
        self._weights = _weights(tile)

    def add(self, corner: Corner, values: ProbArray) -> None:
        """Add one tile's values (h, w)."""
        place = np.s_[corner[0] : corner[0] + values.shape[0], corner[1] : corner[1] + values.shape[1]]
        self._sum[place] += self._weights * values
        self._weight[place] += self._weights

    def result(self) -> ProbArray:
        """The weighted mean (H, W), float32."""
        return self._sum / self._weight


@cache
def _weights(tile: tuple[int, int]) -> NDArray[np.float32]:
    rows, columns = (np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (_SPREAD * side)) ** 2) for side in tile)
    return np.maximum(np.outer(rows, columns), _LEAST).astype(np.float32)
