"""Losses on logits, as pure functions; all in float32, whatever the precision of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def bce(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy, averaged over all pixels.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.

    Example:
        >>> import torch
        >>> round(bce(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item(), 4)  # log 2
        0.6931
    """
    return F.binary_cross_entropy_with_logits(logits.float(), target.float())


def dice(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Soft Dice loss, 1 - (2 |P T| + s) / (|P| + |T| + s), of each image, averaged over the images.

    Milletari et al., "V-Net", 3DV 2016, without their squares. `smooth` (in pixels) makes the loss of an image without foreground
    0 when nothing is predicted, and keeps its gradient finite.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        smooth: Pixels added above and below.
    """
    probs = logits.float().sigmoid().flatten(1)
    target = target.float().flatten(1)
    overlap = (probs * target).sum(1)
    total = probs.sum(1) + target.sum(1)
    return (1.0 - (2.0 * overlap + smooth) / (total + smooth)).mean()


def dice_bce(logits: Tensor, target: Tensor, *, bce_weight: float = 1.0) -> Tensor:
    """Dice loss plus weighted binary cross-entropy: the first sees the whole shape, the second each pixel."""
    return dice(logits, target) + bce_weight * bce(logits, target)
