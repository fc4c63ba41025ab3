"""Changes of colour: the linear ones as one matrix, then gamma."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from limner.training.augment.draws import LINEAR_COLOUR, Draws, change_some

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import AugmentationPart

_LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


def recolour(images: Tensor, part: AugmentationPart, draws: Draws) -> Tensor:
    """Change brightness, contrast, saturation, hue and gamma of some images."""
    linear = any(getattr(part, kind) for kind in LINEAR_COLOUR)
    if not (linear or part.gamma):
        return images
    chosen = draws.happens("colour", part.probability)
    if linear:
        images = change_some(images, chosen, mix, *draw_mixtures(part, draws))
    if part.gamma:
        images = change_some(images, chosen, raise_to, draws.factor("gamma", part.gamma))
    return images


def draw_mixtures(part: AugmentationPart, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Random colour matrices (N, 3, 3), contrast factors (N,), and brightness offsets (N,) in grey levels."""
    colours = _saturate(draws.factor("saturation", part.saturation)) @ _rotate_hue(draws.either_way("hue", math.radians(part.hue)))
    return colours, draws.factor("contrast", part.contrast), draws.either_way("brightness", 255.0 * part.brightness)


def mix(images: Tensor, colours: Tensor, contrast: Tensor, brightness: Tensor) -> Tensor:
    """Apply colour matrices, contrast about each image's mean grey, and brightness; clipped to 0 to 255."""
    mean = images.mean((2, 3)) @ _LUMA.to(images.device)
    offset = mean * (1.0 - contrast) + brightness
    matrix = colours * contrast[:, None, None]
    return torch.baddbmm(offset[:, None, None], matrix, images.flatten(2)).clamp_(0.0, 255.0).view(images.shape)


def raise_to(images: Tensor, gamma: Tensor) -> Tensor:
    """Raise grey levels, as a share of the full range, to the power gamma (N,)."""
    return (images / 255.0).pow_(gamma[:, None, None, None]).mul_(255.0)


def _saturate(factor: Tensor) -> Tensor:
    grey = _LUMA.expand(3, 3)
    return grey + factor[:, None, None] * (torch.eye(3) - grey)


def _rotate_hue(angle: Tensor) -> Tensor:
    """Rotation of the colours about the grey axis (Rodrigues' formula)."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    return cos * torch.eye(3) + sin * cross + (1.0 - cos) / 3.0 * torch.ones(3, 3)
