"""A U-Net whose contracting path is a pretrained encoder.

Alam et al., "Automatic Polyp Segmentation using U-Net-ResNet50", MediaEval 2020: a ResNet-50 encoder; each decoder stage is a
transposed convolution, concatenation with the encoder's feature map of that size, two 3x3 convolutions with batch normalisation
and ReLU; at last a 1x1 convolution. Any encoder of timm that returns feature maps can take the ResNet's place.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

from torch import nn

from limner.errors import RecipeError
from limner.models.blocks import DecoderStage, pad_to_multiple
from limner.models.encoders import build_encoder

if TYPE_CHECKING:
    from timm.models import FeatureInfo
    from torch import Tensor

    from limner.recipe.schema import EncoderUNetPart


class EncoderUNet(nn.Module):
    """A timm encoder, and a decoder that doubles the resolution stage by stage back to the input's.

    Attributes:
        encoder: The pretrained part; an optimiser may give it a smaller learning rate.

    Args:
        part: The network's part of a recipe.
        pretrained: Load the weights that the recipe names; False when a checkpoint brings them.

    Raises:
        RecipeError: No such encoder, or a wrong number of decoder channels for it.
        LimnerError: The weights cannot be had.
    """

    def __init__(self, part: EncoderUNetPart, *, pretrained: bool = True) -> None:
        super().__init__()
        self.encoder = build_encoder(part, pretrained=pretrained)
        info = cast("FeatureInfo", self.encoder.feature_info)
        reductions = info.reduction()
        skip_channels = dict(zip(reductions, info.channels(), strict=True))
        self.stride: int = reductions[-1]
        strides = _strides(self.stride, part)
        channels = (skip_channels[self.stride], *part.decoder_channels)
        self.skip_at = [reductions.index(stride) if stride in skip_channels else None for stride in strides]
        self.decoder = nn.ModuleList(
            DecoderStage(below, skip_channels.get(stride, 0), here, upsample=part.upsample)
            for (below, here), stride in zip(pairwise(channels), strides, strict=True)
        )
        self.head = nn.Conv2d(channels[-1], 1, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width."""
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, self.stride))
        x = features[-1]
        for stage, index in zip(self.decoder, self.skip_at, strict=True):
            x = stage(x, None if index is None else features[index])
        return self.head(x)[..., :height, :width]  # type: ignore[no-any-return]


def _strides(deepest: int, part: EncoderUNetPart) -> list[int]:
    """The stride that each decoder stage reaches: 16, 8, 4, 2, 1 for an encoder that ends at 32."""
    if deepest & (deepest - 1):
        raise RecipeError(
            f"the encoder '{part.encoder_name}' reduces by {deepest}, and a U-Net needs a power of two",
            where="network.encoder_name",
            fix="choose another encoder, for example resnet50",
        )
    strides = [2**power for power in reversed(range(deepest.bit_length() - 1))]
    if len(part.decoder_channels) != len(strides):
        raise RecipeError(
            f"the encoder '{part.encoder_name}' needs {len(strides)} decoder stages, but {len(part.decoder_channels)} are given",
            where="network.decoder_channels",
            fix=f"give {len(strides)} numbers, deepest first, for example {(256, 128, 64, 32, 16)[: len(strides)]}",
        )
    return strides
