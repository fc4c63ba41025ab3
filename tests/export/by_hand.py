"""What the network is to see of an image, in plain NumPy and float64, from the definitions alone."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from limner.recipe.schema import DataPart

LUMA = np.array([0.299, 0.587, 0.114])
AFFINE = {
    "none": (np.zeros(3), np.ones(3)),
    "unit": (np.zeros(3), np.full(3, 255.0)),
    "half": (np.full(3, 127.5), np.full(3, 127.5)),
    "imagenet": (255 * np.array([0.485, 0.456, 0.406]), 255 * np.array([0.229, 0.224, 0.225])),
}


def place(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int, int, int]:
    """Height, width, top and left of an image that keeps its aspect ratio."""
    scale = min(Fraction(c, s) for c, s in zip(canvas, size, strict=True))
    height, width = (max(1, floor(scale * side + Fraction(1, 2))) for side in size)
    return height, width, (canvas[0] - height) // 2, (canvas[1] - width) // 2


def filter_matrix(side: int, new: int) -> np.ndarray:
    """(new, side): a triangle as wide as the scale, centred where each new pixel's centre lies, what is outside left out."""
    scale = side / new
    centres, places = (np.arange(new)[:, None] + 0.5) * scale, np.arange(side)[None] + 0.5
    weights = np.maximum(0, 1 - np.abs(centres - places) / max(scale, 1))
    return weights / weights.sum(axis=1, keepdims=True)


def resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, C) to (h, w, C)."""
    rows, columns = filter_matrix(values.shape[0], size[0]), filter_matrix(values.shape[1], size[1])
    return np.einsum("hH,HWc,wW->hwc", rows, values, columns, optimize=True)


def seen(image: np.ndarray, data: DataPart) -> np.ndarray:
    """The network's input (C, h, w) for an image uint8 (H, W, 3)."""
    if data.keep_aspect:
        height, width, top, left = place(image.shape[:2], data.input_size)
        levels = np.zeros((*data.input_size, 3))
        levels[top : top + height, left : left + width] = resize(image.astype(float), (height, width))
    else:
        levels = resize(image.astype(float), data.input_size)
    if data.normalisation == "minmax":
        levels = channels(levels, data.channels)
        result = (levels - levels.min()) / max(np.ptp(levels), 1)
    elif data.normalisation == "zscore":
        levels = channels(levels, data.channels)
        result = (levels - np.mean(levels)) / max(np.std(levels), 1)
    else:
        mean, std = (np.array(data.mean), np.array(data.std)) if data.normalisation == "measured" else AFFINE[data.normalisation]
        result = (channels(levels, data.channels) - channels(mean, data.channels)) / channels(std, data.channels)
    return result.transpose(2, 0, 1)


def channels(values: np.ndarray, kind: str) -> np.ndarray:
    """(..., 3) to (..., C)."""
    return {"rgb": values, "grey": (values @ LUMA)[..., None], "green": values[..., 1:2]}[kind]
