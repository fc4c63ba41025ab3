"""Objects in pieces: what lies in each band of rows is kept packed, until the last band of the object is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from limner.imaging.open_areas import Band
    from limner.types import MaskArray

_LARGE = 4096  # bytes, from which on it is worth a look whether runs take less


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an object.

    Attributes:
        top: Its first row.
        left: Its first column.
        size: Height and width of its window.
        bits: Its pixels within the window: uint8, a bit each; or int32, where values change in the rows one after the other.
        values: Of each plane, what it says in these pixels, row by row.
    """

    top: int
    left: int
    size: tuple[int, int]
    bits: NDArray[Any]
    values: tuple[NDArray[Any], ...] = ()

    @classmethod
    def of(cls, mask: MaskArray, top: int, left: int, values: tuple[NDArray[Any], ...] = ()) -> Self:
        """Pack a mask, the one way or the other: whichever is smaller.

        Example:
            >>> mask = np.random.default_rng(0).random((9, 14)) < 0.5
            >>> bool((Piece.of(mask, 0, 0).mask == mask).all())
            True
        """
        bits: NDArray[Any] = np.packbits(mask)
        if bits.nbytes > _LARGE and (changes := _changes(mask)).nbytes < bits.nbytes:
            bits = changes
        return cls(top, left, (mask.shape[0], mask.shape[1]), bits, values)

    @property
    def mask(self) -> MaskArray:
        """Its pixels within its window."""
        height, width = self.size
        if self.bits.dtype == np.uint8:
            return np.unpackbits(self.bits, count=height * width).view(np.bool_).reshape(self.size)
        steps = np.zeros(height * (width + 1), np.int8)
        steps[self.bits[0::2]], steps[self.bits[1::2]] = 1, -1
        return np.cumsum(steps, dtype=np.int8).view(np.bool_).reshape(height, width + 1)[:, :-1]

    def window_in(self, box: Sequence[int]) -> tuple[slice, slice]:
        """Where it lies in a box that begins with this row and column."""
        top, left = self.top - box[0], self.left - box[1]
        return slice(top, top + self.size[0]), slice(left, left + self.size[1])


def _changes(mask: MaskArray) -> NDArray[np.int32]:
    """Where runs begin and end, the rows laid out one after the other with a gap between them."""
    rows = np.zeros((mask.shape[0], mask.shape[1] + 1), np.bool_)
    rows[:, :-1] = mask
    flat = rows.ravel()
    return np.flatnonzero(np.diff(flat, prepend=False)).astype(np.int32)


def assembled(pieces: Iterable[Piece], box: Sequence[int], factor: int = 1) -> MaskArray:
    """The mask of an object within its box, or shrunk: a pixel of the result is set where any of those that it stands for is.

    Args:
        pieces: Of the object.
        box: Its first row, first column, the row below its last and the column behind its last.
        factor: Side of the square of pixels that become one.
    """
    height, width = (-(-(stop - start) // factor) for start, stop in ((box[0], box[2]), (box[1], box[3])))
    whole = np.zeros((height, width), np.bool_)
    for piece in pieces:
        rows, columns = piece.window_in(box)
        if factor == 1:
            whole[rows, columns] |= piece.mask
        else:
            spare = [(side.start % factor, -side.stop % factor) for side in (rows, columns)]
            padded = np.pad(piece.mask, spare)
            squares = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
            top, left = rows.start // factor, columns.start // factor
            whole[top : top + squares.shape[0], left : left + squares.shape[2]] |= squares.any(axis=(1, 3))
    return whole


def plane_of(pieces: Iterable[Piece], box: Sequence[int], index: int) -> NDArray[Any] | None:
    """What a plane says in the pixels of an object, 0 outside of it; None where that was not kept."""
    plane: NDArray[Any] | None = None
    for piece in pieces:
        if not piece.values:
            return None
        if plane is None:
            plane = np.zeros((box[2] - box[0], box[3] - box[1]), piece.values[index].dtype)
        plane[piece.window_in(box)][piece.mask] = piece.values[index]
    return plane


class OpenPieces:
    """The pieces of objects that may go on in the next band.

    Args:
        most: Of objects in a larger box, in pixels, the values of planes are dropped.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._open: list[list[Piece]] = []

    @property
    def held(self) -> int:
        """How many pieces wait for others."""
        return sum(map(len, self._open))

    def add(self, band: Band, wanted: NDArray[np.bool_], planes: Sequence[NDArray[Any]] = ()) -> Iterator[tuple[int, list[Piece]]]:
        """Take a band; the places in `band.areas`, and all pieces, of those areas that are complete and wanted.

        It must be asked for all of them before the next band is added.
        """
        boxes = band.areas.boxes
        planes = planes if self._most else ()
        small = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) <= self._most
        needed = band.is_open | wanted
        parts = np.bincount(np.concatenate([band.groups, band.earlier]), minlength=len(needed))
        several: defaultdict[int, list[Piece]] = defaultdict(list)
        for group, pieces in zip(band.earlier.tolist(), self._open, strict=True):
            if needed[group]:
                several[group] += pieces if small[group] else [replace(piece, values=()) for piece in pieces]
        for label in np.flatnonzero(needed[band.groups]) + 1:
            group = int(band.groups[label - 1])
            piece = _cut_out(band, int(label), planes if small[group] else ())
            if parts[group] == 1 and not band.is_open[group]:
                yield group, [piece]
            else:
                several[group].append(piece)
        self._open = [several.pop(group) for group in np.flatnonzero(band.is_open).tolist()]
        yield from several.items()

    def finish(self) -> list[list[Piece]]:
        """The pieces of what is still open, in the order of the last band's `areas`."""
        pieces, self._open = self._open, []
        return pieces


def _cut_out(band: Band, label: int, planes: Sequence[NDArray[Any]]) -> Piece:
    top, left, bottom, right = band.windows[label - 1].tolist()
    window = np.s_[top:bottom, left:right]
    mask = band.labels[window] == label
    return Piece.of(mask, band.top + top, left, tuple(plane[window][mask] for plane in planes))
