"""Write images and masks; a file is whole or absent.

OpenCV encodes: for masks, JPEG and 16-bit PNG it takes between a third and a twelfth of the time that Pillow does, for the same pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.errors import DataError
from limner.files import atomic_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import ImageArray, LabelArray, MaskArray, ProbArray

_SUFFIXES = (".png", ".jpg", ".jpeg")
_QUALITY = 95  # of JPEG
_MANY_OBJECTS = 65535  # more do not fit into 16 bits


def encode_png(array: NDArray[np.uint8] | NDArray[np.uint16] | MaskArray) -> bytes:
    r"""Encode an image (H, W, 3), grey levels of 8 or 16 bits (H, W), or a bool mask (H, W; written as 0 and 255) as PNG.

    Example:
        >>> encode_png(np.ones((2, 2), bool))[:4]
        b'\x89PNG'
    """
    return _encoded(".png", array)


def write_mask(path: str | Path, mask: MaskArray) -> None:
    """Write a mask as single-channel PNG of 0 and 255, atomically. Parent folders are made.

    Raises:
        DataError: The suffix is not .png; any lossy format would put fringes into the mask.
    """
    if Path(path).suffix.lower() != ".png":
        raise DataError("a mask is written as PNG only", where=path, fix="give a name that ends in .png")
    _write(path, encode_png(mask))


def write_image(path: str | Path, image: ImageArray) -> None:
    """Write an RGB image by its suffix (.png, .jpg, .jpeg; JPEG at quality 95), atomically. Parent folders are made.

    Raises:
        DataError: The suffix is none of these.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise DataError("no format is known for this suffix", where=path, fix=f"use one of {', '.join(_SUFFIXES)}")
    _write(path, _encoded(suffix, image))


def write_probs(path: str | Path, probs: ProbArray) -> None:
    """Write numbers in [0, 1], (H, W), as 16-bit PNG, of which 65535 is 1, atomically. Parent folders are made."""
    _write(path, encode_png(np.rint(probs * 65535).astype(np.uint16)))


def write_labels(path: str | Path, labels: LabelArray) -> None:
    """Write a number for each object, (H, W), as compressed TIFF, atomically: 16 bits, or 32 where there are more than 65535 objects.

    Parent folders are made.
    """
    from tifffile import imwrite

    kind = np.int32 if labels.max(initial=0) > _MANY_OBJECTS else np.uint16
    with atomic_path(path) as temporary:
        imwrite(temporary, labels.astype(kind), compression="zlib", photometric="minisblack", metadata=None)


def _encoded(suffix: str, array: NDArray[Any]) -> bytes:
    if array.ndim not in {2, 3} or array.shape[2:] not in {(), (3,)}:
        raise ValueError(f"an image has the shape (H, W) or (H, W, 3), not {array.shape}")
    levels = array.view(np.uint8) * np.uint8(255) if array.dtype == np.bool_ else array
    levels = cv2.cvtColor(np.ascontiguousarray(levels), cv2.COLOR_RGB2BGR) if array.ndim == 3 else np.ascontiguousarray(levels)
    done, data = cv2.imencode(suffix, levels, [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise DataError(f"an image of {array.shape[1]}x{array.shape[0]} pixels cannot be stored as {suffix}", fix="cut it into tiles")
    return data.tobytes()


def _write(path: str | Path, data: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
