"""Attention that a decoder can be given.

Roy, Navab and Wachinger, "Concurrent Spatial and Channel Squeeze & Excitation in Fully Convolutional Networks", MICCAI 2018,
arXiv:1803.02579.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class SCSE(nn.Module):
    """Concurrent spatial and channel squeeze & excitation, scSE.

    Every channel is scaled by a weight made from the means of all channels (cSE: two fully connected layers, the first to half as many
    channels, as the paper found best), and every position by a weight made from its channels (sSE); the two results are added.

    Args:
        channels: Channels of the input and of the result.

    Example:
        >>> import torch
        >>> SCSE(4)(torch.zeros(2, 4, 5, 6)).shape
        torch.Size([2, 4, 5, 6])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(1, channels // 2)
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(inplace=True), nn.Conv2d(squeezed, channels, 1), nn.Sigmoid()
        )
        self.spatial = nn.Sequential(nn.Conv2d(channels, 1, 1, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Recalibrate (N, C, H, W)."""
        return x * self.channel(x) + x * self.spatial(x)  # type: ignore[no-any-return]
