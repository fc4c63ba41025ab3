"""Bytes of an image file -> array, as stored: no change of depth, only palettes, orientation and exotic colour spaces resolved."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from limner.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# tifffile tells of each damaged tag by logging, which without a handler goes to the terminal; our error says it once.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_LOSSY_FORMATS = {"JPEG", "MPO", "JPEG2000", "AVIF"}
_KEPT_MODES = {"1", "L", "I", "F"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded file.

    Attributes:
        array: (H, W) or (H, W, 3); bool, uint8, uint16, int32 or float.
        lossy: Whether the format may have changed the values that were written (JPEG and its like).
    """

    array: NDArray[Any]
    lossy: bool


def decode(data: bytes, *, name: str) -> Decoded:
    """Decode an image file; EXIF orientation is applied, alpha dropped, a palette replaced by its colours.

    Of an animation or a stack of pages the first is taken.

    Raises:
        DataError: The bytes are empty, no image, damaged or cut short, or hold more pixels than Pillow's limit against
            decompression bombs (`PIL.Image.MAX_IMAGE_PIXELS`).
    """
    if not data:
        raise DataError("the file is empty", where=name, fix="copy the file again from where it came")
    try:
        if (decoded := _by_pillow(data, name)) is not None:
            return decoded
    except DataError:
        raise
    except UnidentifiedImageError as error:
        if not data.startswith(_TIFF_STARTS):
            raise _unreadable(name, "no image format is recognised in it") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name) from error
    except Exception as error:  # Pillow's plug-ins raise nearly any exception on damaged bytes
        raise _unreadable(name, _one_line(error)) from error
    try:
        return _by_tifffile(data, name)
    except DataError:
        raise
    except Exception as error:  # and so does tifffile
        raise _unreadable(name, _one_line(error)) from error


def _by_pillow(data: bytes, name: str) -> Decoded | None:
    with Image.open(BytesIO(data)) as opened:
        _check_pixels(opened.width * opened.height, name)
        if isinstance(opened, TiffImageFile) and _is_deep_and_planar(opened):
            return None
        lossy = _is_lossy(opened, data)
        opened.info.pop("transparency", None)  # Pillow warns of it when a palette is resolved; alpha is dropped anyway
        upright = ImageOps.exif_transpose(opened)
        return Decoded(_pillow_array(upright), lossy)


def _is_deep_and_planar(image: TiffImageFile) -> bool:
    """Pillow reads a TIFF of separate 16-bit channels as if they had 8 bits, without an error."""
    bits_per_sample, planar_configuration = image.tag_v2.get(258, (8,)), image.tag_v2.get(284, 1)
    return bool(max(bits_per_sample) > 8 and planar_configuration == 2)


def _pillow_array(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode in _KEPT_MODES:
        return np.array(image)
    if image.mode in {"LA", "La"}:
        return np.array(image.getchannel(0))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _is_lossy(image: Image.Image, data: bytes) -> bool:
    if image.format == "WEBP":
        return b"VP8L" not in data[:64]
    return image.format in _LOSSY_FORMATS or image.info.get("compression") == "jpeg"


def _by_tifffile(data: bytes, name: str) -> Decoded:
    """Read what Pillow has no mode for: 16 bits per channel in colour, floats, planar layouts."""
    import tifffile  # here, since few need it and it takes a tenth of a second

    with tifffile.TiffFile(BytesIO(data)) as tiff:
        page = tiff.pages.first
        _check_pixels(page.imagewidth * page.imagelength, name)
        array, axes = np.asarray(page.asarray()), page.axes
    if axes == "SYX":
        array, axes = np.moveaxis(array, 0, -1), "YXS"
    if axes not in {"YX", "YXS"}:
        raise _unreadable(name, f"a TIFF page with the axes {axes} is no two-dimensional picture")
    if axes == "YXS":
        array = array[..., :3] if array.shape[-1] >= 3 else array[..., 0]
    return Decoded(array, lossy=False)


def _check_pixels(pixels: int, name: str) -> None:
    if Image.MAX_IMAGE_PIXELS is not None and pixels > Image.MAX_IMAGE_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> DataError:
    limit = (Image.MAX_IMAGE_PIXELS or 0) / 1e6
    return DataError(f"the picture has more than {limit:.0f} megapixels", where=name, fix="cut it into tiles, or shrink it")


def _unreadable(name: str, reason: str) -> DataError:
    return DataError(f"the picture cannot be read: {reason}", where=name, fix="copy the file again, or leave it out")


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
