"""Blocks that several networks are made of: convolutions with what follows them, and the ways to make room around an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema.network import Upsample

Norm: TypeAlias = Literal["batch", "instance", "group", "none"]
_GROUP: Final = 8


def conv_block(in_channels: int, out_channels: int, *, convs: int = 2, norm: Norm = "batch", padding: int = 1) -> nn.Sequential:
    """3x3 convolutions, each followed by normalisation and ReLU; the unit of every U-Net here.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        convs: How many convolutions.
        norm: What follows each of them.
        padding: Zeros around the input of each; without them it takes one pixel from every side.
    """
    layers: list[nn.Module] = []
    for channels in (in_channels, *[out_channels] * (convs - 1)):
        layers.append(nn.Conv2d(channels, out_channels, 3, padding=padding, bias=norm == "none"))
        if norm != "none":
            layers.append(norm_layer(norm, out_channels))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def pointwise_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 1x1 convolution, batch normalisation, ReLU: mixes channels and leaves every position to itself."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """The normalisation of that name; `group` has groups of eight channels, or of the largest number below that divides them evenly."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "group":
            size = max(size for size in range(1, _GROUP + 1) if channels % size == 0)
            return nn.GroupNorm(channels // size, channels)
        case "none":
            return nn.Identity()


def upsampling(upsample: Upsample, in_channels: int, out_channels: int, *, relu: bool = False) -> tuple[nn.Module, int]:
    """What doubles height and width, and how many channels come out of it: interpolation leaves them as they are.

    Args:
        upsample: `transposed`, `nearest` or `bilinear`.
        in_channels: Channels of the input.
        out_channels: Channels that a transposed convolution gives.
        relu: Whether a transposed convolution is followed by ReLU.
    """
    if upsample != "transposed":
        return nn.Upsample(scale_factor=2.0, mode=upsample), in_channels
    up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
    return nn.Sequential(up, nn.ReLU(inplace=True)) if relu else up, out_channels


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Pad (N, C, H, W) at the right and the bottom, by repeating the border, until both sides are divisible by `multiple`.

    What would become a single position at that stride is made two: a normalisation over one value per channel, as a batch of one would
    give, is undefined.

    Example:
        >>> pad_to_multiple(torch.zeros(1, 3, 17, 64), 32).shape
        torch.Size([1, 3, 32, 64])
        >>> pad_to_multiple(torch.zeros(1, 3, 17, 30), 32).shape
        torch.Size([1, 3, 64, 32])
    """
    height, width = images.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if height <= multiple and width <= multiple:
        bottom += multiple
    return F.pad(images, (0, right, 0, bottom), mode="replicate") if bottom or right else images


def mirror(images: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Extend (N, C, H, W) by mirroring it at its border pixels, to and fro where the border is wider than the image.

    Example:
        >>> mirror(torch.tensor([[[[1, 2, 3]]]]), 0, 0, 2, 5)
        tensor([[[[3, 2, 1, 2, 3, 2, 1, 2, 3, 2]]]])
    """
    height, width = images.shape[-2:]
    rows = _mirrored(height, top, bottom, images.device)
    columns = _mirrored(width, left, right, images.device)
    return images.index_select(2, rows).index_select(3, columns)


def centre_crop(images: Tensor, height: int, width: int) -> Tensor:
    """The middle of (N, C, H, W), which is larger by an even number on both sides."""
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    return images[..., top : top + height, left : left + width]


def _mirrored(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """Which of `size` places stands at each place from -before to size + after: a wave of period 2 (size - 1)."""
    places = torch.arange(-before, size + after, device=device)
    if size == 1:
        return places * 0
    return (size - 1) - (places.remainder(2 * size - 2) - (size - 1)).abs()
