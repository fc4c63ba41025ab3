"""ResUNet++: Jha et al., "ResUNet++: An Advanced Architecture for Medical Image Segmentation", IEEE ISM 2019.

A stem and three residual units with squeeze-and-excitation; atrous spatial pyramid pooling (ASPP) as the bridge, at an eighth of the
resolution, and again after the decoder; three decoder units, each an attention gate, upsampling, concatenation with the skip connection and
a residual unit; at last a 1x1 convolution.

The paper describes the parts, its authors' code (github.com/DebeshJha/ResUNetPlusPlus) says the rest, and is what was built here:

- Dilations are 1, 6, 12 and 18, the branches are summed and have no ReLU, and nothing is pooled over the whole image.
- Squeeze-and-excitation, of ratio 8, is in the decoder's residual units too; the paper has it in the stem and the encoder.
- The gate pools the skip connection by 2x2 maxima, and multiplies by weights that go through no sigmoid.
- The stem keeps the image's resolution.
- Filters are 16, 32, 64, 128 and 256 in the code, twice as many by default here.

With the code's filters there are 4,060,081 parameters. Keras counts 4,070,385 for the same layers, since it has the running statistics of
batch normalisation among them, and a bias in every convolution, also where the normalisation that follows takes it away again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from limner.models.aspp import ASPP
from limner.models.attention_gate import AttentionGate
from limner.models.blocks import pad_to_multiple
from limner.models.residual import ResidualUnit

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import ResUNetPlusPlusPart


class ResUNetPlusPlus(nn.Module):
    """A residual U-Net with squeeze-and-excitation, attention gates and ASPP; weights start from nothing.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
    """

    def __init__(self, part: ResUNetPlusPlusPart, *, in_channels: int = 3) -> None:
        super().__init__()
        *levels, bridge = part.filters
        upwards = part.filters[::-1]
        self.stride = 2 ** (len(levels) - 1)
        self.stem = ResidualUnit(in_channels, levels[0], first=True, attention=True)
        self.down = nn.ModuleList(ResidualUnit(before, after, stride=2, attention=True) for before, after in pairwise(levels))
        self.bridge = ASPP(levels[-1], bridge)
        self.up = nn.ModuleList(
            DecoderUnit(below, skip, here) for below, here, skip in zip(upwards, upwards[1:], upwards[2:], strict=False)
        )
        self.aspp = ASPP(levels[1], levels[0])
        self.head = nn.Conv2d(levels[0], 1, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width."""
        height, width = images.shape[-2:]
        levels: list[Tensor] = [self.stem(pad_to_multiple(images, self.stride))]
        for unit in self.down:
            levels.append(unit(levels[-1]))
        x = self.bridge(levels.pop())
        for unit in self.up:
            x = unit(x, levels.pop())
        return self.head(self.aspp(x))[..., :height, :width]  # type: ignore[no-any-return]


class DecoderUnit(nn.Module):
    """Attention gate, twice the resolution, concatenation with the skip connection, residual unit.

    Args:
        in_channels: Channels from below.
        skip_channels: Channels of the skip connection.
        out_channels: Channels of the result.
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.gate = AttentionGate(skip_channels, in_channels)
        self.unit = ResidualUnit(in_channels + skip_channels, out_channels, attention=True)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', 2H, 2W); `skip` has the result's height and width."""
        x = F.interpolate(self.gate(x, skip), scale_factor=2.0)
        return self.unit(torch.cat([x, skip], dim=1))  # type: ignore[no-any-return]
