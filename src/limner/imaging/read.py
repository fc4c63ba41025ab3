"""Read images and masks from the bytes of a file, whatever their depth, channels, palette or orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.errors import DataError
from limner.imaging.bands import by_bands
from limner.imaging.decode import Decoded, decode
from limner.imaging.instances import connected_areas, is_instance_map, renumbered
from limner.imaging.levels import brightness, compact, levels_in
from limner.imaging.many_tones import not_two_tone, same_brightness
from limner.imaging.mask_rule import two_levels, two_tones
from limner.imaging.matching import matched
from limner.imaging.voc import BORDER, is_voc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from limner.imaging.foreground import Foreground
    from limner.types import ImageArray, LabelArray, MaskArray

_MANY_LEVELS = 32


def read_image(data: bytes, *, name: str) -> ImageArray:
    """Read an image as uint8 RGB (H, W, 3).

    EXIF orientation is applied, alpha dropped, grey repeated, a palette replaced by its colours. 16-bit values are divided by 257
    (65535 becomes 255), whatever part of the range is used; where a file declares fewer bits, or another highest level, that becomes
    255. Floats within [0, 1] are multiplied by 255; floats and 32-bit integers within [0, 255] are kept, and the latter within
    [0, 65535] are divided by 257. DICOM files are shown in the window that they ask for (see `limner.imaging.voi`). Of an animation
    the first frame is read; a file of several pages or slices is an error.

    Args:
        data: The bytes of a file: JPEG, PNG, BMP, GIF, TIFF, WebP, PBM, PGM, PPM, JPEG 2000, or DICOM with the extra `dicom`.
        name: The file's name, for errors; DICOM files of the old kind, without a mark, are recognised by it.

    Raises:
        DataError: The file is no image, damaged, cut short, too large, or of a range not listed above.
        MissingExtraError: It is a DICOM file and pydicom is not installed.

    Example:
        >>> from limner.imaging import encode_png
        >>> read_image(encode_png(np.full((2, 3), 7, np.uint8)), name="grey.png").shape
        (2, 3, 3)
    """
    decoded = decode(data, name=name, shown=True)
    array = _eight_bit(decoded.levels, decoded.top, name)
    return array if array.ndim == 3 else np.asarray(cv2.merge([array, array, array]), dtype=np.uint8)


def read_mask(data: bytes, *, name: str, foreground: Foreground | None = None) -> MaskArray:
    """Read a mask as bool (H, W), by the rule in `limner.imaging.mask_rule` or as the user says.

    Alpha is dropped, unless all pixels are of one colour: then what is opaque is the object.

    Args:
        data: The bytes of a file of any kind that `read_image` takes.
        name: The file's name, for errors.
        foreground: What is foreground; None for masks of two tones.

    Raises:
        DataError: The file is no image, damaged, cut short, too large, or not of two tones; or the foreground cannot be told in such
            a file (see `limner.imaging.matching`).
        MissingExtraError: It is a DICOM file and pydicom is not installed.

    Example:
        >>> from limner.imaging import encode_png
        >>> from limner.imaging.foreground import Foreground
        >>> read_mask(encode_png(np.array([[0, 1]], np.uint8)), name="mask.png")
        array([[False,  True]])
        >>> read_mask(encode_png(np.array([[0, 1, 2]], np.uint8)), name="mask.png", foreground=Foreground.parse("2"))
        array([[False, False,  True]])
    """
    return _mask(decode(data, name=name), foreground, name)


def read_labels(
    data: bytes, *, name: str, foreground: Foreground | None = None, areas: Callable[[MaskArray], LabelArray] | None = None
) -> LabelArray:
    """Read a mask as int32 labels (H, W), one number from 1 on for each object; 0 is the ground.

    Maps of instances keep the order of their numbers. In all other masks an object is a connected area (of eight neighbours); areas
    of different levels that a user has named are different objects even where they touch.

    Args:
        data: As for `read_mask`.
        name: As for `read_mask`.
        foreground: As for `read_mask`.
        areas: From a mask to its objects, where the file does not tell them apart; by default connected areas.

    Raises:
        DataError: As for `read_mask`.
        MissingExtraError: As for `read_mask`.

    Example:
        >>> from limner.imaging import encode_png
        >>> read_labels(encode_png(np.array([[7, 0, 7]], np.uint8)), name="mask.png")
        array([[1, 0, 2]], dtype=int32)
    """
    decoded = decode(data, name=name)
    areas = areas or connected_areas
    mask = _mask(decoded, foreground, name)
    levels = None if decoded.lossy or decoded.levels.ndim == 3 else compact(decoded.levels)
    if levels is None or decoded.levels.dtype == np.bool_:
        return areas(mask)
    if not mask[levels == 0].any() and is_instance_map(decoded.levels, certain=foreground is None):
        return renumbered(levels, mask)
    return _areas_by_level(levels, mask, areas) if foreground is not None and foreground.values else areas(mask)


def _mask(decoded: Decoded, foreground: Foreground | None, name: str) -> MaskArray:
    if foreground is None:
        return _by_rule(decoded, name)
    return ~_by_rule(decoded, name) if foreground.keyword == "dark" else matched(decoded, foreground, name=name)


def _by_rule(decoded: Decoded, name: str) -> MaskArray:
    if decoded.palette is not None and not decoded.lossy and is_voc(decoded.palette, used := levels_in(decoded.levels)):
        return _by_class(decoded, [int(index) for index in used if index not in {0, BORDER}], name)
    levels = brightness(decoded)
    mask = None if decoded.lossy else two_levels(levels)
    if mask is not None:
        if levels.min() == levels.max() and _differ(decoded):
            raise same_brightness(decoded, name=name)
        return mask
    if not decoded.lossy and is_instance_map(decoded.levels):
        return np.asarray(decoded.levels != 0)
    mask = two_tones(levels, lossy=decoded.lossy)
    if mask is None:
        raise not_two_tone(decoded, name=name)
    return mask


def _by_class(decoded: Decoded, classes: list[int], name: str) -> MaskArray:
    if len(classes) > 1:
        raise not_two_tone(decoded, name=name)
    return np.asarray(decoded.levels == classes[0]) if classes else np.zeros(decoded.levels.shape, np.bool_)


def _differ(decoded: Decoded) -> bool:
    """Whether a picture of one brightness holds several colours."""
    if decoded.palette is not None:
        return len(np.unique(decoded.palette[levels_in(decoded.levels)], axis=0)) > 1
    return decoded.levels.ndim == 3 and any(bool(part.min() != part.max()) for part in np.moveaxis(decoded.levels, 2, 0))


def _areas_by_level(levels: NDArray[Any], mask: MaskArray, areas: Callable[[MaskArray], LabelArray]) -> LabelArray:
    labels = np.zeros(mask.shape, np.int32)
    found = levels_in(np.where(mask, levels, levels.dtype.type(0)))
    if len(found) > _MANY_LEVELS:  # fringes, not classes
        return areas(mask)
    for level in found:
        of_level = areas(mask & (levels == level))
        labels += np.where(of_level > 0, of_level + labels.max(), 0).astype(np.int32)
    return labels


def _eight_bit(array: NDArray[Any], top: int | None, name: str) -> ImageArray:
    if array.dtype == np.bool_:
        return array.view(np.uint8) * np.uint8(255)
    if top is not None and top not in {255, 65535}:
        table = np.round(np.minimum(np.arange(top + 1) * (255 / top), 255)).astype(np.uint8)
        return by_bands(array, lambda rows: np.take(table, rows, mode="clip"))
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return by_bands(array, lambda rows: ((rows.astype(np.uint32) + 128) // 257).astype(np.uint8))
    low, high = float(array.min()), float(array.max())
    scale = _scale(array.dtype.kind, high)
    if not low >= 0 or scale is None:  # `not >=` so that NaN is refused too
        raise DataError(
            f"the picture's values run from {low:g} to {high:g}, which is no range limner knows",
            where=name,
            fix="store it with 8 or 16 bits per channel, or as floats from 0 to 1",
        )
    return by_bands(array, lambda rows: np.round(rows * scale).astype(np.uint8))


def _scale(kind: str, high: float) -> float | None:
    """Factor that brings values up to `high` into 0..255; None when the range is not known."""
    if kind == "f" and high <= 1:
        return 255.0
    if high <= 255:
        return 1.0
    return 1 / 257 if kind in "ui" and high <= 65535 else None
