"""Textures: smooth noise, webs of fine lines, soft steps, and the shading of a relief."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.data.phantoms.canvas import as_field

if TYPE_CHECKING:
    from limner.data.phantoms.canvas import Canvas, Colour, Field


def smooth_noise(rng: np.random.Generator, canvas: Canvas, cells: float, *, stretch: float = 1.0) -> Field:
    """Value noise of about zero mean and unit variance, whose blobs are about 1 / `cells` of the short side wide.

    The random grid depends on the proportions of the canvas only, so the pattern stays the same at any size. With `stretch`
    above 1 the blobs are that many times as wide as high.
    """
    cell = canvas.unit / cells
    across, down = cell * stretch, cell
    # Half a spare cell on each side: interpolation flattens out beyond the outermost grid points, which would show as a band.
    # The tolerance keeps rounding from giving one size a row more than another.
    height, width = canvas.extent
    rows, columns = math.ceil(height * cells - 1e-6) + 1, math.ceil(width * cells / stretch - 1e-6) + 1
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    wide = cv2.resize(grid, (round(columns * across), round(rows * down)), interpolation=cv2.INTER_CUBIC)
    top, left = round(down / 2), round(across / 2)
    return as_field(wide[top : top + canvas.shape[0], left : left + canvas.shape[1]]) * np.float32(1.25)


def fractal_noise(
    rng: np.random.Generator, canvas: Canvas, cells: float, *, octaves: int = 3, gain: float = 0.5, stretch: float = 1.0
) -> Field:
    """Sum of `octaves` smooth noises, each twice as fine and `gain` times as strong as the one before; about unit variance."""
    total = np.zeros(canvas.shape, np.float32)
    for octave in range(octaves):
        total += np.float32(gain**octave) * smooth_noise(rng, canvas, cells * 2**octave, stretch=stretch)
    return total / np.float32(np.sqrt(sum(gain ** (2 * octave) for octave in range(octaves))))


def web(rng: np.random.Generator, canvas: Canvas, cells: float, *, width: float = 0.12) -> Field:
    """A net of thin winding lines in [0, 1]: where smooth noise changes its sign. Reads as capillaries or fibres."""
    noise = fractal_noise(rng, canvas, cells, octaves=2, gain=0.4)
    return as_field(np.exp(-np.square(noise / width)))


def soft_step(field: Field, low: float, high: float) -> Field:
    """Smooth step: 0 below `low`, 1 above `high`, a cubic between.

    Example:
        >>> soft_step(np.array([0.0, 1.0, 2.0], np.float32), 0.0, 2.0).tolist()
        [0.0, 0.5, 1.0]
    """
    share = np.clip((field - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return as_field(share * share * (3.0 - 2.0 * share))


def mix(under: Field, over: Field | float, share: Field) -> Field:
    """`under` where `share` is 0, `over` where it is 1; fields and colours (share then (H, W, 1))."""
    return as_field(under + (over - under) * share)


def glow(canvas: Canvas, centre: tuple[float, float], radius: float) -> Field:
    """A round Gaussian spot of light, 1 at `centre` (y, x), with standard deviation `radius`."""
    squared = np.square(canvas.y - centre[0]) + np.square(canvas.x - centre[1])
    return as_field(np.exp(squared / np.float32(-2.0 * radius**2)))


def shade(height: Field, canvas: Canvas, lamp: tuple[float, float, float]) -> tuple[Field, Field]:
    """Light a relief by a lamp beside the camera that looks straight down.

    Args:
        height: Height of the surface, in short sides, (H, W).
        canvas: The canvas the relief lies on.
        lamp: Position (y, x, z) of the lamp, in short sides.

    Returns:
        Lambert's cosine in [0, 1], and Blinn's cosine between the normal and the half vector, whose high powers are highlights.
    """
    slope_y, slope_x = (as_field(g) for g in np.gradient(height, 1.0 / canvas.unit))
    to_y, to_x, to_z = (np.float32(lamp[0]) - canvas.y), (np.float32(lamp[1]) - canvas.x), np.float32(lamp[2]) - height
    length = np.sqrt(to_y**2 + to_x**2 + to_z**2)
    normal = np.sqrt(1.0 + slope_y**2 + slope_x**2)
    facing = (to_z - slope_y * to_y - slope_x * to_x) / normal
    half = np.sqrt(to_y**2 + to_x**2 + np.square(to_z + length))
    return as_field(np.clip(facing / length, 0.0, 1.0)), as_field((facing + length / normal) / half)


def tint(field: Field, colour: tuple[float, float, float]) -> Colour:
    """A grey field (H, W) times one RGB colour."""
    return as_field(field[..., None] * np.array(colour, np.float32))
