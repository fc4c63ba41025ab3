"""Masks painted in Label Studio: run lengths packed bit by bit, in the scheme of the JavaScript library thi.ng/rle-pack.

All numbers are big-endian bits without padding: 32 bits for the number of words, 5 for the bits in a word less one, four times 4 for the
bits in a length less one; then blocks, each of one bit that says whether it is a run, two that say which of the four lengths is used, the
length less one, and one word (a run) or as many as the length says. The words are the bytes of an RGBA picture, row by row; what was
painted is opaque.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.data.formats.entries import Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import MaskArray

_HEADER = 32 + 5 + 4 * 4  # bits
_MOST_BLOCKS = 400_000  # half a second of work; the outlines of real objects take thousands


def fill_brush(data: bytes, size: tuple[int, int]) -> MaskArray:
    """The mask: bool, (H, W). Foreground is what exceeds half of the largest opacity.

    Args:
        data: The packed bytes.
        size: Height and width of the image.

    Raises:
        Unusable: The bytes are damaged, or make up a picture of another size.
    """
    height, width = size
    opacity = _unpack(data, height * width * 4).reshape(height, width, 4)[..., 3]
    return np.asarray(opacity > opacity.max(initial=0) / 2)


def _unpack(data: bytes, count: int) -> NDArray[np.uint8]:
    bits = 8 * len(data)
    header = int.from_bytes(data[:7].ljust(7, b"\0"), "big") >> (56 - _HEADER)
    if bits < _HEADER or header >> 21 != count or (header >> 16) & 31 != 7:
        raise Unusable(f"its brush strokes are damaged, or not those of an image of {count // 4} pixels")
    lengths = [((header >> shift) & 15) + 1 for shift in (12, 8, 4, 0)]
    data += bytes(8)  # so that the last reads find something
    out = np.empty(count, dtype=np.uint8)
    filled, at = 0, _HEADER
    for _ in range(_MOST_BLOCKS):
        if filled == count:
            return out
        block = int.from_bytes(data[at >> 3 : (at >> 3) + 4], "big") << (at & 7)
        width = lengths[(block >> 29) & 3]
        is_run = block >> 31 & 1
        end = filled + ((block >> (29 - width)) & ((1 << width) - 1)) + 1
        at += 3 + width
        words = 1 if is_run else end - filled
        if end > count or at + 8 * words > bits:
            raise Unusable("its brush strokes are damaged, or cut short")
        out[filled:end] = _words(data, at, words)
        filled, at = end, at + 8 * words
    raise Unusable("its brush strokes are made of too many pieces")


def _words(data: bytes, at: int, count: int) -> NDArray[np.uint8]:
    """Bytes that begin at any bit."""
    pieces = np.frombuffer(data, dtype=np.uint8, count=count + 1, offset=at >> 3).astype(np.uint16)
    return ((pieces[:-1] << 8 | pieces[1:]) >> (8 - (at & 7))).astype(np.uint8)
