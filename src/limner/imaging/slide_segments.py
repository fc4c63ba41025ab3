"""The pixels of a region of a TIFF page, of which no more is read and decoded than the strips or tiles that it touches."""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from limner.imaging.refusal import MAX_BYTES, unreadable
from limner.imaging.slide_shown import shown_levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tifffile import TiffFile, TiffPage

    from limner.types import ImageArray

_DEFLATE: Final = {8, 32946}
_JPEG: Final = {6, 7, 34892, 33007}
_KEPT_BYTES: Final = 64_000_000  # of decoded pieces, at least
_KEPT_ROWS: Final = 2  # of pieces, at least: rows of limner's tiles overlap, and do not begin where the file's do
_MOST_IN_PIECE: Final = MAX_BYTES / 6  # bytes; decoding takes several times as much
_SAVE_TILED: Final = "save it tiled: `vips tiffsave IN OUT.tif --tile --compression deflate --bigtiff` does it"


class Segments:
    """A page of a TIFF file, to be read by regions. Any number of threads may share it.

    Args:
        tiff: The open file.
        page: One of its pages.
        name: The file's name, for errors.

    Raises:
        DataError: It is no two-dimensional picture of 8 or 16 bits, is turned, or is compressed in pieces too large for the memory.
    """

    def __init__(self, tiff: TiffFile, page: TiffPage, *, name: str) -> None:
        self._file, self._page, self._name = tiff.filehandle, page, name
        self._shown = shown_levels(page, name=name)
        self._planes = page.samplesperpixel if page.planarconfig == 2 else 1
        self._piece = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        self._grid = (math.ceil(page.imagelength / self._piece[0]), math.ceil(page.imagewidth / self._piece[1]))
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, int], ImageArray] = OrderedDict()
        self._most_kept = max(_KEPT_ROWS * self._grid[1], _KEPT_BYTES // (3 * self._piece[0] * self._piece[1]))
        self._check()

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """The pixels of a region within the page, uint8 RGB (height, width, 3).

        Raises:
            DataError: The file is damaged there.
        """
        if self._page.is_final:
            return self._shown(self._raw(top, left, height, width))
        pixels = np.empty((height, width, 3), np.uint8)
        for row, column in self._touched(top, left, height, width):
            piece = self._piece_at(row, column)
            first, start = row * self._piece[0], column * self._piece[1]
            down = slice(max(top, first), min(top + height, first + piece.shape[0]))
            across = slice(max(left, start), min(left + width, start + piece.shape[1]))
            pixels[_less(down, top), _less(across, left)] = piece[_less(down, first), _less(across, start)]
        return pixels

    def _touched(self, top: int, left: int, height: int, width: int) -> Iterator[tuple[int, int]]:
        for row in range(top // self._piece[0], math.ceil((top + height) / self._piece[0])):
            for column in range(left // self._piece[1], math.ceil((left + width) / self._piece[1])):
                yield row, column

    def _piece_at(self, row: int, column: int) -> ImageArray:
        """A strip or tile, cut to the page."""
        with self._lock:
            if (row, column) in self._kept:
                self._kept.move_to_end((row, column))
                return self._kept[row, column]
        planes = [self._decoded((plane * self._grid[0] + row) * self._grid[1] + column) for plane in range(self._planes)]
        height, width = (
            min(side, whole - place * side)
            for side, whole, place in zip(self._piece, (self._page.imagelength, self._page.imagewidth), (row, column), strict=True)
        )
        piece = self._shown(np.concatenate([plane[:height, :width] for plane in planes], axis=2))
        with self._lock:
            self._kept[row, column] = piece
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        return piece

    def _decoded(self, index: int) -> NDArray[Any]:
        """Levels (height, width, samples) of a strip or tile, as large as its grid's; what was left out of the file is zero."""
        page = self._page
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if page.compression in _JPEG else {}
        data = self._bytes(page.dataoffsets[index], page.databytecounts[index])
        levels, _, shape = page.decode(data, index, _fullsize=True, **tables)
        return np.zeros(shape[1:], page.dtype) if levels is None else np.asarray(levels[0])

    def _bytes(self, offset: int, count: int) -> bytes | None:
        if offset == 0 or count == 0:
            return None
        if count > 2 * self._piece_bytes + 1_000_000:
            raise unreadable(self._name, "a strip or tile of it claims to be larger than its pixels")
        data = self._at(offset, count)
        if self._page.compression in _DEFLATE and not _has_codecs():
            self._check_deflated(data)
        return data

    def _at(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            data: bytes = self._file.read(count)
        if len(data) < count:
            raise unreadable(self._name, "it is cut short")
        return data

    def _raw(self, top: int, left: int, height: int, width: int) -> NDArray[Any]:
        """Levels (height, width, samples) of a page that lies in the file as it would in memory, however few strips it has."""
        page = self._page
        assert page.dtype is not None  # it was checked
        samples = 1 if self._planes > 1 else page.samplesperpixel
        line, plane = page.imagewidth * samples, page.imagelength * page.imagewidth * samples
        kind = page.dtype.newbyteorder(page.parent.byteorder)
        parts = []
        for index in range(self._planes):
            offset = page.dataoffsets[0] + (index * plane + top * line) * kind.itemsize
            rows = np.frombuffer(self._at(offset, height * line * kind.itemsize), kind).reshape(height, page.imagewidth, samples)
            parts.append(rows[:, left : left + width].astype(page.dtype, copy=False))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    @property
    def _piece_bytes(self) -> int:
        page = self._page
        return self._piece[0] * self._piece[1] * (page.samplesperpixel // self._planes) * (page.dtype.itemsize if page.dtype else 1)

    def _check(self) -> None:
        page = self._page
        if page.is_final:
            return
        if self._piece_bytes * self._planes > _MOST_IN_PIECE:
            what = f"it is stored in pieces of {self._piece[0]} x {self._piece[1]} pixels, too large to be read one by one"
            raise unreadable(self._name, what, fix=_SAVE_TILED)
        if min(len(page.dataoffsets), len(page.databytecounts)) < self._planes * self._grid[0] * self._grid[1]:
            raise unreadable(self._name, "its list of strips or tiles is cut short")

    def _check_deflated(self, data: bytes) -> None:
        """Refuse a piece that unpacks to more than its size: without imagecodecs, tifffile unpacks without a bound."""
        unpack = zlib.decompressobj()
        unpack.decompress(data, self._piece_bytes + 1)
        if not unpack.eof and unpack.unconsumed_tail:
            raise unreadable(self._name, "a strip or tile of it unpacks to more than its size")


@cache
def _has_codecs() -> bool:
    """Whether tifffile unpacks by imagecodecs, and with it no more than a piece should hold."""
    return find_spec("imagecodecs") is not None


def _less(part: slice, origin: int) -> slice:
    return slice(part.start - origin, part.stop - origin)
