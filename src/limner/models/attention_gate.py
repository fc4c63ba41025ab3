"""The attention gate of ResUNet++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class AttentionGate(nn.Module):
    """Weighs the decoder's feature maps by what encoder and decoder see at each place.

    Source: the code of Jha et al. 2019. Other than in Attention U-Net (Oktay et al. 2018) it is the decoder's path that is weighed and not
    the skip connection, each channel has weights of its own, and these are not confined to 0 to 1.

    Args:
        skip_channels: Of the encoder's feature maps, at twice the resolution.
        channels: Of the decoder's feature maps, and of the result.

    Example:
        >>> import torch
        >>> AttentionGate(4, 8)(torch.zeros(2, 8, 6, 5), skip=torch.zeros(2, 4, 12, 10)).shape
        torch.Size([2, 8, 6, 5])
    """

    def __init__(self, skip_channels: int, channels: int) -> None:
        super().__init__()
        # The first two convolutions have no bias: the batch normalisation of their sum would take it away.
        self.skip = nn.Sequential(*_rectified_conv(skip_channels, channels, bias=False), nn.MaxPool2d(2))
        self.below = nn.Sequential(*_rectified_conv(channels, channels, bias=False))
        self.weights = nn.Sequential(*_rectified_conv(channels, channels, bias=True))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (N, C, H, W) and the skip connection's (N, C', 2H, 2W) to (N, C, H, W)."""
        weights: Tensor = self.weights(self.skip(skip) + self.below(x))
        return weights * x


def _rectified_conv(in_channels: int, out_channels: int, *, bias: bool) -> tuple[nn.Module, ...]:
    return nn.BatchNorm2d(in_channels), nn.ReLU(inplace=False), nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)
