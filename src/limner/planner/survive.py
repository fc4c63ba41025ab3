"""What resizing leaves of masks: down to the network's size and back to the image's, as training and prediction do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.imaging.resize import resize_mask
from limner.planner.facts import SPECK, centre_lines
from limner.planner.fingerprint import Survival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.types import LabelArray, MaskArray

LADDER = (128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536)  # long sides in pixels
STEP = 32  # pixels: what five poolings divide


def candidate_sizes(height: float, width: float) -> list[tuple[int, int]]:
    """Input sizes of about the images' proportions whose sides are multiples of 32, up to about their own size.

    Example:
        >>> candidate_sizes(288, 384)
        [(96, 128), (128, 192), (192, 256), (256, 320), (288, 384)]
    """
    longest = max(height, width)
    last = STEP * max(1, round(longest / STEP))
    sides = [side for side in LADDER if side < 0.95 * last] + ([last] if last <= LADDER[-1] else [])
    return [(_to_step(side * height / longest), _to_step(side * width / longest)) for side in sides]


def survival_of(labels: LabelArray, sizes: Sequence[tuple[int, int]]) -> list[tuple[float, float, float]]:
    """Of the objects of one image, at each size: Dice, share of the centre lines, share of the objects."""
    mask = labels > 0
    lines = centre_lines(mask)[0]
    return [_kept(labels, mask, lines, _there_and_back(mask, size)) for size in sizes]


def summarise(found: Sequence[Sequence[tuple[float, float, float]]], sizes: Sequence[tuple[int, int]]) -> tuple[Survival, ...]:
    """The means over all images."""
    if not found:
        return ()
    means = np.mean(np.asarray(found, dtype=np.float64), axis=0).round(4).tolist()
    return tuple(Survival(size=size, dice=d, lines=li, objects=o) for size, (d, li, o) in zip(sizes, means, strict=True))


def _there_and_back(mask: MaskArray, size: tuple[int, int]) -> MaskArray:
    small = resize_mask(mask, size).astype(np.float32)
    return np.asarray(cv2.resize(small, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR) >= 0.5)


def _kept(
    labels: LabelArray, mask: MaskArray, lines: np.ndarray[tuple[int], np.dtype[np.intp]], back: MaskArray
) -> tuple[float, float, float]:
    dice = 2 * (mask & back).sum() / max(mask.sum() + back.sum(), 1)
    areas = np.bincount(labels.ravel())[1:]
    left = np.bincount(labels[back], minlength=len(areas) + 1)[1:]
    real = areas >= SPECK
    objects = float((left[real] > 0.5 * areas[real]).mean()) if real.any() else 1.0
    return float(dice), float(back.ravel()[lines].mean()), objects


def _to_step(side: float) -> int:
    return STEP * max(1, round(side / STEP))
