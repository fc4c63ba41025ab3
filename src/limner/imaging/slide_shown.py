"""From the levels that a TIFF page stores to what is shown: eight bits of red, green and blue, as `read_image` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.imaging.refusal import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from tifffile import TiffPage

    from limner.types import ImageArray

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_DECODED_TO_RGB = {6, 7, 34892, 33007}  # JPEG of several kinds, whose decoder turns YCbCr into RGB
_ORIENTATION = 274
_SAVE = "save it as RGB or grey with 8 or 16 bits per channel"


def shown_levels(page: TiffPage, *, name: str) -> Callable[[NDArray[Any]], ImageArray]:
    """A function from levels (H, W, samples) of a page to uint8 RGB (H, W, 3); alpha is dropped.

    Args:
        page: Of a TIFF file.
        name: The file's name, for errors.

    Raises:
        DataError: The page is no two-dimensional picture of whole numbers up to 16 bits, in colours that are known here, and upright.
    """
    _check(page, name)
    table = _table(page, name)

    def shown(levels: NDArray[Any]) -> ImageArray:
        colours = levels[..., :3] if levels.shape[2] >= 3 else levels[..., :1]
        if table is not None:
            colours = np.take(table, colours if table.ndim == 1 else colours[..., 0], axis=0, mode="clip")
        return np.ascontiguousarray(colours) if colours.shape[2] == 3 else np.asarray(cv2.merge([colours[..., 0]] * 3), np.uint8)

    return shown


def _check(page: TiffPage, name: str) -> None:
    if page.imagelength < 1 or page.imagewidth < 1 or page.imagedepth > 1:
        raise unreadable(name, f"its first page has the shape {page.shape}, which is no two-dimensional picture")
    if page.dtype is None or page.dtype.kind not in "bu" or page.dtype.itemsize > 2 or not isinstance(page.bitspersample, int):
        kind = page.dtype or f"{page.bitspersample} bits"
        raise unreadable(name, f"values of the type {kind} are not read by parts", fix=_SAVE)
    known = {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE}
    if page.photometric not in known and not (page.photometric == _YCBCR and page.compression in _DECODED_TO_RGB):
        raise unreadable(name, f"colours of the kind {_named(page.photometric)} are not read by parts", fix=_SAVE)
    if page.tags.valueof(_ORIENTATION, 1) != 1:
        raise unreadable(name, "it is stored turned or mirrored", fix="save it upright")


def _named(kind: Any) -> str:  # noqa: ANN401 - an enumeration's member, or a number that it does not know
    return str(getattr(kind, "name", kind))


def _table(page: TiffPage, name: str) -> NDArray[np.uint8] | None:
    """What each level is shown as, grey or coloured; None for itself."""
    if page.photometric == _PALETTE:
        return _palette(page, name)
    top = 2**page.bitspersample - 1
    levels = np.arange(top + 1)
    table = ((levels + 128) // 257 if top == 65535 else np.round(levels * (255 / top))).astype(np.uint8)
    if page.photometric == _WHITE_IS_ZERO:
        return table[::-1].copy()
    return None if top == 255 else table


def _palette(page: TiffPage, name: str) -> NDArray[np.uint8]:
    colours = np.asarray(page.colormap)
    if colours.shape != (3, 2**page.bitspersample):
        raise unreadable(name, "its palette is damaged")
    return (colours.T // 256).astype(np.uint8)
