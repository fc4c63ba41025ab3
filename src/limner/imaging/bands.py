"""Work on large arrays a band of rows at a time, so that what lies between input and output stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_PIXELS: Final = 2_000_000  # in a band


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of at most two million pixels each.

    Example:
        >>> list(bands(5, 1_000_000))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    rows = max(_PIXELS // max(width, 1), 1)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def gathered(height: int, width: int, make: Callable[[slice], NDArray[Any]]) -> NDArray[Any]:
    """One array of what `make` gives for each band of rows.

    Example:
        >>> gathered(2, 3, lambda rows: np.zeros((rows.stop - rows.start, 3))).shape
        (2, 3)
    """
    first, *others = bands(height, width)
    part = make(first)
    if not others:
        return part
    whole = np.empty((height, *part.shape[1:]), part.dtype)
    whole[first] = part
    for rows in others:
        whole[rows] = make(rows)
    return whole


def by_bands(array: NDArray[Any], change: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    """What `change` makes of an array, where it treats each row by itself.

    Example:
        >>> by_bands(np.array([[1, 2]]), lambda rows: rows * 2).tolist()
        [[2, 4]]
    """
    return gathered(array.shape[0], array.shape[1], lambda rows: change(array[rows]))


def looked_up(table: NDArray[Any], indices: NDArray[Any]) -> NDArray[Any]:
    """`table[indices]` for two-dimensional indices; those beyond the table count as its last.

    Example:
        >>> looked_up(np.array([5, 7], np.uint8), np.array([[0, 1, 9]], np.uint8)).tolist()
        [[5, 7, 7]]
    """
    return by_bands(indices, lambda rows: np.take(table, rows, axis=0, mode="clip"))
