"""From objects to their outlines, along the edges of their pixels: whoever fills such a polygon gets the very same pixels back.

Coordinates are continuous: (0, 0) is the upper left corner of the image, and the pixel in row r and column c covers the square from (c, r)
to (c + 1, r + 1). Outlines through the midst of pixels, as OpenCV's, would be half a pixel too small all around.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from limner.types import LabelArray, MaskArray

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Part:
    """One connected area (of four neighbours) of an object. Rings are int32 (N, 2): x and y of their corners, the first not repeated.

    No ring touches itself; rings meet in single points at most. So these are simple features as geographic tools ask for them.

    Attributes:
        shell: The outer ring, clockwise as seen on the screen.
        holes: The rings of holes, counter-clockwise.
    """

    shell: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one object.

    Attributes:
        label: Its number.
        window: The rows and columns that hold it.
        mask: Its pixels within the window, bool.
        parts: Its connected areas. Of eight neighbours they may be one.
    """

    label: int
    window: Window
    mask: MaskArray
    parts: tuple[Part, ...]

    @property
    def has_holes(self) -> bool:
        """Whether a part of it has a hole."""
        return any(part.holes for part in self.parts)


def trace_objects(objects: LabelArray) -> Iterator[Outline]:
    """The outlines of all objects, by their numbers.

    Args:
        objects: A number for each object, (H, W); 0 is the ground.

    Example:
        >>> [one] = trace_objects(np.pad(np.full((2, 3), 7, np.int32), 1))
        >>> one.label, one.parts[0].shell.tolist()
        (7, [[1, 1], [4, 1], [4, 3], [1, 3]])
    """
    for label, window in windows(objects):
        mask = np.asarray(objects[window] == label)
        yield Outline(label, window, mask, tuple(_parts(mask, (window[0].start, window[1].start))))


def windows(objects: LabelArray) -> Iterator[tuple[int, Window]]:
    """Each object's number, and the rows and columns that hold it."""
    from scipy.ndimage import find_objects

    return ((label, found) for label, found in enumerate(find_objects(objects), start=1) if found is not None)


def _parts(mask: MaskArray, corner: tuple[int, int]) -> Iterator[Part]:
    """The connected areas of a mask whose upper left corner lies in this row and column of the image."""
    import cv2

    count, areas, boxes, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask).view(np.uint8), connectivity=4)
    for area in range(1, count):
        left, top, width, height = (int(value) for value in boxes[area, :4])
        shell, *holes = _rings(areas[top : top + height, left : left + width] == area)
        offset = np.array([corner[1] + left, corner[0] + top], np.int32)
        yield Part(_turning(shell, 1) + offset, tuple(_turning(hole, -1) + offset for hole in holes))


def _rings(mask: MaskArray) -> list[NDArray[np.int32]]:
    """The rings around one connected area, the outer one first."""
    corners, across, along = _corners(mask)
    left = np.ones(len(corners), np.bool_)
    rings = []
    for start in range(len(corners)):  # they are sorted by row, so the first corner of all lies on the outer ring
        if left[start]:
            walk = _walk(start, across, along)
            left[walk] = False
            rings += _simple(walk, corners)
    return rings


def _corners(mask: MaskArray) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The corners (N, 2) of a mask's outlines, x and y, and for each the one that it is joined to across, and along the column.

    Outlines with right angles are known from their corners alone: of those in one row, sorted by column, each two that follow one another
    are the ends of an edge; and likewise of those in one column (O'Rourke, Uniqueness of orthogonal connect-the-dots, 1988). Where two
    pixels touch in a point, two corners coincide, each belonging to one of the pixels.
    """
    padded = np.pad(mask, 1)
    upper_left, upper_right, lower_left, lower_right = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    single = upper_left ^ upper_right ^ lower_left ^ lower_right
    double = (upper_left == lower_right) & (upper_right == lower_left) & (upper_left != upper_right)
    rows, columns = np.nonzero(single | double)
    twice = double[rows, columns]
    rising = np.repeat(upper_right[rows, columns] & twice, 1 + twice)  # the pixels that touch lie to the upper right and lower left
    places = np.repeat(np.stack([columns, rows], axis=1).astype(np.int32), 1 + twice, axis=0)
    second = np.concatenate(([False], (places[1:] == places[:-1]).all(axis=1)))
    across = _partners(np.arange(len(places)))
    along = _partners(np.lexsort((second ^ rising, places[:, 1], places[:, 0])))
    return places, across, along


def _partners(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of things in an order, the first belongs to the second, the third to the fourth, and so on."""
    partners = np.empty(len(order), np.int64)
    partners[order[0::2]], partners[order[1::2]] = order[1::2], order[0::2]
    return partners


def _walk(start: int, across: NDArray[np.int64], along: NDArray[np.int64]) -> list[int]:
    walk, here = [], start
    while True:
        there = int(across[here])
        walk += [here, there]
        here = int(along[there])
        if here == start:
            return walk


def _simple(walk: list[int], corners: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """A closed walk, cut into rings that meet no point twice; that of its first corner comes first."""
    points = corners[walk]
    path: list[tuple[int, int]] = []
    places: dict[tuple[int, int], int] = {}
    rings = []
    for point in map(tuple, points.tolist()):
        if point in places:
            loop = path[places[point] :]
            del path[places[point] :]
            for passed in loop:
                del places[passed]
            rings.append(np.array(loop, np.int32))
        places[point] = len(path)
        path.append(point)
    return [np.array(path, np.int32), *rings]


def _turning(ring: NDArray[np.int32], sign: int) -> NDArray[np.int32]:
    """A ring in the direction in which its area, with y downwards, has this sign."""
    x, y = ring.T.astype(np.int64)
    area = int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    return ring if area * sign > 0 else np.roll(ring[::-1], 1, axis=0)
