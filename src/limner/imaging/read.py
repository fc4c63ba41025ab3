"""Read images and masks from the bytes of a file, whatever their depth, channels, palette or orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from limner.errors import DataError
from limner.imaging.decode import decode
from limner.imaging.mask_rule import binarise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import ImageArray, MaskArray

_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)  # ITU-R 601 in 1/65536, as in Pillow: exact where R = G = B


def read_image(data: bytes, *, name: str) -> ImageArray:
    """Read an image as uint8 RGB (H, W, 3).

    EXIF orientation is applied, alpha dropped, grey repeated, a palette replaced by its colours. 16-bit values are divided by 257
    (65535 becomes 255), whatever part of the range is used. Floats within [0, 1] are multiplied by 255; floats and 32-bit integers
    within [0, 255] are kept, and the latter within [0, 65535] are divided by 257. Of several pages the first is read.

    Args:
        data: The bytes of a file in any format that Pillow or tifffile reads.
        name: The file's name, for errors.

    Raises:
        DataError: The file is no image, damaged, cut short, too large, or of a range not listed above.

    Example:
        >>> from limner.imaging import encode_png
        >>> read_image(encode_png(np.full((2, 3), 7, np.uint8)), name="grey.png").shape
        (2, 3, 3)
    """
    array = _eight_bit(decode(data, name=name).array, name)
    return array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)


def read_mask(data: bytes, *, name: str) -> MaskArray:
    """Read a mask as bool (H, W), by the rule in `limner.imaging.mask_rule`.

    Colours and palettes count by their grey level (ITU-R 601), so of two colours the brighter is foreground. Alpha is dropped.

    Args:
        data: The bytes of a file in any format that Pillow or tifffile reads.
        name: The file's name, for errors.

    Raises:
        DataError: The file is no image, damaged, cut short, too large, or not of two tones.

    Example:
        >>> from limner.imaging import encode_png
        >>> read_mask(encode_png(np.array([[0, 1]], np.uint8)), name="mask.png")
        array([[False,  True]])
    """
    decoded = decode(data, name=name)
    return binarise(_grey(decoded.array), lossy=decoded.lossy, name=name)


def _eight_bit(array: NDArray[Any], name: str) -> ImageArray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = float(array.min()), float(array.max())
    scale = _scale(array.dtype.kind, high)
    if not low >= 0 or scale is None:  # `not >=` so that NaN is refused too
        raise DataError(
            f"the picture's values run from {low:g} to {high:g}, which is no range limner knows",
            where=name,
            fix="store it with 8 or 16 bits per channel, or as floats from 0 to 1",
        )
    return np.round(array * scale).astype(np.uint8)


def _scale(kind: str, high: float) -> float | None:
    """Factor that brings values up to `high` into 0..255; None when the range is not known."""
    if kind == "f" and high <= 1:
        return 255.0
    if high <= 255:
        return 1.0
    return 1 / 257 if kind in "ui" and high <= 65535 else None


def _grey(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 2:
        return array
    if array.dtype == np.uint8:
        return np.asarray(Image.fromarray(array).convert("L"))
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) @ _LUMA + 0x8000) >> 16).astype(np.uint16)
    return array @ (_LUMA / 65536.0)
