"""The objects of a slide, one after the other as they are complete: cut, numbered, outlined and measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import cv2
import numpy as np

from limner.imaging.contours import Outline, Part, trace_objects
from limner.imaging.open_areas import Areas, OpenAreas
from limner.imaging.pieces import OpenPieces, assembled, plane_of
from limner.measures import measure_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from limner.imaging.pieces import Piece
    from limner.measures import ObjectMeasures
    from limner.types import ImageArray, LabelArray, MaskArray, ProbArray

    # The mask of one object, and the slide's row and column where it begins -> numbers 1 to N of the objects that touch in it.
    Cut: TypeAlias = Callable[[MaskArray, int, int], LabelArray]
    # First row and number of rows -> the slide's pixels there.
    ReadRows: TypeAlias = Callable[[int, int], ImageArray]

MOST_CUT: Final = 4_000_000  # pixels of the box of an object that is cut (which takes 120 bytes each), and measured as it is
MOST_TRACED: Final = 16_000_000  # and of one that is outlined as it is


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of each object.

    Attributes:
        outlined: Gets its outline on the slide, the number of its pixels, and its mean probability.
        measured: Gets what is measured of it.
    """

    outlined: Callable[[Outline, int, float], None] | None = None
    measured: Callable[[ObjectMeasures], None] | None = None


@dataclass(frozen=True, slots=True)
class _Whole:
    """An object with all its pieces: its size, its box, and the sums of probabilities (and grey levels) in it."""

    size: int
    box: tuple[int, int, int, int]
    sums: NDArray[np.float64]
    pieces: list[Piece]

    @property
    def box_size(self) -> int:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    def shrinking(self, most: int) -> int:
        """Side of the squares of pixels that become one, so that no more than `most` are left of the box."""
        return math.ceil(math.sqrt(self.box_size / most))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What an object is cut into, or itself: numbers in its box, which may be shrunk; and the exact size and sums of each."""

    labels: LabelArray
    box: tuple[int, int, int, int]
    factor: int
    sizes: NDArray[np.int64]
    sums: NDArray[np.float64]

    def exactly(self, label: int) -> tuple[float, ...]:
        """Number of pixels, and the means."""
        size = int(self.sizes[label - 1])
        return size, *(self.sums[label - 1] / size).tolist()


class SlideObjects:
    """Finds the objects in the rows of a mask, from the top down; numbers them in the order in which they are complete.

    An object is a connected area, of eight neighbours, or a part of one that is cut. One whose box is large would take too much memory: it
    is not cut, and outlined and measured on a copy that is smaller by a whole factor. Its area, its box and the means in it are exact.

    Args:
        told: Who is told of them. Where nobody is, and nothing is cut, they are only counted.
        cut: Tells apart what touches; None for nothing.
        read: Reads the slide, for the grey levels of what is measured.

    Attributes:
        count: Objects so far.
        uncut: Of these, how many were too large to be cut.
        coarse: And how many were outlined or measured on a smaller copy.
    """

    def __init__(self, told: Listeners, *, cut: Cut | None = None, read: ReadRows | None = None) -> None:
        self._told, self._cut, self._read = told, cut, read
        self._is_told = told.outlined is not None or told.measured is not None
        self._areas, self._pieces = OpenAreas(8), OpenPieces(MOST_CUT if cut else 0)
        self._open: Areas | None = None
        self.count = self.uncut = self.coarse = 0

    @property
    def held(self) -> int:
        """How many pieces of objects wait for others."""
        return self._pieces.held

    def add(self, mask: MaskArray, probs: ProbArray, top: int) -> None:
        """Take rows (h, W) of the mask and the probabilities, the first of which is the slide's row `top`."""
        planes = self._planes(mask, probs, top)
        band = self._areas.add(mask, planes)
        self._open = band.areas.chosen(band.is_open)
        if not (self._is_told or self._cut):
            self.count += int(np.count_nonzero(~band.is_open))
            return
        for group, pieces in self._pieces.add(band, ~band.is_open, planes):
            self._tell(_whole(band.areas, group, pieces))

    def finish(self) -> None:
        """What is open is complete: there are no more rows."""
        if self._open is None:
            return
        if not (self._is_told or self._cut):
            self.count += len(self._open.sizes)
        for index, pieces in enumerate(self._pieces.finish()):
            self._tell(_whole(self._open, index, pieces))

    def _planes(self, mask: MaskArray, probs: ProbArray, top: int) -> tuple[NDArray[np.float32 | np.uint8], ...]:
        if self._told.measured is None:
            return (probs,) if self._is_told else ()
        if self._read is None or not mask.any():
            return probs, np.zeros(mask.shape, np.uint8)
        return probs, np.asarray(cv2.cvtColor(self._read(top, len(mask)), cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def _tell(self, whole: _Whole) -> None:
        if self._cut is not None and whole.box_size <= MOST_CUT:
            labels = self._cut(assembled(whole.pieces, whole.box), *whole.box[:2])
            parts = _Parts(labels, whole.box, 1, np.bincount(labels.ravel())[1:], _sums(labels, whole))
            self._outline(parts)
            self._measure(parts)
            self.count += len(parts.sizes)
        else:
            self.uncut += self._cut is not None
            self._tell_single(whole)
            self.count += 1

    def _tell_single(self, whole: _Whole) -> None:
        """An object that is not cut."""
        outlined, measured = whole.shrinking(MOST_TRACED), whole.shrinking(MOST_CUT)
        self.coarse += (measured if self._told.measured else outlined) > 1
        part = _single(whole, outlined)
        self._outline(part)
        self._measure(part if measured == outlined else _single(whole, measured))

    def _outline(self, parts: _Parts) -> None:
        if self._told.outlined is None:
            return
        for one in trace_objects(parts.labels):
            area, mean, *_ = parts.exactly(one.label)
            self._told.outlined(_placed(one, self.count + one.label, parts), int(area), mean)

    def _measure(self, parts: _Parts) -> None:
        if self._told.measured is None:
            return
        nothing = np.zeros((*parts.labels.shape, 3), np.uint8)  # means come from the sums
        for one in measure_objects(parts.labels, nothing, nothing[..., 0].astype(np.float32)):
            area, prob, grey = parts.exactly(one.label)
            found = replace(one, label=self.count + one.label, area=int(area), mean_prob=prob, mean_intensity=grey)
            self._told.measured(_enlarged(found, parts))


def _whole(areas: Areas, index: int, pieces: list[Piece]) -> _Whole:
    top, left, bottom, right = areas.boxes[index].tolist()
    return _Whole(int(areas.sizes[index]), (top, left, bottom, right), areas.sums[index], pieces)


def _single(whole: _Whole, factor: int) -> _Parts:
    labels = assembled(whole.pieces, whole.box, factor).astype(np.int32)
    return _Parts(labels, whole.box, factor, np.array([whole.size]), whole.sums[None])


def _sums(labels: LabelArray, whole: _Whole) -> NDArray[np.float64]:
    """Of each part of an object the sums that are kept for it."""
    planes = (plane_of(whole.pieces, whole.box, index) for index in range(len(whole.sums)))
    return np.array([np.bincount(labels.ravel(), plane.ravel())[1:] for plane in planes if plane is not None]).T


def _placed(one: Outline, label: int, parts: _Parts) -> Outline:
    """An outline in a box, as one on the slide."""
    top, left, bottom, right = parts.box
    size, corner = np.array([right - left, bottom - top], np.int32), np.array([left, top], np.int32)

    def moved(ring: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.minimum(ring * parts.factor, size) + corner  # the last pixel of a smaller copy may stand for fewer than the others

    rows, columns = (
        slice(side.start * parts.factor + start, side.stop * parts.factor + start)
        for side, start in zip(one.window, (top, left), strict=True)
    )
    traced = tuple(Part(moved(part.shell), tuple(map(moved, part.holes))) for part in one.parts)
    return Outline(label, (rows, columns), one.mask, traced)


def _enlarged(one: ObjectMeasures, parts: _Parts) -> ObjectMeasures:
    """What was measured in a box, as it is on the slide."""
    factor, (first, start, below, behind) = parts.factor, parts.box
    perimeter = one.perimeter * factor
    left, top, width, height = (side * factor for side in one.box)
    return replace(
        one,
        perimeter=perimeter,
        feret=one.feret * factor,
        circularity=min(1.0, 4 * math.pi * one.area / perimeter**2),
        centroid=(start + one.centroid[0] * factor, first + one.centroid[1] * factor),
        box=(start + left, first + top, min(width, behind - start - left), min(height, below - first - top)),
    )
