"""What optics and sensors do to a picture: blur and noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from limner.training.augment.draws import Draws, change_some

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import AugmentationPart


def blur(images: Tensor, part: AugmentationPart, draws: Draws) -> Tensor:
    """Blur some images."""
    if not part.blur:
        return images
    radius = math.ceil(3.0 * part.blur)
    return change_some(
        images, draws.happens("blur", part.probability), lambda some, sigma: smooth(some, sigma, radius), draws.upto("blur", part.blur)
    )


def smooth(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Gaussian blur by the standard deviations sigma (N,) in pixels; beyond the edge the image is mirrored at its outermost pixels.

    Each direction is a product with a matrix that holds the kernel in every row: several times as fast as a convolution, which would have
    another kernel for each image of the batch.
    """
    height, width = images.shape[2:]
    rows, columns = (_kernel_matrices(sigma, radius, count)[:, None] for count in (height, width))
    smoothed: Tensor = rows @ images @ columns.transpose(2, 3)
    return smoothed


def _kernel_matrices(sigma: Tensor, radius: int, count: int) -> Tensor:
    """(N, count, count): row i holds the weights of the pixels that make pixel i."""
    offsets = torch.arange(-radius, radius + 1, device=sigma.device)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None].clamp_min(1e-3)) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    period = max(2 * (count - 1), 1)
    places = (torch.arange(count, device=sigma.device)[:, None] + offsets).remainder(period)
    places = torch.minimum(places, period - places).expand(len(sigma), -1, -1)
    matrices = torch.zeros(len(sigma), count, count, device=sigma.device)
    return matrices.scatter_add_(2, places, kernel[:, None].expand_as(places))


def add_noise(images: Tensor, part: AugmentationPart, draws: Draws) -> Tensor:
    """Add Gaussian noise to some images.

    Drawing normal numbers for a whole batch would take longer than all other changes together. So one field is drawn, and each image takes
    it from another place on: within an image all numbers are independent.
    """
    if not part.noise:
        return images
    chosen = draws.happens("noise", part.probability)
    if not chosen.any():
        return images
    strength = draws.upto("noise", 255.0 * part.noise)[:, None, None, None]
    starts = (draws.uniform("noise", 2) * torch.tensor(images.shape[2:])).long()[chosen].tolist()
    field = torch.randn(images.shape[1:], generator=draws.stream("noise")).to(images.device)
    noise = torch.stack([field.roll(start, (1, 2)) for start in starts])
    return change_some(images, chosen, lambda some, deviation: torch.addcmul(some, noise, deviation).clamp_(0.0, 255.0), strength)
