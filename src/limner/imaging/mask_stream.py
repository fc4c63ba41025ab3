"""Opening, filling of holes, and removal of areas, of a mask too large for the memory.

Rows go in from the top down, and come out as soon as no later row can change them. The result is that of the whole mask, to the pixel.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from limner.imaging.open_areas import Areas, OpenAreas
from limner.imaging.pieces import OpenPieces, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from limner.imaging.open_areas import Band
    from limner.types import MaskArray


class Step(Protocol):
    """Changes a mask whose rows come one band after the other. As many rows come out as went in."""

    def add(self, mask: MaskArray) -> Iterable[MaskArray]:
        """Take rows (h, W), and give those that are done."""

    def finish(self) -> Iterable[MaskArray]:
        """Give the rest: there are no more rows."""


class Local:
    """A change of a mask by which no pixel changes another that lies further off than some rows.

    Args:
        change: Of some rows of the mask: what lies beyond them is taken for what lies beyond the picture.
        reach: That many rows.
    """

    def __init__(self, change: Callable[[MaskArray], MaskArray], reach: int) -> None:
        self._change, self._reach = change, reach
        self._rows: MaskArray | None = None
        self._above = 0  # rows of these that are done, and needed for the next ones

    def add(self, mask: MaskArray) -> Iterator[MaskArray]:
        self._rows = mask if self._rows is None else np.concatenate([self._rows, mask])
        stop = len(self._rows) - self._reach
        if stop > self._above:
            yield self._change(self._rows)[self._above : stop]
            kept = max(0, stop - self._reach)
            self._rows, self._above = self._rows[kept:].copy(), stop - kept

    def finish(self) -> Iterator[MaskArray]:
        if self._rows is not None and len(self._rows) > self._above:
            yield self._change(self._rows)[self._above :]


class Kept:
    """Removes areas of fewer than `least` pixels, of eight neighbours."""

    def __init__(self, least: int) -> None:
        self._small = _WithoutSmall(least, connectivity=8, at_border=False)

    def add(self, mask: MaskArray) -> Iterator[MaskArray]:
        return self._small.add(mask)

    def finish(self) -> Iterator[MaskArray]:
        return self._small.finish()


class Filled:
    """Fills holes of at most `most` pixels: areas of the ground, of four neighbours, that do not reach the picture's border."""

    def __init__(self, most: int) -> None:
        self._ground = _WithoutSmall(most + 1, connectivity=4, at_border=True)

    def add(self, mask: MaskArray) -> Iterator[MaskArray]:
        return (~rows for rows in self._ground.add(~mask))

    def finish(self) -> Iterator[MaskArray]:
        return (~rows for rows in self._ground.finish())


class Largest:
    """Keeps the largest area, of eight neighbours; of equally large ones that which begins furthest up, then furthest left.

    All rows come at the end. Until then it holds the pieces of the largest area so far, and of those that are not complete.
    """

    def __init__(self) -> None:
        self._areas, self._pieces = OpenAreas(8), OpenPieces()
        self._best: list[Piece] = []
        self._rank: tuple[int, int, int] = (0, 0, 0)  # size, then how far up and how far left it begins
        self._open: Areas | None = None
        self._bands: list[tuple[int, int]] = []  # height and width of what went in

    def add(self, mask: MaskArray) -> tuple[MaskArray, ...]:
        self._bands.append((mask.shape[0], mask.shape[1]))
        band = self._areas.add(mask)
        for group, pieces in self._pieces.add(band, self._may_win(band)):
            self._judge(band.areas, group, pieces)
        self._open = band.areas.chosen(band.is_open)
        return ()

    def finish(self) -> Iterator[MaskArray]:
        for index, pieces in enumerate(self._pieces.finish()):
            if self._open is not None:
                self._judge(self._open, index, pieces)
        top = 0
        for height, width in self._bands:
            rows = np.zeros((height, width), np.bool_)
            for piece in self._best:
                if top <= piece.top < top + height:
                    rows[piece.window_in((top, 0))] |= piece.mask
            yield rows
            top += height

    def _may_win(self, band: Band) -> NDArray[np.bool_]:
        """Of the areas that are complete, those than which none is larger."""
        sizes = np.where(band.is_open, 0, band.areas.sizes)
        return np.asarray(sizes >= max(self._rank[0], sizes.max(initial=1)))

    def _judge(self, areas: Areas, index: int, pieces: list[Piece]) -> None:
        rank = (int(areas.sizes[index]), -int(areas.boxes[index, 0]), -int(areas.boxes[index, 1]))
        if rank > self._rank:
            self._best, self._rank = pieces, rank


class _Held:
    """A band of rows that waits, packed."""

    def __init__(self, mask: MaskArray) -> None:
        self._bits, self._width, self._gone = np.packbits(mask, axis=1), mask.shape[1], [np.empty(0, np.int64)]

    def remove(self, positions: NDArray[np.int64]) -> None:
        self._gone.append(positions)

    def rows(self) -> MaskArray:
        mask = np.unpackbits(self._bits, axis=1, count=self._width).view(np.bool_)
        mask.ravel()[np.concatenate(self._gone)] = False
        return mask


class _WithoutSmall:
    """Removes areas of fewer than `least` pixels. Rows wait while areas in them are small and may go on.

    Args:
        least: In pixels.
        connectivity: Neighbours of a pixel.
        at_border: Whether areas at the picture's border stay, however small.
    """

    def __init__(self, least: int, *, connectivity: Literal[4, 8], at_border: bool) -> None:
        self._least, self._at_border = least, at_border
        self._areas = OpenAreas(connectivity)
        self._held: deque[_Held] = deque()
        self._first = 0  # number of the first band that is held
        self._waiting: list[_Parts] = []  # of each open area, if it is small so far

    def add(self, mask: MaskArray) -> Iterator[MaskArray]:
        band = self._areas.add(mask)
        small = self._are_small(band.areas, mask.shape[1])
        gone, undecided = small & ~band.is_open, small & band.is_open
        parts: dict[int, _Parts] = {group: [] for group in np.flatnonzero(undecided).tolist()}
        for group, earlier in zip(band.earlier.tolist(), self._waiting, strict=True):
            if gone[group]:
                self._remove(earlier)
            elif undecided[group]:
                parts[group] += earlier
        number = self._first + len(self._held)
        self._held.append(_Held(mask & ~band.pixels(gone) if gone.any() else mask))
        for group, positions in _positions(band, undecided):
            parts[group].append((number, positions))
        self._waiting = [parts.get(group, []) for group in np.flatnonzero(band.is_open).tolist()]
        yield from self._release(min((one[0][0] for one in self._waiting if one), default=number + 1))

    def finish(self) -> Iterator[MaskArray]:
        if not self._at_border:
            for parts in self._waiting:
                self._remove(parts)
        self._waiting = []
        yield from self._release(self._first + len(self._held))

    def _are_small(self, areas: Areas, width: int) -> NDArray[np.bool_]:
        small = areas.sizes < self._least
        if self._at_border:
            top, left, _, right = areas.boxes.T
            small &= (top > 0) & (left > 0) & (right < width)
        return np.asarray(small)

    def _remove(self, parts: _Parts) -> None:
        for number, positions in parts:
            self._held[number - self._first].remove(positions)

    def _release(self, until: int) -> Iterator[MaskArray]:
        while self._first < until:
            self._first += 1
            yield self._held.popleft().rows()


_Parts = list[tuple[int, "NDArray[np.int64]"]]  # number of a band, and pixels in it, counted row by row


def _positions(band: Band, which: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The band's pixels of each of some areas, counted row by row."""
    if not which.any():
        return
    found = np.flatnonzero(band.pixels(which))
    owners = band.groups[band.labels.ravel()[found] - 1]
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    for start, positions in zip(starts, np.split(found[order], starts[1:]), strict=True):
        yield int(owners[order[start]]), positions


def run_steps(steps: Sequence[Step], masks: Iterable[MaskArray], *, end: bool = False) -> Iterator[MaskArray]:
    """Send rows through all steps, one after the other.

    Args:
        steps: In their order.
        masks: Rows (h, W), a band after the other.
        end: Whether these are the last.
    """
    if not steps:
        yield from masks
        return
    step, *others = steps
    yield from run_steps(others, _through(step, masks, end=end), end=end)


def _through(step: Step, masks: Iterable[MaskArray], *, end: bool) -> Iterator[MaskArray]:
    for mask in masks:
        yield from step.add(mask)
    if end:
        yield from step.finish()
