"""Losses that compare areas: each image has one loss, and these are averaged.

Three of them are one, after Tversky: with TP the foreground's probabilities inside the target, FP those outside, and FN what inside
is missing from 1, the loss is 1 - (TP + s) / (TP + a FP + b FN + s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from limner.losses.pixel import bce
from limner.losses.working import working

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.recipe.schema.loss import Region

_LEAST: Final = 1e-7  # of a Tversky loss that is raised to a power: at 0 the slope of a root is infinite


def dice(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Soft Dice loss, 1 - (2 TP + s) / (2 TP + FP + FN + s).

    Milletari et al., "V-Net", 3DV 2016, without their squares.

    Empty masks: a confident and right empty prediction has a loss of 0, thanks to `smooth`. But where an empty mask meets a prediction
    of P pixels, the gradient is only s / (P + s)^2 for each: it vanishes while much is predicted. `dice_bce` has no such weakness.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        smooth: s, pixels added above and below.

    Example:
        >>> logits = torch.tensor([100.0, 100.0, -100.0, -100.0]).view(1, 1, 2, 2)
        >>> target = torch.tensor([1.0, 0.0, 1.0, 0.0]).view(1, 1, 2, 2)
        >>> round(dice(logits, target).item(), 4)  # 1 - (2 * 1 + 1) / (2 + 2 + 1)
        0.4
    """
    return _tversky(logits, target, 0.5, 0.5, smooth / 2).mean()


def dice_bce(logits: Tensor, target: Tensor, *, bce_weight: float = 1.0) -> Tensor:
    """Dice loss plus weighted binary cross-entropy: the first sees the whole shape, the second each pixel.

    Empty masks: as for `dice` and `bce`; 0 for a confident and right empty prediction, and a gradient of full size from `bce`.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        bce_weight: Weight of the cross-entropy; the Dice loss has weight 1.
    """
    return dice(logits, target) + bce_weight * bce(logits, target)


def iou(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Soft IoU (Jaccard) loss, 1 - (TP + s) / (TP + FP + FN + s).

    Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation", ISVC 2016.

    Empty masks: as for `dice`.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        smooth: s, pixels added above and below.
    """
    return _tversky(logits, target, 1.0, 1.0, smooth).mean()


def tversky(logits: Tensor, target: Tensor, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0) -> Tensor:
    """Tversky loss, 1 - (TP + s) / (TP + alpha FP + beta FN + s).

    Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks", MLMI 2017. With both 0.5
    it is `dice` with twice the `smooth`, with both 1 it is `iou`.

    Empty masks: as for `dice`; with alpha = 0 they teach nothing.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        alpha: Weight of false positives, 0 or more.
        beta: Weight of false negatives, 0 or more; above alpha, recall counts more than precision.
        smooth: s, pixels added above and below.
    """
    return _tversky(logits, target, alpha, beta, smooth).mean()


def focal_tversky(
    logits: Tensor, target: Tensor, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 4 / 3, smooth: float = 1.0
) -> Tensor:
    """Focal Tversky loss: the Tversky loss of each image to the power 1/gamma.

    Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion Segmentation", ISBI 2019,
    equation 4. Its gradient is the Tversky loss's times (1/gamma) L^(1/gamma - 1), with L that loss: with gamma above 1, images that
    are nearly right keep more of their pull than under `tversky`; with gamma below 1, poor images outweigh them.

    Empty masks: as for `tversky`; the least loss is 1e-7 to the power 1/gamma, below which no gradient is left.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        alpha: Weight of false positives, 0 or more.
        beta: Weight of false negatives, 0 or more.
        gamma: Above 0; 1 is `tversky`.
        smooth: As in `tversky`.
    """
    return _tversky(logits, target, alpha, beta, smooth).clamp_min(_LEAST).pow(1.0 / gamma).mean()


def lovasz(logits: Tensor, target: Tensor) -> Tensor:
    """Lovász hinge loss: the convex extension of the IoU loss, one image at a time.

    Berman et al., "The Lovász-Softmax loss", CVPR 2018. Each pixel's hinge, 1 - logit (1 + logit in the background), counts
    as much as the IoU falls when this pixel is wrong besides all that are worse.

    Empty masks: any false pixel makes the IoU 0, so the loss is the hinge of the largest logit, and only that pixel is pushed down. A
    confident and right empty prediction, all logits below -1, has a loss of exactly 0.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
    """
    logits, target = (x.flatten(1) for x in working(logits, target))
    hinges, order = torch.sort(1.0 - logits * (2.0 * target - 1.0), dim=1, descending=True)
    return (hinges.relu() * _falls_of_iou(target.gather(1, order))).sum(1).mean()


def _falls_of_iou(target: Tensor) -> Tensor:
    """How much the IoU falls with each further wrong pixel of a target (N, pixels), from the left.

    Not as the difference of two IoU, which in float32 would keep few digits of what one pixel among many thousands changes.
    """
    wrong = target.cumsum(1)
    missed = target.sum(1, keepdim=True) - wrong  # foreground that is still right
    union = missed + torch.arange(1, target.shape[1] + 1, device=target.device, dtype=target.dtype)
    first = union == 1.0  # in an empty target, where the IoU falls from 1 to 0 at once
    return torch.where((target > 0) | first, 1.0 / union, missed / (union * (union - 1.0).clamp_min(1.0)))


def _tversky(logits: Tensor, target: Tensor, alpha: float, beta: float, smooth: float) -> Tensor:
    """The Tversky loss of each image (N,), as a fraction of errors: from 1 - index, rounding would make losses near 0 negative."""
    logits, target = (x.flatten(1) for x in working(logits, target))
    probs = logits.sigmoid()
    true_positives = (probs * target).sum(1)
    errors = alpha * (probs * (1.0 - target)).sum(1) + beta * ((1.0 - probs) * target).sum(1)
    return errors / (true_positives + errors + smooth)


REGIONS: Final[dict[Region, Callable[[Tensor, Tensor], Tensor]]] = {"dice": dice, "dice_bce": dice_bce, "bce": bce}
"""The losses that others are added to."""
