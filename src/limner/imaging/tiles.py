"""Tiles: how an image of any size is covered by pieces of one size, and how much each piece has to say of a pixel.

The overlap-tile strategy of Ronneberger et al. (U-Net, MICCAI 2015): what a network would need from outside the image is mirrored, and
neighbouring tiles overlap. Tiles are evenly spaced and blended with Gaussian weights, as in nnU-Net (Isensee et al., Nature Methods 2021).
Here the weights fall to zero before a tile's edge, so that what a network says there, where it lacks surroundings, counts for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import ImageArray

Corner = tuple[int, int]  # first row and first column of a tile

_SPREAD = 1 / 8  # standard deviation of the weights, as a share of the tile's side
_DEAD = 1 / 4  # share of the overlap, at each of a tile's edges, in which its weight is zero


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


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """One tile along one side of an image; two of them, down and across, are a tile.

    Attributes:
        source: The pixel of the image that each of the tile's pixels shows: mirrored, where the tile reaches beyond the image. (tile,)
        inside: Which of the tile's pixels lie in the image.
        start: The first pixel of the image that it covers.
        stop: The first that it does not cover any more.
        weights: What it contributes to each pixel that it covers; those of all tiles come to one. float32 (stop - start,)
    """

    source: NDArray[np.intp]
    inside: slice
    start: int
    stop: int
    weights: NDArray[np.float32]

    @property
    def mirrors(self) -> bool:
        """Whether it reaches beyond the image."""
        return self.stop - self.start < len(self.source)


def spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """How one side of an image is covered by tiles that overlap, with half of the overlap mirrored around the image.

    So the image's border lies as far inside a tile as everything else does.

    Args:
        length: Of the side, in pixels, at least 1.
        tile: Side of a tile in pixels.
        overlap: Of neighbouring tiles at least, in pixels; less than a tile.

    Example:
        >>> [(span.start, span.stop) for span in spans(100, 40, 10)]
        [(0, 35), (18, 58), (42, 82), (65, 100)]
        >>> spans(3, 6, 2)[0].source.tolist()
        [0, 0, 1, 2, 2, 1]
    """
    margin = overlap // 2
    starts = [start - margin for start in tile_starts(max(length + 2 * margin, tile), tile, overlap)]
    covered = [(max(start, 0), min(start + tile, length)) for start in starts]
    bell = _bell(tile, overlap)
    parts = [bell[start - origin : stop - origin] for origin, (start, stop) in zip(starts, covered, strict=True)]
    total = np.zeros(length)
    for (start, stop), part in zip(covered, parts, strict=True):
        total[start:stop] += part
    return tuple(
        Span(
            source=_reflected(np.arange(origin, origin + tile), length),
            inside=slice(start - origin, stop - origin),
            start=start,
            stop=stop,
            weights=(part / total[start:stop]).astype(np.float32),
        )
        for origin, (start, stop), part in zip(starts, covered, parts, strict=True)
    )


def _bell(tile: int, overlap: int) -> NDArray[np.float64]:
    """The weights along a tile's side: a Gaussian, lowered so that it comes to zero at a quarter of the overlap from either edge."""
    from_edge = np.minimum(np.arange(tile) + 0.5, tile - np.arange(tile) - 0.5)
    spread = _SPREAD * tile
    lowest = math.exp(-0.5 * ((tile / 2 - _DEAD * overlap) / spread) ** 2)
    return np.asarray(np.maximum(np.exp(-0.5 * ((tile / 2 - from_edge) / spread) ** 2) - lowest, 0))


def _reflected(places: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Places along an endless row of mirror images of a side -> pixels of the side."""
    around = places % (2 * length)
    return np.minimum(around, 2 * length - 1 - around)
