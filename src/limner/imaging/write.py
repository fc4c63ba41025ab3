"""Write images and masks; a file is whole or absent."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.errors import DataError
from limner.files import atomic_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import ImageArray, MaskArray

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def encode_png(array: NDArray[np.uint8] | MaskArray) -> bytes:
    r"""Encode an image (H, W, 3), grey levels (H, W) or a bool mask (H, W; written as 0 and 255) as PNG.

    Example:
        >>> encode_png(np.ones((2, 2), bool))[:4]
        b'\x89PNG'
    """
    buffer = BytesIO()
    Image.fromarray(_eight_bit(array)).save(buffer, format="PNG")
    return buffer.getvalue()


def write_mask(path: str | Path, mask: MaskArray) -> None:
    """Write a mask as single-channel PNG of 0 and 255, atomically. Parent folders are made.

    Raises:
        DataError: The suffix is not .png; any lossy format would put fringes into the mask.
    """
    if Path(path).suffix.lower() != ".png":
        raise DataError("a mask is written as PNG only", where=path, fix="give a name that ends in .png")
    _save(path, mask, "PNG")


def write_image(path: str | Path, image: ImageArray) -> None:
    """Write an RGB image by its suffix (.png, .jpg, .jpeg; JPEG at quality 95), atomically. Parent folders are made.

    Raises:
        DataError: The suffix is none of these.
    """
    kind = _FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise DataError("no format is known for this suffix", where=path, fix=f"use one of {', '.join(_FORMATS)}")
    _save(path, image, kind)


def _save(path: str | Path, array: NDArray[np.uint8] | MaskArray, kind: str) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    with atomic_path(path) as temporary:
        Image.fromarray(_eight_bit(array)).save(temporary, format=kind, **options)


def _eight_bit(array: NDArray[np.uint8] | MaskArray) -> NDArray[np.uint8]:
    scaled = array.astype(np.uint8) * np.uint8(255) if array.dtype == np.bool_ else array
    return np.ascontiguousarray(scaled, dtype=np.uint8)
