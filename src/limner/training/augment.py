"""Augmentation of whole batches, on the device where the batch is.

Each image draws its own parameters. All geometric changes of an image are composed into one homography and sampled once; all
photometric ones are linear in the colours, so they are composed into one 3x4 matrix and applied once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from limner.recipe.schema import AugmentationPart

_LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


def augment(images: Tensor, masks: Tensor, part: AugmentationPart, generator: Generator) -> tuple[Tensor, Tensor]:
    """Change each image of a batch, and its mask with it.

    Args:
        images: (N, 3, H, W) float, 0 to 255.
        masks: (N, 1, H, W) float, 0 or 1.
        part: How much of what.
        generator: On the CPU; the same state gives the same changes on any device.

    Returns:
        Images and masks of the same shapes, ranges and types.
    """
    # In the training step's autocast, places and grey levels would be rounded to the eight bits of bf16.
    with torch.autocast(images.device.type, enabled=False), torch.autocast("cpu", enabled=False):
        homographies = draw_homographies(part, len(images), generator)
        images, masks = warp(images, masks, homographies.to(images.device))
        return recolour(images, *draw_colour_changes(part, len(images), generator)), masks


def draw_homographies(part: AugmentationPart, n: int, generator: Generator) -> Tensor:
    """Random homographies (N, 3, 3) from output to input, in coordinates from -1 to 1 of a square."""

    def uniform(limit: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * 2 - 1) * limit

    angle = uniform(math.radians(part.rotate))
    scale = torch.exp(uniform(math.log1p(part.zoom)))
    shift = uniform(2 * part.shift, 2)
    tilt = uniform(part.warp, 2)
    matrix = torch.eye(3).repeat(n, 1, 1)
    matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos() / scale
    matrix[:, 1, 0] = angle.sin() / scale
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, :2, 2] = shift
    matrix[:, 2, :2] = tilt
    changed = torch.rand(n, generator=generator) < part.probability
    matrix = torch.where(changed[:, None, None], matrix, torch.eye(3))
    flips = torch.ones(n, 3)
    flips[:, 0] -= 2.0 * (torch.rand(n, generator=generator) < part.horizontal_flip)
    flips[:, 1] -= 2.0 * (torch.rand(n, generator=generator) < part.vertical_flip)
    return torch.diag_embed(flips) @ matrix


def warp(images: Tensor, masks: Tensor, homographies: Tensor) -> tuple[Tensor, Tensor]:
    """Sample the images bilinearly and the masks at the nearest pixel; what lies outside is the image mirrored."""
    n, _, height, width = images.shape
    y, x = torch.meshgrid(_centres(height, images.device), _centres(width, images.device), indexing="ij")
    aspect = width / height  # rotate in pixels, not in the stretched square
    points = torch.stack([x.flatten() * aspect, y.flatten(), torch.ones_like(x).flatten()])
    warped = homographies @ points
    grid = warped[:, :2] / warped[:, 2:].clamp_min(0.1)
    grid[:, 0] /= aspect
    grid = grid.transpose(1, 2).view(n, height, width, 2)
    return (
        F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False),
        F.grid_sample(masks, grid, mode="nearest", padding_mode="reflection", align_corners=False),
    )


def draw_colour_changes(part: AugmentationPart, n: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Random colour matrices (N, 3, 3), brightness offsets (N,) in grey levels, and contrast factors (N,)."""
    changed = (torch.rand(n, generator=generator) < part.probability).float()

    def uniform(limit: float) -> Tensor:
        return (torch.rand(n, generator=generator) * 2 - 1) * limit * changed

    contrast = torch.exp(uniform(math.log1p(part.contrast)))
    saturation = torch.exp(uniform(math.log1p(part.saturation)))
    hue = uniform(math.radians(part.hue))
    return _saturate(saturation) @ _rotate_hue(hue), 255.0 * uniform(part.brightness), contrast


def recolour(images: Tensor, colours: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Apply colour matrices, contrast about each image's mean grey, and brightness; clipped to 0 to 255."""
    device = images.device
    colours, brightness, contrast = colours.to(device), brightness.to(device), contrast.to(device)
    luma = _LUMA.to(device)
    mean = torch.einsum("nchw,c->n", images, luma) / images[0, 0].numel()
    offset = mean * (1.0 - contrast) + brightness
    matrix = (colours * contrast[:, None, None])[..., None, None]
    # A 1x1 convolution per image keeps the memory layout; as a grouped convolution it is one call for the batch.
    n, channels, height, width = images.shape
    mixed = F.conv2d(images.reshape(1, n * channels, height, width), matrix.reshape(n * channels, channels, 1, 1), groups=n)
    return (mixed.view_as(images) + offset[:, None, None, None]).clamp(0.0, 255.0)


def _centres(count: int, device: torch.device) -> Tensor:
    """Centres of `count` pixels in coordinates from -1 to 1."""
    return (torch.arange(count, device=device) * 2 + 1) / count - 1


def _saturate(factor: Tensor) -> Tensor:
    grey = _LUMA.expand(3, 3)
    return grey + factor[:, None, None] * (torch.eye(3) - grey)


def _rotate_hue(angle: Tensor) -> Tensor:
    """Rotation of the colours about the grey axis (Rodrigues' formula)."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    return cos * torch.eye(3) + sin * cross + (1.0 - cos) / 3.0 * torch.ones(3, 3)
