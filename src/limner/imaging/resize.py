"""Resize images and masks with antialiasing, so that nothing thin vanishes by luck of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from limner.types import ImageArray, MaskArray

_ON = 254  # even, so that a share of exactly one half is a whole number and no rounding decides it


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
