"""The boundary loss: how far from the target's boundary its errors lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.losses.region import REGIONS
from limner.losses.working import each_mask, working

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from limner.recipe.schema.loss import Region
    from limner.types import MaskArray


def boundary(logits: Tensor, target: Tensor, *, region: Region = "dice", weight: float = 0.01) -> Tensor:
    """A region's loss plus the boundary loss: the mean over pixels of |error| times its distance from the target's boundary.

    Kervadec et al., "Boundary loss for highly unbalanced segmentation", MIDL 2019: the mean of phi (p - t), with phi the signed
    distance, p the probabilities and t the target. The constant phi t, which their loss drops on the way from the distance between two
    boundaries, is kept: so a right prediction has a loss of 0, no loss is negative, and the gradient is the same. They raise the weight
    by 0.01 each epoch, from 0.01 on; here it stays.

    Empty masks: an empty target, or one that fills the image, has no boundary. There the boundary loss is 0 and only the region's is
    left.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        region: The loss that it is added to: `dice`, `dice_bce` or `bce`.
        weight: Weight of the boundary loss, which is in pixels: in large images it is larger.
    """
    logits, target = working(logits, target)
    far = (signed_distances(target) * (logits.sigmoid() - target)).mean()
    return REGIONS[region](logits, target) + weight * far


def signed_distances(target: Tensor) -> Tensor:
    """Distance of each pixel's centre from the target's outline, in pixels.

    The outline runs through the outermost pixels of the foreground, as in the authors' code: these have 0, their neighbours outside 1,
    and the foreground within is negative.

    Args:
        target: (N, 1, H, W), 0 or 1, on any device; the distances are measured on the CPU.

    Returns:
        (N, 1, H, W), of the target's type; 0 everywhere for an empty or full mask.

    Example:
        >>> import torch
        >>> signed_distances(torch.tensor([[[[0.0, 0.0, 1.0, 1.0, 1.0, 0.0]]]])).flatten().tolist()
        [2.0, 1.0, 0.0, -1.0, 0.0, 1.0]
    """
    return each_mask(_signed_distance, target)


def _signed_distance(mask: MaskArray) -> NDArray[np.float32]:
    if mask.all() or not mask.any():
        return np.zeros(mask.shape, np.float32)
    return np.where(mask, 1.0 - _distance_within(mask), _distance_within(~mask)).astype(np.float32)


def _distance_within(mask: MaskArray) -> NDArray[np.float64]:
    """Distance of each pixel of a mask to the nearest outside it.

    OpenCV's last bits differ from call to call, with how it happens to share the rows among threads. Squared distances are whole numbers,
    so the exact one is always near, and training remains repeatable.
    """
    distances = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float64)
    return np.sqrt(np.rint(distances * distances))
