"""Loss functions: from logits and target (N, 1, H, W) to one number.

Pure functions, grouped by idea: `pixel`, `region`, `boundary`, `centreline`, `structure`. All compute in float32, or in float64 where the
logits are, whatever the precision of the network. All are finite, with finite gradients, for logits of any size that is finite.

What depends on the target alone and has no gradient (distances, skeletons) is computed on the CPU and brought to the logits' device.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from limner.losses.boundary import boundary
from limner.losses.centreline import cldice, skeleton_recall
from limner.losses.deep import Loss, deep_supervision
from limner.losses.pixel import bce, cross_entropy, focal
from limner.losses.region import dice, dice_bce, focal_tversky, iou, lovasz, tversky
from limner.losses.structure import structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from limner.recipe.schema import LossPart

__all__ = [
    "LOSSES",
    "Loss",
    "bce",
    "boundary",
    "build_loss",
    "cldice",
    "cross_entropy",
    "deep_supervision",
    "dice",
    "dice_bce",
    "focal",
    "focal_tversky",
    "iou",
    "lovasz",
    "skeleton_recall",
    "structure",
    "tversky",
]

LOSSES: Final[dict[str, Callable[..., Tensor]]] = {
    "bce": bce,
    "cross_entropy": cross_entropy,
    "dice": dice,
    "dice_bce": dice_bce,
    "iou": iou,
    "focal": focal,
    "tversky": tversky,
    "focal_tversky": focal_tversky,
    "lovasz": lovasz,
    "boundary": boundary,
    "cldice": cldice,
    "skeleton_recall": skeleton_recall,
    "structure": structure,
}
"""Every loss by the name that a recipe gives it."""


def build_loss(part: LossPart) -> Loss:
    """The loss that a recipe names, with what the recipe sets; each part's keys are the keyword arguments of its function.

    Example:
        >>> import torch
        >>> from limner.recipe.schema import TverskyPart
        >>> loss = build_loss(TverskyPart(beta=0.8))
        >>> loss(torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8)).shape
        torch.Size([])
    """
    return partial(LOSSES[part.name], **part.model_dump(exclude={"name"}))
