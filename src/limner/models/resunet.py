"""ResUNet: Zhang, Liu and Wang, "Road Extraction by Deep Residual U-Net", IEEE Geoscience and Remote Sensing Letters, 2018.

A U-Net of residual units instead of plain convolutions. An encoding unit halves the resolution by a stride of 2 in its first convolution
instead of pooling; a decoding unit comes after upsampling and concatenation; at last a 1x1 convolution. Table 1 of the paper:

| part | level | filters | size of 224 |
| --- | --- | --- | --- |
| encoding | 1, 2, 3 | 64, 128, 256 | 224, 112, 56 |
| bridge | 4 | 512 | 28 |
| decoding | 5, 6, 7 | 256, 128, 64 | 56, 112, 224 |

The paper's 7.8 M parameters are the weights of these convolutions alone, 7,780,096. It leaves open how a shortcut changes its shape, as all
do here: by a 1x1 convolution with batch normalisation, which is 0.43 M more. Upsampling repeats pixels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from limner.models.blocks import pad_to_multiple
from limner.models.residual import ResidualUnit

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import ResUNetPart


class ResUNet(nn.Module):
    """A U-Net of residual units; weights start from nothing.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
    """

    def __init__(self, part: ResUNetPart, *, in_channels: int = 3) -> None:
        super().__init__()
        filters = part.filters
        self.stride = 2 ** (len(filters) - 1)
        self.first = ResidualUnit(in_channels, filters[0], first=True)
        self.down = nn.ModuleList(ResidualUnit(before, after, stride=2) for before, after in pairwise(filters))
        self.up = nn.ModuleList(ResidualUnit(below + here, here) for below, here in pairwise(reversed(filters)))
        self.head = nn.Conv2d(filters[0], 1, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width."""
        height, width = images.shape[-2:]
        levels: list[Tensor] = [self.first(pad_to_multiple(images, self.stride))]
        for unit in self.down:
            levels.append(unit(levels[-1]))
        x = levels.pop()
        for unit in self.up:
            x = unit(torch.cat([F.interpolate(x, scale_factor=2.0), levels.pop()], dim=1))
        return self.head(x)[..., :height, :width]  # type: ignore[no-any-return]
