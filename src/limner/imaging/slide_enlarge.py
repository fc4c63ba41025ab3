"""Enlarge a picture of a slide's foreground to the slide's size, a band of rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BAND = 512  # rows


def enlarged_rows(values: NDArray[np.float32], size: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    """The rows of a picture that is enlarged by bilinear interpolation, from the top down, a band at a time.

    Args:
        values: float32 (h, w).
        size: The new height and width, each at least that of the picture.

    Example:
        >>> rows = enlarged_rows(np.array([[0, 1]], np.float32), (1, 4))
        >>> np.concatenate(list(rows)).tolist()
        [[0.0, 0.25, 0.75, 1.0]]
    """
    height, width = size
    places = np.clip((np.arange(height) + 0.5) * (len(values) / height) - 0.5, 0, len(values) - 1)
    for top in range(0, height, _BAND):
        place = places[top : top + _BAND]
        above = place.astype(np.intp)
        below = np.minimum(above + 1, len(values) - 1)
        share = (place - above).astype(np.float32)[:, None]
        rows = values[above] * (1 - share) + values[below] * share
        yield np.asarray(cv2.resize(rows, (width, len(rows)), interpolation=cv2.INTER_LINEAR), np.float32)
