"""Maps of instances: one number for each object.

They are recognised without being asked only where it is certain. A map is one if

- the file is lossless and holds whole numbers, of which 0, the ground, is one;
- it has more than eight labels, or more than two that follow closely on each other in a file of more than 8 bits;
- nine tenths of its labels are single connected areas with at least one pixel in their midst (fringes and noise are not);
- labels border on the ground for at least as long as on each other (the steps of a gradient do not).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from limner.imaging.bands import looked_up
from limner.imaging.levels import compact, counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import LabelArray, MaskArray

_MANY, _CLOSE, _FEW_CLOSE = 8, 4, 2  # more labels than this; numbers up to this for each label; more labels than this if close
_MOST = 0.9
_MAX_PIXELS = 30_000_000  # above, following all borders takes too long to do it unasked
_MAX_RUNS = 3_000_000
_SQUARE: Final = np.ones((3, 3), np.uint8)


def connected_areas(mask: MaskArray) -> LabelArray:
    """A number for each connected area of a mask, corners included: int32, (H, W), 0 for the ground.

    Example:
        >>> connected_areas(np.array([[1, 0, 0, 1], [0, 1, 0, 1]], dtype=bool))
        array([[1, 0, 0, 2],
               [0, 1, 0, 2]], dtype=int32)
    """
    areas = cv2.connectedComponents(np.ascontiguousarray(mask).view(np.uint8), connectivity=8, ltype=cv2.CV_32S)[1]
    return np.asarray(areas, dtype=np.int32)


def is_instance_map(stored: NDArray[Any], *, certain: bool = True) -> bool:
    """Whether levels of a lossless file are numbers of instances.

    Args:
        stored: (H, W), as stored.
        certain: Whether the number of labels counts too. Whoever has been told what is foreground may do without.

    Example:
        >>> nuclei = np.kron(np.arange(100).reshape(10, 10), np.pad(np.ones((4, 4), int), 2))
        >>> is_instance_map(nuclei), is_instance_map(nuclei % 3)
        (True, False)
    """
    if stored.ndim != 2 or stored.dtype == np.bool_ or stored.size > _MAX_PIXELS:
        return False
    levels = compact(stored)
    if levels is None:
        return False
    found = counts(levels)
    labels = np.flatnonzero(found[1:]) + 1
    if not found[0] or not len(labels) or (certain and not _are_many(labels, wide=stored.dtype.itemsize > 1)):
        return False
    return _have_midst(levels, labels) and _border_on_ground(levels) and _are_single(levels, len(labels))


def renumbered(levels: NDArray[Any], mask: MaskArray) -> LabelArray:
    """The labels within a mask, numbered 1 to N in their order.

    Example:
        >>> renumbered(np.array([[0, 9, 300]], np.uint16), np.ones((1, 3), bool)).tolist()
        [[0, 1, 2]]
    """
    kept = np.where(mask, levels, levels.dtype.type(0))
    used = counts(kept) > 0
    used[0] = False
    return np.asarray(looked_up(np.cumsum(used, dtype=np.int32) * used, kept), dtype=np.int32)


def _are_many(labels: NDArray[np.int64], *, wide: bool) -> bool:
    close = wide and len(labels) > _FEW_CLOSE and labels[-1] - labels[0] < _CLOSE * len(labels)
    return len(labels) > _MANY or bool(close)


def _have_midst(levels: NDArray[Any], labels: NDArray[np.int64]) -> bool:
    flat = levels[cv2.erode(levels, _SQUARE) == cv2.dilate(levels, _SQUARE)]
    return bool(np.count_nonzero(counts(flat[None])[labels]) >= _MOST * len(labels)) if flat.size else False


def _border_on_ground(levels: NDArray[Any]) -> bool:
    ground = other = 0
    for first, second in ((levels[:, :-1], levels[:, 1:]), (levels[:-1], levels[1:])):
        differ = first != second
        at_ground = differ & ((first == 0) | (second == 0))
        ground += int(np.count_nonzero(at_ground))
        other += int(np.count_nonzero(differ)) - int(np.count_nonzero(at_ground))
    return ground >= other


def _are_single(levels: NDArray[Any], labels: int) -> bool:
    """Whether most labels are one connected area each (of eight neighbours)."""
    starts, values = _runs(levels)
    if len(starts) > _MAX_RUNS:
        return False
    root = _joined(starts, values, levels.shape[1])
    areas = np.bincount(values[root == np.arange(len(root))], minlength=1)
    return bool(np.count_nonzero(areas == 1) >= _MOST * labels)


def _runs(levels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Horizontal runs of one label: (N, 2) first and last place, counted row by row with a gap between rows, and their labels."""
    height, width = levels.shape
    padded = np.zeros((height, width + 2), levels.dtype)
    padded[:, 1:-1] = levels
    row = padded.ravel()
    edges = np.flatnonzero(row[1:] != row[:-1]) + 1
    values = row[edges]
    kept = np.flatnonzero(values)
    return np.stack([edges[kept], edges[kept + 1] - 1], axis=1), values[kept]


def _joined(runs: NDArray[np.int64], values: NDArray[Any], width: int) -> NDArray[np.int64]:
    """For each run the first of those that it is connected with, found by union and pointer jumping."""
    below = runs + (width + 2)
    first = np.searchsorted(runs[:, 1], below[:, 0] - 1, side="left")
    last = np.searchsorted(runs[:, 0], below[:, 1] + 1, side="right")
    many = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(runs)), many)
    lower = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    same = values[upper] == values[lower]
    upper, lower = upper[same], lower[same]
    root = np.arange(len(runs))
    while True:
        smaller = np.minimum(root[upper], root[lower])
        joined = root.copy()
        np.minimum.at(joined, root[upper], smaller)
        np.minimum.at(joined, root[lower], smaller)
        while not np.array_equal(joined, following := joined[joined]):
            joined = following
        if np.array_equal(joined, root):
            return root
        root = joined
