"""Networks: from images (N, C, H, W) to logits (N, 1, H, W), for any height and width.

In training, a network with deep supervision gives a tuple: these logits, and then those of its coarser stages, finest first, each
(N, 1, h, w) at its own resolution. Registering a network here makes it part of every recipe's choice and of the contract tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.models.encoder_unet import EncoderUNet
from limner.models.fusion_unet import FusionUNet
from limner.models.resunet import ResUNet
from limner.models.resunet_plusplus import ResUNetPlusPlus
from limner.models.smp import build_smp
from limner.models.unet import UNet
from limner.recipe.schema import EncoderUNetPart, FusionUNetPart, ResUNetPart, ResUNetPlusPlusPart, SMPPart

if TYPE_CHECKING:
    from torch import nn

    from limner.recipe.schema import NetworkPart

__all__ = ["EncoderUNet", "FusionUNet", "ResUNet", "ResUNetPlusPlus", "UNet", "build_network"]


def build_network(part: NetworkPart, *, in_channels: int = 3, pretrained: bool = True) -> nn.Module:
    """Build the network that a recipe names.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
        pretrained: Load the weights that the recipe names; False leaves an encoder untrained, for a checkpoint to fill.

    Raises:
        RecipeError: The part does not fit itself, such as too few decoder channels, or names what there is not.
        DataError: Weights cannot be had.
        MissingExtraError: segmentation_models.pytorch is not installed.

    Example:
        >>> import torch
        >>> from limner.recipe.schema import UNetPart
        >>> network = build_network(UNetPart(filters=(4, 8)), in_channels=1)
        >>> network(torch.zeros(1, 1, 17, 30)).shape
        torch.Size([1, 1, 17, 30])
    """
    match part:
        case EncoderUNetPart():
            return EncoderUNet(part, in_channels=in_channels, pretrained=pretrained)
        case FusionUNetPart():
            return FusionUNet(part, in_channels=in_channels, pretrained=pretrained)
        case ResUNetPart():
            return ResUNet(part, in_channels=in_channels)
        case ResUNetPlusPlusPart():
            return ResUNetPlusPlus(part, in_channels=in_channels)
        case SMPPart():
            return build_smp(part, in_channels=in_channels, pretrained=pretrained)
        case _:
            return UNet(part, in_channels=in_channels)
