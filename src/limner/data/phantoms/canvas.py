"""The drawing board: a supersampled canvas measured in short sides, and the way back to pixels.

Everything on a canvas is placed in units of the image's short side, so that one seed draws the same scene at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from limner.types import ImageArray, MaskArray

Field: TypeAlias = NDArray[np.float32]  # (H, W) on the canvas
Colour: TypeAlias = NDArray[np.float32]  # (H, W, 3) on the canvas, RGB in [0, 1]

SUPERSAMPLE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Coordinates of a canvas `SUPERSAMPLE` times as fine as the image.

    Attributes:
        shape: Height and width in canvas pixels.
        unit: Canvas pixels per short side.
        y: Row coordinate of each pixel's centre, in short sides, shape `shape`.
        x: Column coordinate, likewise.
    """

    shape: tuple[int, int]
    unit: float
    y: Field
    x: Field

    @classmethod
    def of(cls, size: tuple[int, int]) -> Canvas:
        """A canvas for an image of `size` (height, width).

        Example:
            >>> Canvas.of((64, 96)).shape
            (128, 192)
        """
        shape = (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE)
        unit = float(min(shape))
        rows, columns = (((np.arange(n) + 0.5) / unit).astype(np.float32) for n in shape)
        y, x = np.meshgrid(rows, columns, indexing="ij")
        return cls(shape, unit, y, x)

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width in short sides; the smaller of them is 1."""
        return self.shape[0] / self.unit, self.shape[1] / self.unit

    def index(self, point: tuple[float, float]) -> tuple[int, int]:
        """Row and column of the pixel that holds `point` (y, x), clipped to the canvas."""
        row, column = (int(np.clip(c * self.unit, 0, n - 1)) for c, n in zip(point, self.shape, strict=True))
        return row, column


def as_field(values: object) -> Field:
    """`values` as a float32 array; OpenCV's and NumPy's own types are wider than what comes out here."""
    return cast("Field", np.asarray(values, dtype=np.float32))


def shrink(field: Field) -> Field:
    """The canvas (H, W) or (H, W, 3) brought down to the image's size: each pixel the mean of its subpixels."""
    height, width = (n // SUPERSAMPLE for n in field.shape[:2])
    blocks = field.reshape(height, SUPERSAMPLE, width, SUPERSAMPLE, *field.shape[2:])
    return as_field(blocks.mean(axis=(1, 3)))


def cover(shape: NDArray[np.bool_] | Field) -> MaskArray:
    """The mask of a shape drawn on the canvas: the pixels of which it covers at least half."""
    return shrink(as_field(shape)) >= 0.5


def develop(rng: np.random.Generator, colour: Colour, *, grain: float) -> ImageArray:
    """The picture of a canvas: shrunk, with sensor noise of standard deviation `grain` that grows with brightness, as uint8."""
    picture = shrink(colour)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    picture = picture + noise * grain * np.sqrt(0.25 + np.clip(picture, 0.0, 1.0))
    return to_bytes(picture * 255.0)


def to_bytes(levels: Field) -> ImageArray:
    """Levels of 0 to 255 rounded to uint8, what lies beyond them clipped."""
    return cast("ImageArray", np.clip(levels + 0.5, 0.0, 255.0).astype(np.uint8))


def blur(field: Field, sigma: float, canvas: Canvas) -> Field:
    """Gaussian blur with `sigma` in short sides. Wide ones run on a reduced copy, which looks the same and costs far less."""
    pixels = sigma * canvas.unit
    if pixels < 0.2:
        return field
    step = int(pixels // 4)
    if step < 2:
        return as_field(cv2.GaussianBlur(field, (0, 0), pixels))
    height, width = field.shape[:2]
    small = cv2.resize(field, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), pixels / step)
    return as_field(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
