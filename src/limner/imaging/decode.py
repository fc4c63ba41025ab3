"""Bytes of an image file -> levels as stored: only orientation and exotic colour spaces resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.imaging.bands import gathered, looked_up
from limner.imaging.dicom import SUFFIXES, is_dicom, read_dicom
from limner.imaging.opening import NotAPictureError, check_cost, check_page, is_lossy, opened, orientation_of, page_of
from limner.imaging.pnm import is_pnm, read_pnm
from limner.imaging.refusal import unreadable
from limner.imaging.tiff_deep import read_deep

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from limner.imaging.tiff import TiffPage

_ONE_CHANNEL = {"L", "I", "F", "P"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded file.

    Attributes:
        levels: (H, W) or (H, W, 3); bool, uint8, uint16, int32 or float; indices where there is a palette.
        lossy: Whether the format may have changed the values that were written (JPEG and its like).
        palette: (N, 3) uint8 colours that the levels point to; None where they are no indices.
        top: The level that is white; None for the highest of the type.
    """

    levels: NDArray[Any]
    lossy: bool = False
    palette: NDArray[np.uint8] | None = None
    top: int | None = None


def decode(data: bytes, *, name: str, shown: bool = False) -> Decoded:
    """Decode an image file; EXIF orientation is applied and alpha dropped. Of an animation the first frame is taken.

    Where the picture is not wanted as shown, and only alpha tells its pixels apart, what is opaque stands on black.

    Args:
        data: The bytes of the file.
        name: The file's name, for errors.
        shown: Whether the picture is wanted as a viewer shows it: colours instead of indices, and TIFF and DICOM files in the grey they
            ask for.

    Raises:
        DataError: The bytes are empty, no image, damaged or cut short, several pages or frames, or decoding would take too much
            memory or time (see `limner.imaging.opening.check_cost`).
        MissingExtraError: It is a DICOM file and pydicom is not installed.
    """
    if not data:
        raise unreadable(name, "it is empty", fix="copy the file again from where it came")
    decoded = _dicom(data, name, shown=shown) if is_dicom(data) else _decode(data, name, shown=shown)
    if not shown or decoded.palette is None:
        return decoded
    return Decoded(looked_up(decoded.palette, decoded.levels), decoded.lossy)


def _decode(data: bytes, name: str, *, shown: bool) -> Decoded:
    if is_pnm(data):
        levels, top = read_pnm(data, name=name)
        return Decoded(levels, top=top)
    page = page_of(data, name=name)
    try:
        if page is not None and page.bits > 8 and page.planar:
            return _deep(data, page, name)  # Pillow reads these as if they had 8 bits, without an error
        return _by_pillow(data, page, name, shown=shown)
    except NotAPictureError:
        if page is not None:
            return _deep(data, page, name)
        if name.lower().endswith(SUFFIXES):
            return _dicom(data, name, shown=shown)
        raise unreadable(name, "no image format is recognised in it") from None


def _dicom(data: bytes, name: str, *, shown: bool) -> Decoded:
    picture = read_dicom(data, name=name, shown=shown)
    return Decoded(picture.levels, picture.lossy, picture.palette)


def _deep(data: bytes, page: TiffPage, name: str) -> Decoded:
    return Decoded(_upright(read_deep(data, page, name=name), page.orientation), page.lossy)


def _by_pillow(data: bytes, page: TiffPage | None, name: str, *, shown: bool) -> Decoded:
    with opened(data, name=name) as image:
        check_cost(image, data, name=name)
        if page is not None and page.index > 0:
            image.seek(page.index)
        check_page(image, page, name=name)
        orientation = 1 if page is not None else orientation_of(image, data)  # Pillow turns TIFF files by itself
        image.load()
        image.info.pop("transparency", None)  # it would change how a palette is resolved; alpha is dropped anyway
        levels, palette = _array(image), _palette(image)
        lossy, depth = is_lossy(image, data, page), _depth(image, data, page)
        if image.mode in {"RGBA", "LA"} and not shown:
            levels = _drawn(levels, image)
    if page is not None and page.white_is_zero and image.mode in {"1", "L"} and not shown:
        levels = ~levels  # Pillow turned them over for the eye; masks by tifffile and ImageJ hold 1 and 255 in the object
    levels = _upright(levels, orientation)
    if depth is None or levels.dtype == np.bool_:
        return Decoded(levels, lossy, palette)
    return Decoded(levels if depth > 8 else levels // np.uint8(255 // (2**depth - 1)), lossy, None, 2**depth - 1)


def _depth(image: Image.Image, data: bytes, page: TiffPage | None) -> int | None:
    """Bits of a grey level where they are not those of the array: Pillow spreads 2 and 4 bits over 8, but not 12 over 16."""
    bits = page.bits if page is not None else data[24] if image.format == "PNG" and image.mode == "L" else 8
    return bits if (image.mode, bits) in {("L", 2), ("L", 4)} or (image.mode == "I;16" and 8 < bits < 16) else None


def _array(image: Image.Image) -> NDArray[Any]:
    return gathered(image.height, image.width, lambda rows: _band(image, rows))


def _band(image: Image.Image, rows: slice) -> NDArray[Any]:
    part = image if rows.stop - rows.start == image.height else image.crop((0, rows.start, image.width, rows.stop))
    if part.mode.startswith("I;16"):
        return np.array(part).astype(np.uint16)
    if part.mode == "1":
        return np.asarray(np.array(part).view(np.uint8) != 0)  # Pillow's True is a byte of 255, which arithmetic on bytes takes at its word
    if part.mode in _ONE_CHANNEL:
        return np.array(part)
    if part.mode in {"LA", "La", "PA"}:
        return np.array(part.getchannel(0))
    return np.array(part if part.mode == "RGB" else part.convert("RGB"))


def _palette(image: Image.Image) -> NDArray[np.uint8] | None:
    """The 256 colours, black where the file has fewer."""
    colours = image.getpalette("RGB") if image.mode in {"P", "PA"} else None
    return None if colours is None else np.array((colours + 768 * [0])[:768], dtype=np.uint8).reshape(256, 3)


def _drawn(levels: NDArray[Any], image: Image.Image) -> NDArray[Any]:
    """Levels of one colour as those of what is opaque, on black: so tools export a label drawn on a transparent layer."""
    alpha = np.array(image.getchannel("A"))
    if alpha.min() == alpha.max() or (levels != levels[0, 0]).any():
        return levels
    opaque = alpha >= 128
    colour = levels if levels.any() else np.full_like(levels, 255)
    return np.where(opaque if levels.ndim == 2 else opaque[..., None], colour, levels.dtype.type(0))


def _upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo the turn that an EXIF orientation tells of."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        array = array[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        array = array[::-1]
    return array if orientation == 1 else np.ascontiguousarray(array)
