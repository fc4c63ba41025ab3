"""Networks: from images (N, C, H, W) to logits (N, 1, H, W), for any height and width.

Registering a network here makes it part of every recipe's choice and of the contract tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.models.encoder_unet import EncoderUNet
from limner.models.unet import UNet
from limner.recipe.schema import EncoderUNetPart

if TYPE_CHECKING:
    from torch import nn

    from limner.recipe.schema import NetworkPart

__all__ = ["EncoderUNet", "UNet", "build_network"]


def build_network(part: NetworkPart, *, pretrained: bool = True) -> nn.Module:
    """Build the network that a recipe names; `pretrained=False` leaves its encoder untrained, for a checkpoint to fill.

    Example:
        >>> import torch
        >>> from limner.recipe.schema import UNetPart
        >>> network = build_network(UNetPart(filters=(4, 8)))
        >>> network(torch.zeros(1, 3, 17, 30)).shape
        torch.Size([1, 1, 17, 30])
    """
    if isinstance(part, EncoderUNetPart):
        return EncoderUNet(part, pretrained=pretrained)
    return UNet(part)
