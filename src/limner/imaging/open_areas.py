"""The connected areas of a mask too large for the memory, whose rows come from the top down, a band at a time.

Each band is labelled by itself; areas that meet across the seam to the band before are joined. What is known of an area grows with it,
and it is complete when it does not reach the last row so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from limner.types import LabelArray, MaskArray


@dataclass(frozen=True, slots=True)
class Areas:
    """What is known of N areas so far.

    Attributes:
        sizes: Pixels of each, int64 (N,).
        boxes: Its first row, first column, the row below its last and the column behind its last, int64 (N, 4).
        sums: Of each plane that was added with the mask, the sum over the area's pixels, float64 (N, planes).
    """

    sizes: NDArray[np.int64]
    boxes: NDArray[np.int64]
    sums: NDArray[np.float64]

    def joined(self, others: Areas, groups: NDArray[np.int64], count: int) -> Areas:
        """These and others, in groups: group number `groups[i]` is made of area i."""
        sizes = np.bincount(groups, np.concatenate([self.sizes, others.sizes]), count).astype(np.int64)
        before = np.concatenate([self.boxes, others.boxes])
        boxes = np.repeat(np.array([[2**62, 2**62, 0, 0]]), count, axis=0)
        for side, spread in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
            spread.at(boxes[:, side], groups, before[:, side])
        sums = [np.bincount(groups, plane, count) for plane in np.concatenate([self.sums, others.sums]).T]
        return Areas(sizes, boxes, np.array(sums, np.float64).reshape(len(sums), count).T)

    def chosen(self, which: NDArray[np.bool_]) -> Areas:
        """Some of them."""
        return Areas(self.sizes[which], self.boxes[which], self.sums[which])


@dataclass(frozen=True, slots=True)
class Band:
    """A band of rows, and all areas that have a part in it.

    Attributes:
        top: Its first row.
        labels: A number for each connected area within the band, 0 for the rest.
        windows: First row, first column, the row below and the column behind of each of those, within the band, int64 (n, 4).
        groups: The index in `areas` of each of them, and so of the label 1 + i.
        earlier: The index in `areas` of each area that was open before, in the order that these had in the `areas` of the band before.
        areas: With all of their rows so far.
        is_open: Whether an area reaches the band's last row.
    """

    top: int
    labels: LabelArray
    windows: NDArray[np.int64]
    groups: NDArray[np.int64]
    earlier: NDArray[np.int64]
    areas: Areas
    is_open: NDArray[np.bool_]

    def pixels(self, which: NDArray[np.bool_]) -> MaskArray:
        """The band's pixels of some of the areas."""
        return np.asarray(np.concatenate(([False], which[self.groups]))[self.labels], dtype=np.bool_)


class OpenAreas:
    """Labels band after band.

    Args:
        connectivity: Neighbours of a pixel.

    Example:
        >>> areas, rows = OpenAreas(8), np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
        >>> areas.add(rows[:1]).is_open.tolist()
        [True, True]
        >>> band = areas.add(rows[1:])
        >>> band.is_open.tolist(), band.areas.sizes.tolist(), band.areas.boxes.tolist()
        ([False, False], [2, 2], [[0, 0, 2, 2], [0, 3, 2, 4]])
    """

    def __init__(self, connectivity: Literal[4, 8]) -> None:
        self._connectivity: Literal[4, 8] = connectivity
        self._top = 0
        self._last: NDArray[np.int64] | None = None  # of the last row's pixels, the place in `_open`; -1 outside of areas
        self._open: Areas | None = None

    def add(self, mask: MaskArray, planes: Sequence[NDArray[np.float32 | np.uint8]] = ()) -> Band:
        """Add rows (h, W), and planes (h, W) whose sums over areas are wanted: as many each time."""
        labels, windows, found = _labelled(mask, planes, self._top, self._connectivity)
        before = found.chosen(np.zeros(len(windows), np.bool_)) if self._open is None else self._open
        count, groups = _groups(self._pairs(labels[0]), len(before.sizes), len(windows))
        earlier, groups = groups[: len(before.sizes)], groups[len(before.sizes) :]
        areas = before.joined(found, np.concatenate([earlier, groups]), count)
        last = np.concatenate(([-1], groups))[labels[-1]]
        is_open = np.zeros(count, np.bool_)
        is_open[last[last >= 0]] = True
        self._last, self._open = np.where(last < 0, -1, (np.cumsum(is_open) - 1)[last] if count else -1), areas.chosen(is_open)
        band = Band(self._top, labels, windows, groups, earlier, areas, is_open)
        self._top += len(mask)
        return band

    def _pairs(self, first: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the open areas, and which label of the row below, are neighbours."""
        if self._last is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        width, reach = len(first), 1 if self._connectivity == 8 else 0
        above, below = [], []
        for shift in range(-reach, reach + 1):
            upper, lower = self._last[max(0, -shift) : width - max(0, shift)], first[max(0, shift) : width - max(0, -shift)]
            meet = (upper >= 0) & (lower > 0)
            above.append(upper[meet])
            below.append(lower[meet].astype(np.int64) - 1)
        return np.concatenate(above), np.concatenate(below)


def _labelled(
    mask: MaskArray, planes: Sequence[NDArray[np.float32 | np.uint8]], top: int, connectivity: Literal[4, 8]
) -> tuple[LabelArray, NDArray[np.int64], Areas]:
    """A band's labels, the windows of its areas, and these as if there were no other rows."""
    levels = np.ascontiguousarray(mask).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(levels, connectivity=connectivity, ltype=cv2.CV_32S)
    left, upper, width, height, sizes = np.asarray(stats[1:], np.int64).T
    windows = np.stack([upper, left, upper + height, left + width], axis=1)
    inside = labels[mask] if planes else labels[:0]
    sums = [np.bincount(inside, plane[mask], count)[1:] for plane in planes]
    areas = Areas(sizes, windows + np.array([top, 0, top, 0]), np.array(sums, np.float64).reshape(len(sums), count - 1).T)
    return np.asarray(labels, dtype=np.int32), windows, areas


def _groups(pairs: tuple[NDArray[np.int64], NDArray[np.int64]], before: int, found: int) -> tuple[int, NDArray[np.int64]]:
    """How many areas there are when those of each pair are one, and which of these each is: those from before, then those found."""
    if not len(pairs[0]):
        return before + found, np.arange(before + found)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = (pairs[0], before + pairs[1])
    graph = coo_matrix((np.ones(len(pairs[0]), np.bool_), ends), shape=(before + found, before + found))
    count, groups = connected_components(graph, directed=False)
    return int(count), np.asarray(groups, dtype=np.int64)
