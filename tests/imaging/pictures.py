"""Small pictures for the tests of imaging."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from limner.types import ImageArray, MaskArray


def gradient(height: int, width: int) -> ImageArray:
    """A picture in which every pixel and channel differs."""
    values = np.arange(height * width * 3) * 5 % 256
    return values.reshape(height, width, 3).astype(np.uint8)


def disc(size: int, radius: float) -> MaskArray:
    """A disc in the middle of a square."""
    rows, columns = np.ogrid[:size, :size]
    middle = (size - 1) / 2
    return (rows - middle) ** 2 + (columns - middle) ** 2 <= radius**2


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    """The bytes of a picture file."""
    buffer = BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def with_orientation(image, orientation: int) -> bytes:
    """A PNG stored turned or mirrored, whose EXIF orientation says how to undo it."""
    undo = {2: [4], 3: [3], 4: [2, 3], 5: [5], 6: [8], 7: [7], 8: [6]}
    tag = undo.get(orientation, [1])[0]
    exif = Image.Exif()
    exif[0x0112] = tag
    turned = Image.fromarray(image)
    turned.getexif()[0x0112] = tag
    stored = ImageOps.exif_transpose(turned)
    exif[0x0112] = _inverse(tag)
    return encoded(stored, "PNG", exif=exif)


def _inverse(tag: int) -> int:
    """The orientation that undoes another: only the quarter turns are not their own."""
    return {6: 8, 8: 6}.get(tag, tag)
