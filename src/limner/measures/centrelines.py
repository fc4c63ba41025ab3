"""From a mask of thin structures to their centrelines: a graph of segments, cut where they branch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.imaging.instances import connected_areas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from limner.types import MaskArray


_SIGMA = 2.0  # pixels: centrelines go in steps of a whole pixel, and what is a step and what is a bend shows on about this scale
_REACH = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of centreline between two branch points or ends; smoothed, so that its length does not depend on its direction.

    Attributes:
        length: Along the line, in pixels.
        chord: From its one end straight to the other; 0 for a ring.
    """

    length: float
    chord: float


@dataclass(frozen=True, slots=True)
class Centrelines:
    """The centrelines of a mask.

    Attributes:
        segments: All of them, in no particular order.
        branch_points: Number of places at which three or more of them meet.
        end_points: Number of loose ends.
    """

    segments: tuple[Segment, ...]
    branch_points: int
    end_points: int


def trace_centrelines(mask: MaskArray) -> Centrelines:
    """Thin a mask to lines one pixel wide (scikit-image's skeleton, after Zhang and Suen) and follow them.

    Neighbouring pixels are joined; a diagonal step is none where the same two pixels are joined by straight ones. A pixel with three or
    more neighbours branches, and those that touch are one branch point. What comes of an area that is thinned to a single pixel has no
    length and is left out.

    Args:
        mask: bool, (H, W).

    Example:
        >>> cross = np.zeros((21, 21), bool)
        >>> cross[10] = cross[:, 10] = True
        >>> found = trace_centrelines(cross)
        >>> len(found.segments), found.branch_points, found.end_points, round(sum(segment.length for segment in found.segments), 3)
        (4, 1, 4, 40.0)
    """
    from skimage.morphology import skeletonize  # takes longer to import than all the rest

    skeleton = np.asarray(skeletonize(mask), dtype=np.bool_)  # type: ignore[no-untyped-call]
    points = np.argwhere(skeleton)
    neighbours = _neighbours(skeleton, len(points))
    degree = np.array([len(near) for near in neighbours], dtype=np.int64)
    junctions = _junctions(skeleton, points, degree)
    places = points.astype(np.float64)
    for junction in range(1, junctions.max(initial=0) + 1):
        places[junctions == junction] = places[junctions == junction].mean(axis=0)
    open_lines = [_segment(places[path]) for path in _paths(neighbours, degree, junctions)]
    rings = [_segment(places[path], closed=True) for path in _rings(neighbours, degree)]
    return Centrelines((*open_lines, *rings), int(junctions.max(initial=0)), int(np.count_nonzero(degree == 1)))


def _neighbours(skeleton: MaskArray, count: int) -> Sequence[Sequence[int]]:
    """The neighbours of each pixel, as their places in the list of all."""
    number = np.full(skeleton.shape, -1, np.int64)
    number[skeleton] = np.arange(count)
    s = skeleton
    steps = [
        (s[:, :-1] & s[:, 1:], number[:, :-1], number[:, 1:]),
        (s[:-1] & s[1:], number[:-1], number[1:]),
        (s[:-1, :-1] & s[1:, 1:] & ~(s[:-1, 1:] | s[1:, :-1]), number[:-1, :-1], number[1:, 1:]),
        (s[:-1, 1:] & s[1:, :-1] & ~(s[:-1, :-1] | s[1:, 1:]), number[:-1, 1:], number[1:, :-1]),
    ]
    near: list[list[int]] = [[] for _ in range(count)]
    for joined, ones, others in steps:
        for one, other in zip(ones[joined].tolist(), others[joined].tolist(), strict=True):
            near[one].append(other)
            near[other].append(one)
    return near


def _junctions(skeleton: MaskArray, points: NDArray[np.int64], degree: NDArray[np.int64]) -> NDArray[np.int32]:
    """For each pixel, which branch point it belongs to, from 1 on; 0 for none."""
    branching = np.zeros(skeleton.shape, np.bool_)
    branching[tuple(points[degree > 2].T)] = True
    return np.asarray(connected_areas(branching)[tuple(points.T)])


def _paths(neighbours: Sequence[Sequence[int]], degree: NDArray[np.int64], junctions: NDArray[np.int32]) -> Iterator[list[int]]:
    """The pixels of each segment from branch point or end to branch point or end, both included."""
    walked: dict[int, set[int]] = defaultdict(set)
    for start in np.flatnonzero((degree != 2) & (degree > 0)).tolist():
        for first in neighbours[start]:
            if first in walked[start] or (junctions[start] and junctions[start] == junctions[first]):
                continue
            path = _walk(start, first, neighbours)
            walked[path[-1]].add(path[-2])  # so that it is not walked backwards, too
            yield path


def _walk(start: int, first: int, neighbours: Sequence[Sequence[int]]) -> list[int]:
    path = [start, first]
    while len(near := neighbours[path[-1]]) == 2 and path[-1] != start:
        path.append(near[1] if near[0] == path[-2] else near[0])
    return path


def _rings(neighbours: Sequence[Sequence[int]], degree: NDArray[np.int64]) -> Iterator[list[int]]:
    """The pixels of each line without end or branch, the first not repeated."""
    left = set(np.flatnonzero(degree == 2).tolist())
    for start in np.flatnonzero((degree != 2) & (degree > 0)).tolist():
        for first in neighbours[start]:
            left.difference_update(_walk(start, first, neighbours))
    while left:
        start = min(left)
        path = _walk(start, neighbours[start][0], neighbours)[:-1]
        left.difference_update(path)
        yield path


def _segment(places: NDArray[np.float64], *, closed: bool = False) -> Segment:
    smooth = _smoothed(places, closed=closed)
    length = float(np.hypot(*np.diff(smooth, axis=0).T).sum())
    return Segment(length, 0.0 if closed else float(np.hypot(*(smooth[-1] - smooth[0]))))


def _smoothed(places: NDArray[np.float64], *, closed: bool) -> NDArray[np.float64]:
    """A line (N, 2) through a Gaussian. Its ends stay where they are: it goes on beyond them as its mirror image in that point."""
    reach = min(_REACH, len(places) - 1)
    if closed:
        around = np.concatenate([places[-reach:], places, places[: reach + 1]])
    else:
        before, after = 2 * places[0] - places[reach:0:-1], 2 * places[-1] - places[-2 : -reach - 2 : -1]
        around = np.concatenate([before, places, after])
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SIGMA) ** 2)
    return np.stack([np.convolve(column, weights / weights.sum(), mode="valid") for column in around.T], axis=1)
