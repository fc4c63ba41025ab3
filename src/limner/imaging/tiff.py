"""The pages of a TIFF file by its own tags, before any decoder sees them (TIFF 6.0, and BigTIFF)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limner.imaging.refusal import unreadable

if TYPE_CHECKING:
    from mmap import mmap

STARTS: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_MAX_PAGES = 10_000  # a chain of pages may be a loop; a file of so many is refused anyway
_MAX_TAGS = 4_096
_KINDS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}  # field types of whole numbers
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR = 256, 257, 258, 259, 262, 274, 277, 284
_NEW_SUBFILE, _SUBFILE, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 254, 255, 338, 339
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 273, 322, 323, 324
_LOSSY = {6, 7, 33003, 33005, 34712, 34892, 50001, 50002}  # JPEG, JPEG 2000, lossy DNG, WebP, JPEG XL


@dataclass(frozen=True, slots=True)
class TiffPage:
    """A page as its tags describe it.

    Attributes:
        index: Its place in the file.
        size: Height and width as stored, before its orientation is applied.
        bits: Of each sample, the largest.
        samples: Of each pixel.
        compression: TIFF's number of it.
        photometric: TIFF's number of it; 0 is grey from white to black, 3 is a palette, 6 is YCbCr.
        planar: Whether the channels are stored one after another.
        orientation: 1 to 8, as in EXIF.
        has_alpha: Whether there are samples beyond the colour.
        is_float: Whether samples are floating-point numbers.
        segments: Number of its strips or tiles.
        tile: Height and width of its tiles; None for strips.
        reduced: Whether it is a thumbnail, a smaller copy or a transparency mask of another page.
    """

    index: int
    size: tuple[int, int]
    bits: int
    samples: int
    compression: int
    photometric: int
    planar: bool
    orientation: int
    has_alpha: bool
    is_float: bool
    segments: int
    tile: tuple[int, int] | None
    reduced: bool

    @property
    def lossy(self) -> bool:
        """Whether its compression may have changed the values that were written."""
        return self.compression in _LOSSY

    @property
    def white_is_zero(self) -> bool:
        """Whether the lowest level is to be shown white."""
        return self.photometric == 0


def tiff_pages(data: bytes | mmap, *, name: str) -> tuple[TiffPage, ...]:
    """All pages of a TIFF file, at least one.

    Raises:
        DataError: The tags cannot be read.
    """
    try:
        pages = _pages(data)
    except (struct.error, OverflowError):
        pages = []
    if not pages:
        raise unreadable(name, "its TIFF tags are damaged or cut short")
    return tuple(pages)


def full_pages(pages: tuple[TiffPage, ...]) -> tuple[TiffPage, ...]:
    """The pages that are pictures of their own, not a thumbnail or a smaller copy; all, where all claim to be copies."""
    return tuple(page for page in pages if not page.reduced) or pages


def _pages(data: bytes | mmap) -> list[TiffPage]:
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    seen: set[int] = set()
    pages: list[TiffPage] = []
    while offset and offset not in seen and len(seen) < _MAX_PAGES:
        seen.add(offset)
        try:
            tags, offset = _directory(data, offset, order, big=big)
            pages.append(_page(len(pages), tags))
        except (struct.error, OverflowError, KeyError, ValueError):
            break  # what the chain runs into after a good page is no page
    return pages


def _directory(data: bytes | mmap, offset: int, order: str, *, big: bool) -> tuple[dict[int, tuple[tuple[int, ...], int]], int]:
    """The whole numbers among the tags of one page, (first values, count) each, and where the next page starts."""
    head, pointer = (order + "Q", order + "Q") if big else (order + "H", order + "I")
    entry = 20 if big else 12
    (count,) = struct.unpack_from(head, data, offset)
    if count > _MAX_TAGS:
        raise ValueError(count)
    start = offset + struct.calcsize(head)
    tags = {}
    for place in range(start, start + count * entry, entry):
        tag, kind, values = struct.unpack_from(order + "HH" + pointer[1], data, place)
        if kind in _KINDS and values:
            inside = place + entry - struct.calcsize(pointer)
            fits = values * struct.calcsize(_KINDS[kind]) <= struct.calcsize(pointer)
            (where,) = (inside,) if fits else struct.unpack_from(pointer, data, inside)
            tags[tag] = (_values(data, where, order + _KINDS[kind], values), values)
    (following,) = struct.unpack_from(pointer, data, start + count * entry)
    return tags, following


def _values(data: bytes | mmap, place: int, kind: str, count: int) -> tuple[int, ...]:
    """The first sixteen values of a field, or of as much of it as lies within the file."""
    room = max(len(data) - place, 0) // struct.calcsize(kind)
    shown = min(count, 16, room)
    return struct.unpack_from(f"{kind[0]}{shown}{kind[1]}", data, place) if shown else (0,)


def _page(index: int, tags: dict[int, tuple[tuple[int, ...], int]]) -> TiffPage:
    def first(tag: int, default: int) -> int:
        return tags[tag][0][0] if tag in tags else default

    orientation = first(_ORIENTATION, 1)
    return TiffPage(
        index=index,
        size=(tags[_HEIGHT][0][0], tags[_WIDTH][0][0]),
        bits=max(*tags[_BITS][0], 1) if _BITS in tags else 1,
        samples=max(first(_SAMPLES, 1), 1),
        compression=first(_COMPRESSION, 1),
        photometric=first(_PHOTOMETRIC, 0),
        planar=first(_PLANAR, 1) == 2,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        has_alpha=_EXTRA_SAMPLES in tags,
        is_float=first(_SAMPLE_FORMAT, 1) == 3,
        segments=max((tags[tag][1] for tag in (_STRIP_OFFSETS, _TILE_OFFSETS) if tag in tags), default=0),
        tile=(first(_TILE_HEIGHT, 0), first(_TILE_WIDTH, 0)) if _TILE_WIDTH in tags else None,
        reduced=bool(first(_NEW_SUBFILE, 0) & 0b101) or first(_SUBFILE, 0) == 2,
    )
