"""Blocks that several networks are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def double_conv(in_channels: int, out_channels: int, *, norm: str = "batch") -> nn.Sequential:
    """Two 3x3 convolutions, each followed by normalisation and ReLU; the unit of every U-Net here."""
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers.append(nn.Conv2d(channels, out_channels, 3, padding=1, bias=norm == "none"))
        if norm == "batch":
            layers.append(nn.BatchNorm2d(out_channels))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class DecoderStage(nn.Module):
    """Twice the resolution, concatenation with the skip connection, two convolutions.

    Args:
        in_channels: Channels from the stage below.
        skip_channels: Channels of the skip connection, 0 for none.
        out_channels: Channels of the result.
        upsample: `transposed` for a 2x2 transposed convolution, which also sets the channels; `nearest` for interpolation.
        norm: `batch` or `none`.
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, *, upsample: str, norm: str = "batch") -> None:
        super().__init__()
        transposed = upsample == "transposed"
        self.up: nn.Module = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2) if transposed else nn.Upsample(scale_factor=2.0)
        self.conv = double_conv((out_channels if transposed else in_channels) + skip_channels, out_channels, norm=norm)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Map (N, C, H, W) to (N, C', 2H, 2W); `skip` has the result's height and width."""
        x = self.up(x)
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        return self.conv(x)  # type: ignore[no-any-return]


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Pad (N, C, H, W) at the right and the bottom, by repeating the border, until both sides are divisible by `multiple`."""
    height, width = images.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    return F.pad(images, (0, right, 0, bottom), mode="replicate") if bottom or right else images
