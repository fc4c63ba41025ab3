"""Tiny pictures of the kinds that public data sets come in. A mask is told by its number, so that a wrong partner is noticed."""

from __future__ import annotations

import gzip
import io

import numpy as np
from PIL import Image

SIZE = 16  # two by two blocks of JPEG, which keeps those nearly exact


def drawn(number: int) -> np.ndarray:
    """The mask of a number: some of four blocks, never none and never all. Numbers up to 14 apart differ."""
    bits = np.array([[number % 14 + 1 >> bit & 1 for bit in range(4)]], dtype=bool).reshape(2, 2)
    return np.kron(bits, np.ones((SIZE // 2, SIZE // 2), dtype=bool))


def mask(number: int, kind: str) -> bytes:
    """A mask file."""
    return _encoded(Image.fromarray(drawn(number).astype(np.uint8) * 255), kind)


def empty_mask(kind: str) -> bytes:
    """A mask file without any object."""
    return _encoded(Image.new("L", (SIZE, SIZE)), kind)


def image(number: int, kind: str) -> bytes:
    """An image file."""
    values = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return _encoded(Image.fromarray(values), kind)


def _encoded(picture: Image.Image, kind: str) -> bytes:
    kind, _, packed = kind.lower().partition(".")
    if kind == "ppm":
        picture = picture.convert("RGB")
    if kind == "gif":
        picture = picture.convert("P")
    name = {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper())
    buffer = io.BytesIO()
    picture.save(buffer, format=name, **({"quality": 95} if name == "JPEG" else {}))
    return gzip.compress(buffer.getvalue(), mtime=0) if packed else buffer.getvalue()
