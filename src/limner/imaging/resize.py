"""Resize images and masks with antialiasing, so that nothing thin vanishes by luck of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from limner.types import ImageArray, MaskArray

_ON = 254  # even, so that a share of exactly one half is a whole number and no rounding decides it


class Place(NamedTuple):
    """Where on a canvas an image lies, in pixels."""

    height: int
    width: int
    top: int
    left: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def fit_inside(size: tuple[int, int], canvas: tuple[int, int]) -> Place:
    """Where an image lies that is resized to be as large as fits into a canvas, keeps its aspect ratio, and is centred.

    All is done in whole numbers, so that the graph of a model file, which does the same, never differs by a pixel.

    Args:
        size: Height and width of the image, each at least 1.
        canvas: Height and width of the canvas, likewise.

    Returns:
        The new height and width, each rounded and at least 1, and the first row and column. Of an odd number of free rows or columns, the
        odd one is at the bottom or right.

    Example:
        >>> fit_inside((300, 400), (256, 256))
        Place(height=192, width=256, top=32, left=0)
    """
    (height, width), (rows, columns) = size, canvas
    fitted = _fitted(height, rows, width, columns), _fitted(width, columns, height, rows)
    return Place(*fitted, (rows - fitted[0]) // 2, (columns - fitted[1]) // 2)


def longer_side_at(side: int, size: tuple[int, int]) -> tuple[int, int]:
    """The height and width at which the longer one is `side`, each at least 1, for pictures that people look at.

    Example:
        >>> longer_side_at(100, (300, 400))
        (75, 100)
    """
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize_image(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """Resize by antialiased bilinear interpolation; the aspect ratio is not kept.

    Args:
        image: uint8, (H, W, 3).
        size: New height and width in pixels. At the same size the array itself is returned.

    Example:
        >>> resize_image(np.zeros((4, 4, 3), np.uint8), (2, 6)).shape
        (2, 6, 3)
    """
    if image.shape[:2] == size:
        return image
    return np.array(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def resize_mask(mask: MaskArray, size: tuple[int, int]) -> MaskArray:
    """Resize a mask: a new pixel is foreground when at least half of what it covers was (bilinear weights, antialiased).

    Args:
        mask: bool, (H, W).
        size: New height and width in pixels. At the same size the array itself is returned.

    Example:
        >>> resize_mask(np.array([[True, False]]), (2, 2))
        array([[ True, False],
               [ True, False]])
    """
    if mask.shape == size:
        return mask
    levels = Image.fromarray(mask.astype(np.uint8) * np.uint8(_ON))
    return np.asarray(np.asarray(levels.resize((size[1], size[0]), Image.Resampling.BILINEAR)) >= _ON // 2)


def _fitted(side: int, most: int, other_side: int, other_most: int) -> int:
    """`side` times `other_most / other_side`, rounded, halves upwards; from 1 to `most`, which the side that decides the scale comes to."""
    return max(1, min(most, (2 * side * other_most + other_side) // (2 * other_side)))
