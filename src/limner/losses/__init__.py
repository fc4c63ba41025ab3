"""Loss functions: from logits and target (N, 1, H, W) to one number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from limner.losses.region import bce, dice, dice_bce
from limner.recipe.schema import BCEPart, DiceBCEPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from limner.recipe.schema import LossPart

    Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]

__all__ = ["bce", "build_loss", "dice", "dice_bce"]


def build_loss(part: LossPart) -> Loss:
    """The loss function that a recipe names."""
    if isinstance(part, DiceBCEPart):
        return partial(dice_bce, bce_weight=part.bce_weight)
    return bce if isinstance(part, BCEPart) else dice
