"""A U-Net with several pretrained encoders side by side, whose feature maps are fused level by level.

What Alam et al., "Automatic Polyp Segmentation using U-Net-ResNet50", MediaEval 2020, arXiv:2012.15247, name as future work: "more than
one pre-trained encoder by fusing their feature maps". How the maps are fused is limner's own.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from limner.models.blocks import pad_to_multiple, pointwise_block
from limner.models.decoder import FeatureDecoder
from limner.models.encoders import build_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from limner.recipe.schema import FusionUNetPart


class FusionUNet(nn.Module):
    """Several timm encoders, one decoder. At a stride that only some encoders have, these alone are fused.

    Attributes:
        encoder: The pretrained parts; an optimiser may give them a smaller learning rate.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
        pretrained: Load the weights that the recipe names; False when a checkpoint brings them.

    Raises:
        RecipeError: No such encoder, or a wrong number of decoder channels for them.
        DataError: The weights cannot be had.
    """

    def __init__(self, part: FusionUNetPart, *, in_channels: int = 3, pretrained: bool = True) -> None:
        super().__init__()
        encoders = [
            build_encoder(name, part.encoder_weights, in_channels=in_channels, pretrained=pretrained, where="network.encoder_names")
            for name in part.encoder_names
        ]
        self.encoder = nn.ModuleList(encoders)
        there = [encoder.channels for encoder in encoders]
        strides = sorted({stride for channels in there for stride in channels})
        fusions = {stride: Fusion([channels[stride] for channels in there if stride in channels], part.fusion) for stride in strides}
        self.fusions = nn.ModuleDict({str(stride): fusion for stride, fusion in fusions.items()})
        self.stride = strides[-1]
        self.dropout = nn.Dropout2d(part.dropout)
        self.decoder = FeatureDecoder({stride: fusion.channels for stride, fusion in fusions.items()}, part)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width; see `limner.models` for deep supervision."""
        padded = pad_to_multiple(images, self.stride)
        maps = [encoder(padded) for encoder in self.encoder]
        features = {
            int(stride): fusion([of_one[int(stride)] for of_one in maps if int(stride) in of_one])
            for stride, fusion in self.fusions.items()
        }
        features[self.stride] = self.dropout(features[self.stride])
        return self.decoder(features, images.shape[-2:])  # type: ignore[no-any-return]


class Fusion(nn.Module):
    """One feature map from several of the same size: as many channels as the widest has, batch normalisation, ReLU.

    `concat` is one 1x1 convolution over all channels. `sum` has one for each map, normalised before they are added, so that no map
    outweighs the others by its scale. A single map is left as it is.

    Attributes:
        channels: Of the result.

    Args:
        channels: Of each map.
        fusion: How they are fused.
    """

    def __init__(self, channels: Sequence[int], fusion: Literal["concat", "sum"]) -> None:
        super().__init__()
        self.channels = max(channels)
        self.mix: nn.Module = nn.Identity()
        if len(channels) > 1 and fusion == "concat":
            self.mix = pointwise_block(sum(channels), self.channels)
        elif len(channels) > 1:
            self.mix = _Sum(channels, self.channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Fuse maps (N, C_i, H, W) to (N, channels, H, W)."""
        return self.mix(maps if isinstance(self.mix, _Sum) else torch.cat(list(maps), dim=1))  # type: ignore[no-any-return]


class _Sum(nn.Module):
    def __init__(self, channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Conv2d(one, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)) for one in channels
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        projected = [part(of_one) for part, of_one in zip(self.parts, maps, strict=True)]
        return F.relu(reduce(torch.add, projected))
