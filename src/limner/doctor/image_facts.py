"""Measure an image."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from limner.data.lookalikes import look
from limner.doctor.examination import ImageFacts
from limner.imaging.describe import describe
from limner.imaging.read import read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.data.store import FileRef
    from limner.types import ImageArray

_BRIGHTEST = 0.99  # of the pixels lie at or below the level called the brightest: a lamp's glint is no exposure


def measure_image(file: FileRef) -> tuple[ImageFacts, NDArray[np.uint8]]:
    """Read an image once and measure it.

    Returns:
        What was measured, and its grey levels: uint8, (H, W).

    Raises:
        DataError: It cannot be read.
    """
    data = file.read()
    description = describe(data, name=file.display)
    image = read_image(data, name=file.display)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    mean, spread, brightest = _statistics(grey)
    facts = ImageFacts(
        size=grey.shape,
        orientation=description.orientation,
        lossy=description.lossy,
        transparent=description.has_alpha and is_transparent(data),
        mean=mean,
        spread=spread,
        brightest=brightest,
        range=_range(image),
        look=look(image),
    )
    return facts, grey


def is_transparent(data: bytes) -> bool:
    """Whether some pixel of a picture with an alpha channel is not wholly opaque."""
    try:
        with Image.open(BytesIO(data)) as opened:
            alpha = np.asarray(opened.convert("RGBA").getchannel("A"))
    except Exception:  # noqa: BLE001 - what Pillow cannot open (a TIFF of sixteen bits) has been read by other means
        return False
    return bool((alpha < 255).any())


def _statistics(grey: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Mean, standard deviation and brightest level, by the histogram."""
    counts = np.bincount(grey.ravel(), minlength=256)
    levels = np.arange(256)
    mean = float(counts @ levels / grey.size)
    spread = float(np.sqrt(counts @ (levels - mean) ** 2 / grey.size))
    brightest = float(np.searchsorted(counts.cumsum(), _BRIGHTEST * grey.size))
    return mean, spread, brightest


def _range(image: ImageArray) -> int:
    pixels = image.reshape(-1, 3)
    return int((pixels.max(axis=0).astype(int) - pixels.min(axis=0)).max())
