"""The expanding path that all U-Nets here share: stages that double the resolution, take in a skip connection, and end in logits.

Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, arXiv:1505.04597. Deep
supervision, a loss at the coarser stages too: Lee et al., "Deeply-Supervised Nets", AISTATS 2015, arXiv:1409.5185.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from limner.errors import RecipeError
from limner.models.attention import SCSE
from limner.models.blocks import centre_crop, conv_block, upsampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from limner.models.blocks import Norm
    from limner.recipe.schema import EncoderUNetPart, FusionUNetPart
    from limner.recipe.schema.network import Upsample


@dataclass(frozen=True)
class StageOptions:
    """What all stages of a decoder have in common.

    Attributes:
        upsample: How the resolution is doubled.
        convs: 3x3 convolutions in a stage.
        norm: After each of them. Without any, transposed convolutions end in ReLU, as in the network file that the authors of the U-Net
            published.
        padding: Around each of them; without padding, skip connections are cropped to what is left.
        attention: Whether a stage ends in scSE.
    """

    upsample: Upsample = "transposed"
    convs: int = 2
    norm: Norm = "batch"
    padding: int = 1
    attention: bool = False


class DecoderStage(nn.Module):
    """Twice the resolution, concatenation with the skip connection, convolutions.

    Args:
        in_channels: Channels from the stage below.
        skip_channels: Channels of the skip connection, 0 for none.
        out_channels: Channels of the result.
        options: The rest.
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, options: StageOptions) -> None:
        super().__init__()
        self.up, channels = upsampling(options.upsample, in_channels, out_channels, relu=options.norm == "none")
        self.conv = conv_block(channels + skip_channels, out_channels, convs=options.convs, norm=options.norm, padding=options.padding)
        self.attention = SCSE(out_channels) if options.attention else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Map (N, C, H, W) to (N, C', 2H, 2W), less what convolutions without padding take; `skip` may be larger than that."""
        x = self.up(x)
        if skip is not None:
            x = torch.cat([x, centre_crop(skip, *x.shape[-2:])], dim=1)
        return self.attention(self.conv(x))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Stages one upon the other, and a 1x1 convolution to logits; with deep supervision one at each stage.

    Args:
        channels: Of the deepest features, and then of each stage's result.
        skip_channels: Of each stage's skip connection, deepest first; 0 for none.
        options: Of the stages.
        deep_supervision: Whether the coarser stages give logits too, in training.
    """

    def __init__(
        self, channels: Sequence[int], skip_channels: Sequence[int], options: StageOptions, *, deep_supervision: bool = False
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        self.taken = 0 if options.padding else options.convs  # pixels from each side in a stage
        self.stages = nn.ModuleList(
            DecoderStage(below, skip, here, options) for (below, here), skip in zip(pairwise(channels), skip_channels, strict=True)
        )
        self.head = nn.Conv2d(channels[-1], 1, 1)
        self.coarse_heads = nn.ModuleList(nn.Conv2d(here, 1, 1) for here in channels[1:-1] if deep_supervision)

    def forward(self, x: Tensor, skips: Sequence[Tensor | None], size: Sequence[int]) -> Tensor | tuple[Tensor, ...]:
        """Decode the deepest features.

        Args:
            x: (N, C, h, w).
            skips: For each stage, deepest first.
            size: Height and width of the image; what was added to it at the right and the bottom is cut off.

        Returns:
            Logits (N, 1, *size). With deep supervision in training a tuple: these, and those of the coarser stages, finest first, each
            (N, 1, h, w) with as many pixels as it takes to cover the image.
        """
        coarse: list[Tensor] = []
        supervise = self.training and self.deep_supervision
        for index, (stage, skip) in enumerate(zip(self.stages, skips, strict=True)):
            x = stage(x, skip)
            if supervise and index < len(self.coarse_heads):
                coarse.append(self.coarse_heads[index](x))
        finest: Tensor = self.head(x)[..., : size[0], : size[1]]
        if not supervise:
            return finest
        return (finest, *(self._over_image(logits, halvings, size) for halvings, logits in enumerate(reversed(coarse), start=1)))

    def _over_image(self, logits: Tensor, halvings: int, size: Sequence[int]) -> Tensor:
        """The part of coarse logits that lies over the image.

        Without padding it begins at taken (2^k - 1) / 2^k pixels, which is rounded: off by `taken` pixels of the image at most.
        """
        stride = 2**halvings
        start = round(self.taken * (stride - 1) / stride)
        height, width = (-(-side // stride) for side in size)
        return logits[..., start : start + height, start : start + width]


class FeatureDecoder(nn.Module):
    """A decoder over the feature maps of an encoder, which may lack some strides: such a stage has no skip connection.

    Args:
        channels: Channels of the feature map of each stride.
        part: The network's part of a recipe.

    Raises:
        RecipeError: A wrong number of decoder channels for these features.
    """

    def __init__(self, channels: Mapping[int, int], part: EncoderUNetPart | FusionUNetPart) -> None:
        super().__init__()
        self.deepest = max(channels)
        self.strides = [2**power for power in reversed(range(self.deepest.bit_length() - 1))]
        widths = _decoder_channels(self.strides, part)
        options = StageOptions(upsample=part.upsample, attention=part.attention == "scse")
        skips = [channels.get(stride, 0) for stride in self.strides]
        self.decoder = Decoder((channels[self.deepest], *widths), skips, options, deep_supervision=part.deep_supervision)

    def forward(self, features: Mapping[int, Tensor], size: Sequence[int]) -> Tensor | tuple[Tensor, ...]:
        """From features by stride to logits, as `Decoder` gives them."""
        skips = [features.get(stride) for stride in self.strides]
        return self.decoder(features[self.deepest], skips, size)  # type: ignore[no-any-return]


def _decoder_channels(strides: Sequence[int], part: EncoderUNetPart | FusionUNetPart) -> tuple[int, ...]:
    """What the recipe says, or sixteen channels at the image's resolution, doubled with each halving up to 256."""
    usual = tuple(min(256, 16 * stride) for stride in strides)
    if part.decoder_channels is not None and len(part.decoder_channels) != len(strides):
        raise RecipeError(
            f"the encoder needs {len(strides)} decoder stages, but {len(part.decoder_channels)} are given",
            where="network.decoder_channels",
            fix=f"give {len(strides)} numbers, deepest first, for example {usual}",
        )
    return part.decoder_channels or usual
