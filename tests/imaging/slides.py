"""Pictures and TIFF files for tests of slides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from pathlib import Path

    from limner.types import ImageArray


def scene(height: int, width: int) -> ImageArray:
    """Smooth colours, which JPEG keeps nearly, with a square of noise, which it does not."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(np.uint8)
    image[: height // 4, : width // 4] = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3))
    return image


def pyramid(path: Path, image: ImageArray, *, subifds: bool = False, **more) -> Path:
    """A tiled TIFF with copies of a half and a quarter of the size, darker by 1 and 2, as further pages or below the first."""
    kind = {"photometric": "rgb", "tile": (64, 64), "compression": "zlib"}
    copies = [np.maximum(image[:: 2**level, :: 2**level], level) - np.uint8(level) for level in (1, 2)]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(image, **kind, **({"subifds": 2} if subifds else {}), **more)
        for copy in copies:
            tiff.write(copy, subfiletype=1, **kind)
    return path
