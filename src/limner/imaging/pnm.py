"""PBM, PGM and PPM as stored; Pillow decodes their plain forms, and those of a highest level other than 255, pixel by pixel."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.imaging.refusal import USUALLY, check_size, unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLANK = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])"
_HEADER = re.compile(rb"P([1-6])" + _BLANK + rb"++(\d{1,9})" + _BLANK + rb"++(\d{1,9})")
_TOP = re.compile(_BLANK + rb"++(\d{1,5})")
_MAX_HEADER = 65_536  # bytes, comments among them
_MAX_PLAIN = 15_000_000  # bytes; numbers written out take a second for as many


def is_pnm(data: bytes) -> bool:
    """Whether the bytes start like a PBM, PGM or PPM file."""
    return data[:1] == b"P" and data[1:2] in {b"1", b"2", b"3", b"4", b"5", b"6"}


@dataclass(frozen=True, slots=True)
class PnmHeader:
    """What a file says of itself.

    Attributes:
        kind: The number after `P`, 1 to 6.
        size: Height and width.
        top: The level that is white.
        start: Where the levels begin.
    """

    kind: int
    size: tuple[int, int]
    top: int
    start: int


def pnm_header(data: bytes, *, name: str) -> PnmHeader:
    """Read the header.

    Raises:
        DataError: It is damaged, or claims a picture without pixels or with too many.
    """
    found = _HEADER.match(data, 0, _MAX_HEADER)
    if found is None:
        raise unreadable(name, "its header is damaged")
    kind, width, height = (int(group) for group in found.groups())
    if min(width, height) < 1:
        raise unreadable(name, "its header claims a picture without pixels")
    check_size((height, width), per_pixel=USUALLY, name=name)
    top, start = (1, found.end()) if kind in {1, 4} else _top(data, found.end(), name)
    return PnmHeader(kind, (height, width), top, start)


def read_pnm(data: bytes, *, name: str) -> tuple[NDArray[Any], int | None]:
    """Levels, (H, W) or (H, W, 3), and the level that is white; None for bits.

    Raises:
        DataError: The file is damaged, cut short or too large.
    """
    header = pnm_header(data, name=name)
    if header.kind == 4:
        return _bits(data, header, name), None
    shape = (*header.size, 3) if header.kind in {3, 6} else header.size
    levels = (_numbers if header.kind < 4 else _binary)(data, header, name)[: math.prod(shape)]
    if levels.size < math.prod(shape):
        raise unreadable(name, "it is cut short")
    levels = levels.reshape(shape).astype(np.uint8 if header.top < 256 else np.uint16)
    return (levels == 0, None) if header.kind == 1 else (levels, header.top)


def _top(data: bytes, start: int, name: str) -> tuple[int, int]:
    found = _TOP.match(data, start, start + _MAX_HEADER)
    if found is None or not 0 < int(found[1]) < 65536:
        raise unreadable(name, "its highest level is not between 1 and 65535")
    return int(found[1]), found.end()


def _bits(data: bytes, header: PnmHeader, name: str) -> NDArray[np.bool_]:
    height, width = header.size
    row, start = (width + 7) // 8, header.start + 1
    packed = np.frombuffer(data[start : start + row * height], np.uint8)
    if packed.size < row * height:
        raise unreadable(name, "it is cut short")
    return np.asarray(np.unpackbits(packed.reshape(height, row), axis=1, count=width) == 0)  # 1 is black


def _binary(data: bytes, header: PnmHeader, _name: str) -> NDArray[Any]:
    kind = np.dtype(np.uint8 if header.top < 256 else ">u2")
    count = min(math.prod(header.size) * (3 if header.kind == 6 else 1), max(len(data) - header.start - 1, 0) // kind.itemsize)
    return np.frombuffer(data, kind, count, header.start + 1) if count else np.zeros(0, kind)


def _numbers(data: bytes, header: PnmHeader, name: str) -> NDArray[Any]:
    if len(data) > _MAX_PLAIN:
        raise unreadable(name, f"it is a plain-text picture of more than {_MAX_PLAIN // 1_000_000} MB", fix="save it as PNG")
    text = re.sub(rb"#[^\r\n]*", b" ", data[header.start :])
    if header.kind == 1:
        return np.frombuffer(re.sub(rb"[^01]", b"", text), np.uint8) - np.uint8(48)
    if re.search(rb"[^\d\s]", text):
        raise unreadable(name, "a level in it is no number")
    return np.minimum(np.fromstring(text.strip() or b"0", np.float64, sep=" "), header.top)
