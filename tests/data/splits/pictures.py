"""Data sets of pictures that look different, or alike, on purpose."""

from __future__ import annotations

import cv2
import numpy as np
from tests.data.folders import write_folder

from limner.data import Dataset, SourceOptions, open_source
from limner.imaging import encode_png


def scene(seed: int) -> np.ndarray:
    """Soft blobs of many sizes: what a photograph is to a perceptual hash. uint8, (96, 96, 3)."""
    random = np.random.default_rng(seed)
    picture = np.full((96, 96, 3), 128, np.float32)
    for _ in range(40):
        centre = tuple(int(place) for place in random.integers(0, 96, 2))
        colour = tuple(float(tone) for tone in random.uniform(0, 255, 3))
        layer = picture.copy()
        cv2.circle(layer, centre, int(random.integers(4, 22)), colour, -1)
        picture = cv2.addWeighted(layer, 0.6, picture, 0.4, 0)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0), 0, 255).astype(np.uint8)


def brighter(picture: np.ndarray) -> np.ndarray:
    """A copy of a picture as another program may save it."""
    return np.clip(picture.astype(np.float32) * 1.06 + 3, 0, 255).astype(np.uint8)


def mask(share: float) -> np.ndarray:
    """A mask whose uppermost rows are foreground."""
    filled = np.zeros((96, 96), bool)
    filled[: round(96 * share)] = True
    return filled


def write_scenes(folder, pictures, shares=None) -> Dataset:
    """A data set of pictures by key, each with a mask that covers a quarter, or its share."""
    files = {f"images/{key}.png": encode_png(picture) for key, picture in pictures.items()}
    files |= {f"masks/{key}.png": encode_png(mask((shares or {}).get(key, 0.25))) for key in pictures}
    return open_source(write_folder(folder, files))


def reopen(dataset: Dataset, group: str) -> Dataset:
    """The same data set with a pattern for groups."""
    return open_source(dataset.place, options=SourceOptions(group=group))
