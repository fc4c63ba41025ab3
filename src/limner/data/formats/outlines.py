"""Polygons -> pixels, by the rasteriser of the COCO API, so that areas agree with those that COCO's tools give.

Coordinates are continuous: (0, 0) is the upper left corner of the image, and the pixel in row r and column c covers the square from
(c, r) to (c + 1, r + 1). This is the convention of COCO, LabelMe, Label Studio and QuPath alike. A pixel is inside where its centre is,
to a fifth of a pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.data.formats.entries import Unusable
from limner.data.formats.runs import fill_runs, unpack_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from limner.types import MaskArray

Window = tuple[slice, slice]


def length_of(rings: Sequence[NDArray[np.float64]]) -> float:
    """How far it is along some polygons, in pixels, diagonal steps counted as one; at least the number of their points.

    The rasteriser walks along them in steps of a fifth of a pixel, and keeps all of those of one polygon in memory.
    """
    return sum(float(np.abs(np.diff(ring, axis=0, append=ring[:1])).max(axis=1).clip(1).sum()) for ring in rings)


def fill_rings(rings: Sequence[NDArray[np.float64]], size: tuple[int, int]) -> tuple[Window, MaskArray] | None:
    """The pixels within an odd number of polygons, in the smallest window that holds them; None where that is outside the image.

    So a ring within another is a hole in it.

    Args:
        rings: Each of x and y of at least three points: float, (N, 2).
        size: Height and width of the image.

    Raises:
        Unusable: A point lies farther outside the image than the image is large.
    """
    from pycocotools import mask as coco

    points = np.concatenate(rings)
    extent = np.array(size[::-1], dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if (low < -extent).any() or (high > 2 * extent).any():
        far = ", ".join(f"{value:g}" for value in (*low, *high))
        raise Unusable(f"it reaches far beyond the image of {size[1]}x{size[0]}: from left, top to right, bottom it spans {far}")
    left, top = (int(value) for value in np.floor(low).clip(0, extent))
    right, bottom = (int(value) for value in np.ceil(high).clip(0, extent))
    if left >= right or top >= bottom:
        return None
    height, width = bottom - top, right - left
    mask = np.zeros((height, width), dtype=np.bool_)
    for ring in rings:
        packed = coco.frPyObjects([(ring - (left, top)).ravel()], height, width)[0]["counts"]
        columns, part = fill_runs(unpack_runs(packed.decode()), (height, width))
        mask[:, columns] ^= part
    return (slice(top, bottom), slice(left, right)), mask


def ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0) -> NDArray[np.float64]:
    """A polygon of 360 corners for an ellipse, turned clockwise about its centre as seen on the screen: float, (360, 2)."""
    angles = np.deg2rad(np.arange(360.0))
    return turn(np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii, degrees) + centre


def turn(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Points turned about (0, 0), clockwise as seen on the screen."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))
