"""Losses for vessels and other thin structures: what counts is the centreline, so thin branches weigh as much as thick ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from limner.losses.region import REGIONS
from limner.losses.working import each_mask, working

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.recipe.schema.loss import Region
    from limner.types import MaskArray

_SMOOTH: Final = 1.0  # pixels added above and below a fraction, as in the papers' code
_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE: Final = np.ones((3, 3), np.uint8)


def cldice(logits: Tensor, target: Tensor, *, region: Region = "dice", alpha: float = 0.5, iterations: int = 5) -> Tensor:
    """A region's loss and soft centreline Dice, mixed: (1 - alpha) region + alpha (1 - clDice).

    Shit et al., "clDice - a Novel Topology-Preserving Loss Function for Tubular Structure Segmentation", CVPR 2021, algorithm 2. clDice
    is the harmonic mean of two shares: of the prediction's skeleton that lies in the target, and of the target's skeleton that the
    prediction covers. One image at a time.

    Empty masks: there is no centreline to find, so the centreline's part is 0 without a gradient, and only the region's loss, times
    1 - alpha, is left. (By the formula it would be the prediction's skeleton, which is removed as well by predicting evenly as by
    predicting nothing: logits then stop falling.)

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        region: The loss that it is mixed with: `dice`, `dice_bce` or `bce`.
        alpha: Share of the centreline Dice, in [0, 1].
        iterations: Soft erosions; at least half the thickness of the thickest vessel in pixels.
    """
    logits, target = working(logits, target)
    probs = logits.sigmoid()
    precision = _share_within(soft_skeletons(probs, iterations), target)
    recall = _share_within(each_mask(lambda mask: _skeleton(mask, iterations), target), probs)
    present = target.flatten(1).amax(1)
    centreline = (present * (1.0 - 2.0 * precision * recall / (precision + recall))).mean()
    return (1.0 - alpha) * REGIONS[region](logits, target) + alpha * centreline


def skeleton_recall(logits: Tensor, target: Tensor, *, region: Region = "dice_bce", weight: float = 1.0) -> Tensor:
    """A region's loss plus skeleton recall: the share of the target's skeleton, made a tube, that the prediction misses.

    Kirchhoff et al., "Skeleton Recall Loss for Connectivity Conserving and Resource Efficient Segmentation of Thin Tubular Structures",
    ECCV 2024. Their loss is the negative recall; here it is 1 - recall, so that nothing missed is 0. One image at a time.

    Empty masks: nothing can be missed, so the skeleton's part is 0 without a gradient, and only the region's loss is left.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        region: The loss that it is added to: `dice`, `dice_bce` or `bce`.
        weight: Weight of the skeleton recall.
    """
    logits, target = working(logits, target)
    missed = (1.0 - _share_within(each_mask(_tube, target), logits.sigmoid())).mean()
    return REGIONS[region](logits, target) + weight * missed


def soft_skeletons(probs: Tensor, iterations: int) -> Tensor:
    """Soft skeletons (Shit et al. 2021, algorithm 1): what an opening removes, gathered over repeated erosions by a cross.

    Args:
        probs: (N, 1, H, W), 0 to 1.
        iterations: Erosions after the first.

    Returns:
        (N, 1, H, W), 0 to 1.
    """
    skeletons = torch.zeros_like(probs)
    for _ in range(iterations + 1):
        eroded = _erode(probs)
        ridges = F.relu(probs - F.max_pool2d(eroded, 3, stride=1, padding=1))
        skeletons = skeletons + F.relu(ridges - skeletons * ridges)
        probs = eroded
    return skeletons


def _erode(probs: Tensor) -> Tensor:
    upright = F.max_pool2d(-probs, (3, 1), stride=1, padding=(1, 0))
    level = F.max_pool2d(-probs, (1, 3), stride=1, padding=(0, 1))
    return -torch.maximum(upright, level)


def _skeleton(mask: MaskArray, iterations: int) -> NDArray[np.float32]:
    """The same for a mask, many times faster."""
    left: NDArray[Any] = mask.astype(np.uint8)
    skeleton = np.zeros(mask.shape, bool)
    for _ in range(iterations + 1):
        eroded = cv2.erode(left, _CROSS)
        skeleton |= left > cv2.dilate(eroded, _SQUARE)
        left = eroded
    return skeleton.astype(np.float32)


def _tube(mask: MaskArray) -> NDArray[np.float32]:
    """The skeleton, widened by two pixels to each side, within the mask."""
    from skimage.morphology import skeletonize

    skeleton = skeletonize(mask).astype(np.uint8)  # type: ignore[no-untyped-call]
    return (cv2.dilate(skeleton, _CROSS, iterations=2) * mask).astype(np.float32)


def _share_within(lines: Tensor, area: Tensor) -> Tensor:
    """The share of each image's lines that lies within an area (N,); 1 where there are no lines."""
    lines, area = lines.flatten(1), area.flatten(1)
    return ((lines * area).sum(1) + _SMOOTH) / (lines.sum(1) + _SMOOTH)
