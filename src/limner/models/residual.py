"""The residual unit of ResUNet and ResUNet++, and the squeeze-and-excitation that the latter adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

SE_RATIO = 8  # of the channels to those between squeeze and excitation, as in the code of Jha et al.


class SqueezeExcitation(nn.Module):
    """Weighs each feature map by what all of them hold on average.

    Source: Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018.

    Args:
        channels: Of the feature maps.
        ratio: Of `channels` to the channels in between, of which there is at least one.
    """

    def __init__(self, channels: int, *, ratio: int = SE_RATIO) -> None:
        super().__init__()
        between = max(1, channels // ratio)
        self.gate = nn.Sequential(
            nn.Linear(channels, between, bias=False), nn.ReLU(inplace=True), nn.Linear(between, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scale (N, C, H, W) by a factor from 0 to 1 for each image and channel."""
        factors: Tensor = self.gate(x.mean(dim=(2, 3)))
        return x * factors[:, :, None, None]


class ResidualUnit(nn.Module):
    """Two convolutions, each after batch normalisation and ReLU, and a shortcut around them.

    The shortcut is the identity; where the shape changes, a 1x1 convolution with batch normalisation.

    Source: He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016, as used by Zhang et al. 2018 and Jha et al. 2019.

    Args:
        in_channels: Of the input.
        out_channels: Of the result.
        stride: Of the first convolution; 2 halves height and width.
        first: Whether the unit sees the image: its first convolution then stands alone, for there is nothing to normalise and rectify yet.
        attention: Whether squeeze-and-excitation weighs the sum.

    Example:
        >>> import torch
        >>> ResidualUnit(3, 8, stride=2)(torch.zeros(1, 3, 16, 20)).shape
        torch.Size([1, 8, 8, 10])
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, first: bool = False, attention: bool = False) -> None:
        super().__init__()
        before = () if first else (nn.BatchNorm2d(in_channels), nn.ReLU(inplace=False))  # the shortcut needs the input unchanged
        self.residual = nn.Sequential(
            *before,
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        self.stride = stride
        self.shortcut = nn.Identity() if stride == 1 and in_channels == out_channels else _projection(in_channels, out_channels)
        self.attention = SqueezeExcitation(out_channels) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        # Not by the stride of the 1x1 convolution: with few channels, oneDNN's backward pass of that writes beyond its workspace.
        strided = x[:, :, :: self.stride, :: self.stride]
        return self.attention(self.residual(x) + self.shortcut(strided))  # type: ignore[no-any-return]


def _projection(in_channels: int, out_channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))
