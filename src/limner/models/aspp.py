"""Atrous spatial pyramid pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

RATES = (1, 6, 12, 18)


class ASPP(nn.Module):
    """The same feature maps seen by 3x3 convolutions of several dilations, summed and mixed.

    Source: Chen et al., "DeepLab", PAMI 2018, whose branches are summed (their later ASPP concatenates), in the form of Jha et al. 2019.

    Args:
        in_channels: Of the input.
        out_channels: Of each branch and of the result.
        rates: Dilation of each branch, in pixels of the feature maps.

    Example:
        >>> import torch
        >>> ASPP(8, 4)(torch.zeros(2, 8, 6, 5)).shape
        torch.Size([2, 4, 6, 5])
    """

    def __init__(self, in_channels: int, out_channels: int, *, rates: tuple[int, ...] = RATES) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=rate, dilation=rate, bias=False), nn.BatchNorm2d(out_channels))
            for rate in rates
        )
        self.mix = nn.Conv2d(out_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H, W)."""
        return self.mix(sum(branch(x) for branch in self.branches))  # type: ignore[no-any-return]
