"""Write a picture of any size as a tiled BigTIFF, from rows that come from the top down, together with smaller copies of it.

tifffile writes one page after the other, each from all of its tiles. Here rows come once: all copies, and other files, grow with them, and
memory holds a row of tiles of each.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from limner.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

TILE: Final = 512
_PACKING: Final = {1: 6, 2: 1}  # Deflate's level, by bytes of a pixel: probabilities hardly get smaller by more work
_HEADER: Final = 16
_ASCII, _SHORT, _LONG, _RATIONAL, _LONG8 = 2, 3, 4, 5, 16
_CODES: Final = {_SHORT: "H", _LONG: "I", _RATIONAL: "I", _LONG8: "Q"}
_SOFTWARE: Final = b"limner\x00"


@contextmanager
def tiled_tiff(path: str | Path, size: tuple[int, int], dtype: DTypeLike, *, spacing_um: float | None = None) -> Iterator[TiledTiff]:
    """Write a grey picture, whose rows are appended within the block; the file is whole or absent. Parent folders are made.

    It is a BigTIFF (TIFF 6.0 with offsets of 64 bits), Deflate in tiles of 512 pixels, followed by copies of half the size each until one
    fits into a tile, as OpenSlide, libvips and QuPath know them.

    Args:
        path: The file.
        size: Height and width in pixels.
        dtype: uint8 or uint16.
        spacing_um: Distance of neighbouring pixels in µm; written as TIFF's resolution.

    Raises:
        ValueError: At the end of the block, other than `size[0]` rows were appended.

    Example:
        >>> import tempfile, tifffile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with tiled_tiff(f"{folder}/a.tif", (3, 2), np.uint8) as picture:
        ...         picture.append(np.ones((2, 2), np.uint8))
        ...         picture.append(np.zeros((1, 2), np.uint8))
        ...     tifffile.imread(f"{folder}/a.tif").tolist()
        [[1, 1], [1, 1], [0, 0]]
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        picture = TiledTiff(file, size, np.dtype(dtype), spacing_um)
        yield picture
        picture.finish()


class TiledTiff:
    """A file that is being written; see `tiled_tiff`."""

    def __init__(self, file: BinaryIO, size: tuple[int, int], dtype: np.dtype[Any], spacing_um: float | None) -> None:
        self._file, self._dtype, self._spacing = file, dtype, spacing_um
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))  # the last number is where the first page stands: it is told at the end
        self._levels = [_Level(shape, dtype) for shape in _sizes(size)]

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows (h, W) of any height, of the type that was promised."""
        self._append(0, rows)

    def finish(self) -> None:
        """Write what is left, and the pages."""
        for index, level in enumerate(self._levels):
            if level.filled:
                self._pack(index)
            if level.written != level.size[0]:
                raise ValueError(f"{level.written} rows of {level.size[0]} were written")
        for index, level in enumerate(self._levels):
            self._page(level, is_copy=index > 0, is_last=index == len(self._levels) - 1)

    def _append(self, index: int, rows: NDArray[Any]) -> None:
        level = self._levels[index]
        while len(rows):
            taken = min(TILE - level.filled, len(rows))
            level.waiting[level.filled : level.filled + taken, : level.size[1]] = rows[:taken]
            level.filled += taken
            rows = rows[taken:]
            if level.filled == TILE:
                self._pack(index)

    def _pack(self, index: int) -> None:
        """Write a row of tiles, and hand it on to the next smaller copy."""
        level = self._levels[index]
        rows, level.filled, level.written = level.waiting[: level.filled], 0, level.written + level.filled
        level.waiting[len(rows) :] = 0
        for left in range(0, level.waiting.shape[1], TILE):
            packed = zlib.compress(level.waiting[:, left : left + TILE].tobytes(), _PACKING[self._dtype.itemsize])
            level.places.append((self._file.tell(), len(packed)))
            self._file.write(packed)
        if index + 1 < len(self._levels):
            self._append(index + 1, _halved(rows[:, : level.size[1]]))

    def _page(self, level: _Level, *, is_copy: bool, is_last: bool) -> None:
        """Write what the file says of a level, and join it to the page before."""
        file = self._file
        fields = sorted(_fields(level, self._dtype, self._spacing, is_copy=is_copy).items())
        start = file.seek(0, 2)
        place = start + 8 + 20 * len(fields) + 8  # where values stand that have no room in their field
        entries, values = b"", b""
        for tag, (kind, count, packed) in fields:
            inside = len(packed) <= 8
            entries += struct.pack("<HHQ", tag, kind, count) + (
                packed.ljust(8, b"\0") if inside else struct.pack("<Q", place + len(values))
            )
            values += b"" if inside else packed
        end = place + len(values)
        file.write(struct.pack("<Q", len(fields)) + entries + struct.pack("<Q", 0 if is_last else end) + values)
        if not is_copy:
            file.seek(8)
            file.write(struct.pack("<Q", start))


class _Level:
    """The picture at one size, while it is being written."""

    def __init__(self, size: tuple[int, int], dtype: np.dtype[Any]) -> None:
        self.size = size
        self.waiting = np.zeros((TILE, -(-size[1] // TILE) * TILE), dtype)  # rows that do not make up a row of tiles yet
        self.filled = 0
        self.written = 0
        self.places: list[tuple[int, int]] = []  # offset and length in bytes of each tile


def _sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    sizes = [size]
    while max(sizes[-1]) > TILE:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def _halved(rows: NDArray[Any]) -> NDArray[Any]:
    """The mean of every square of two pixels; an odd row or column counts twice."""
    padded = np.pad(rows, [(0, side % 2) for side in rows.shape], mode="edge") if rows.shape[0] % 2 or rows.shape[1] % 2 else rows
    total = padded[0::2, 0::2].astype(np.uint32)
    for part in (padded[1::2, 0::2], padded[0::2, 1::2], padded[1::2, 1::2]):
        total += part
    return np.asarray((total + 2) >> 2, rows.dtype)


def _fields(level: _Level, dtype: np.dtype[Any], spacing_um: float | None, *, is_copy: bool) -> dict[int, tuple[int, int, bytes]]:
    """TIFF's tags of a page: (type, count, packed values) each."""
    offsets, lengths = zip(*level.places, strict=True)
    fields = {
        254: _packed(_LONG, int(is_copy)),
        256: _packed(_LONG, level.size[1]),
        257: _packed(_LONG, level.size[0]),
        258: _packed(_SHORT, 8 * dtype.itemsize),
        259: _packed(_SHORT, 8),  # Deflate
        262: _packed(_SHORT, 1),  # grey, black is zero
        277: _packed(_SHORT, 1),
        284: _packed(_SHORT, 1),
        305: (_ASCII, len(_SOFTWARE), _SOFTWARE),
        322: _packed(_SHORT, TILE),
        323: _packed(_SHORT, TILE),
        324: _packed(_LONG8, *offsets),
        325: _packed(_LONG8, *lengths),
        339: _packed(_SHORT, 1),  # whole numbers without sign
    }
    if spacing_um is not None and not is_copy:
        per_cm = Fraction(10_000 / spacing_um).limit_denominator(1000)
        pair = _packed(_RATIONAL, per_cm.numerator, per_cm.denominator)
        fields |= {282: pair, 283: pair, 296: _packed(_SHORT, 3)}
    return fields


def _packed(kind: int, *values: int) -> tuple[int, int, bytes]:
    count = len(values) // 2 if kind == _RATIONAL else len(values)
    return kind, count, struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
