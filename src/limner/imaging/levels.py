"""Which levels an array holds, without copies of the size of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from limner.imaging.bands import bands, by_bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.imaging.decode import Decoded

_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)  # ITU-R 601 in 1/65536, as in Pillow: exact where R = G = B
_HUGE = 1e38


def grey(colours: NDArray[Any]) -> NDArray[Any]:
    """Brightness (H, W) of colours (H, W, 3), by ITU-R 601; two dimensions are kept as they are."""
    if colours.ndim == 2:
        return colours
    if colours.dtype == np.uint8:
        return by_bands(colours, lambda rows: np.asarray(Image.fromarray(rows).convert("L")))
    if colours.dtype == np.uint16:
        return by_bands(colours, lambda rows: ((rows.astype(np.uint32) @ _LUMA + 0x8000) >> 16).astype(np.uint16))
    return by_bands(colours, lambda rows: rows @ (_LUMA / 65536.0))


def finite(levels: NDArray[Any]) -> NDArray[Any]:
    """The levels, with zero for NaN and infinity, and as float32 if they are floats."""
    if levels.dtype.kind != "f":
        return levels
    return by_bands(levels, lambda rows: np.clip(np.nan_to_num(rows, nan=0, posinf=0, neginf=0), -_HUGE, _HUGE).astype(np.float32))


def brightness(decoded: Decoded) -> NDArray[Any]:
    """Brightness of a picture, that of its palette's colours where it has one."""
    if decoded.palette is None:
        return finite(grey(finite(decoded.levels)))
    table = grey(decoded.palette[None])[0]
    return by_bands(decoded.levels, lambda rows: np.take(table, rows, mode="clip"))


def compact(levels: NDArray[Any]) -> NDArray[Any] | None:
    """Whole numbers from 0 to 65535 as uint8 or uint16; None where they are none."""
    if levels.dtype in (np.uint8, np.uint16):
        return levels
    if levels.dtype.kind not in "iu" or levels.min() < 0 or levels.max() >= 2**16:
        return None
    return levels.astype(np.uint16)


def levels_in(levels: NDArray[Any], *, at_most: int | None = None) -> NDArray[Any]:
    """The distinct levels, sorted.

    Args:
        levels: Any shape of two dimensions.
        at_most: Stop as soon as there are more; what is returned is then longer than this, but not complete.

    Example:
        >>> levels_in(np.array([[7, 0], [7, 255]], np.uint8)).tolist()
        [0, 7, 255]
    """
    if levels.dtype in (np.uint8, np.uint16):
        return np.flatnonzero(counts(levels)).astype(levels.dtype)
    found = levels[:0].ravel()
    for rows in bands(*levels.shape):
        found = np.unique(np.concatenate([found, np.unique(levels[rows])]))
        if at_most is not None and len(found) > at_most:
            break
    return found


def counts(levels: NDArray[Any]) -> NDArray[np.int64]:
    """How many pixels of each level there are, for uint8 and uint16."""
    top = 256 if levels.dtype == np.uint8 else 65536
    total = np.zeros(top, np.int64)
    for rows in bands(*levels.shape):
        total += cv2.calcHist([np.ascontiguousarray(levels[rows])], [0], None, [top], [0, top]).ravel().astype(np.int64)
    return total
