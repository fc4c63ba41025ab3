"""The U-Net of Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

With padded convolutions, so that the result has the input's size, and batch normalisation, which the paper predates.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from limner.models.blocks import DecoderStage, double_conv, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import UNetPart


class UNet(nn.Module):
    """A contracting path with max pooling, an expanding path, a skip connection at each level; weights start from nothing.

    Args:
        part: The network's part of a recipe.
    """

    def __init__(self, part: UNetPart) -> None:
        super().__init__()
        filters = part.filters
        self.stride = 2 ** (len(filters) - 1)
        self.down = nn.ModuleList(double_conv(before, after, norm=part.norm) for before, after in pairwise((part.in_channels, *filters)))
        self.up = nn.ModuleList(
            DecoderStage(below, here, here, upsample=part.upsample, norm=part.norm) for below, here in pairwise(reversed(filters))
        )
        self.head = nn.Conv2d(filters[0], 1, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width."""
        height, width = images.shape[-2:]
        x = pad_to_multiple(images, self.stride)
        skips: list[Tensor] = []
        for level, conv in enumerate(self.down):
            x = conv(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for stage in self.up:
            x = stage(x, skips.pop())
        return self.head(x)[..., :height, :width]  # type: ignore[no-any-return]
