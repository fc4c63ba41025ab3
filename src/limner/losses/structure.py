"""The structure loss of the literature on polyps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from limner.losses.working import working

if TYPE_CHECKING:
    from torch import Tensor


def structure(logits: Tensor, target: Tensor, *, kernel: int = 31, factor: float = 5.0) -> Tensor:
    """IoU loss plus binary cross-entropy, both weighted towards the target's boundary, one image at a time.

    Wei et al., "F3Net: Fusion, Feedback and Focus for Salient Object Detection", AAAI 2020, who call it pixel position aware loss; for
    polyps Fan et al., "PraNet: Parallel Reverse Attention Network for Polyp Segmentation", MICCAI 2020. A pixel's weight is
    1 + factor |m - t|, with t the target there and m its mean over the neighbourhood, where all beyond the image counts as background.
    The cross-entropy is weighted as the papers say; much published code passes `reduce='none'`, which averages it before it is weighted.

    Empty masks: all weights are 1; it is `bce` + `iou`, and 0 for a confident and right empty prediction.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        kernel: Width in pixels of the neighbourhood, odd.
        factor: How much more a pixel at the boundary counts, 0 or more.
    """
    logits, target = working(logits, target)
    weights = (1.0 + factor * (_local_means(target, kernel) - target).abs()).flatten(1)
    logits, target = logits.flatten(1), target.flatten(1)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probs = logits.sigmoid()
    overlap = (weights * probs * target).sum(1)
    errors = (weights * (probs - target).abs()).sum(1)
    return ((weights * cross_entropy).sum(1) / weights.sum(1) + errors / (overlap + errors + 1.0)).mean()


def _local_means(target: Tensor, kernel: int) -> Tensor:
    """Means over kernel x kernel pixels, from sums of all that is above and to the left: pooling takes a hundred times as long."""
    before, after = kernel // 2 + 1, kernel // 2
    sums = F.pad(target, (before, after, before, after)).cumsum(2).cumsum(3)
    rows = sums[:, :, kernel:] - sums[:, :, :-kernel]
    return (rows[..., kernel:] - rows[..., :-kernel]) / kernel**2
