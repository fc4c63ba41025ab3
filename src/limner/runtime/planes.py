"""Resize maps of numbers: what `limner.imaging.resize` does to pictures, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resize_planes(planes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize by antialiased bilinear interpolation, as the graph of a model file does.

    Args:
        planes: float32, (..., H, W).
        size: New height and width. At the same size the array itself is returned.

    Example:
        >>> resize_planes(np.array([[[0, 1]]], np.float32), (1, 4)).round(2).tolist()
        [[[0.0, 0.25, 0.75, 1.0]]]
    """
    if planes.shape[-2:] == size:
        return planes
    rows, columns = size
    resized = np.empty((*planes.shape[:-2], rows, columns), np.float32)
    for place in np.ndindex(planes.shape[:-2]):
        resized[place] = _picture(planes[place]).resize((columns, rows), Image.Resampling.BILINEAR)
    return resized


def _picture(plane: NDArray[np.float32]) -> Any:  # noqa: ANN401
    return Image.fromarray(np.ascontiguousarray(plane))
