"""The order of the changes: as light meets them, from the scene over the camera to the file; what covers the picture comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from limner.training.augment.artefacts import add_noise, blur
from limner.training.augment.colour import recolour
from limner.training.augment.draws import Draws
from limner.training.augment.geometry import flip, move
from limner.training.augment.jpeg import compress
from limner.training.augment.mixing import cutmix, drop

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from limner.recipe.schema import AugmentationPart


def augment(images: Tensor, masks: Tensor, part: AugmentationPart, generator: Generator) -> tuple[Tensor, Tensor]:
    """Change each image of a batch, and its mask with it.

    Each kind of change has a random stream of its own: none depends on which others are switched on.

    Args:
        images: (N, 3, H, W) float, 0 to 255. They are not written to.
        masks: (N, 1, H, W) float, 0 or 1.
        part: How much of what.
        generator: On the CPU; the same state gives the same changes on any device.

    Returns:
        Images and masks of the same shapes, ranges, types and memory layout; with everything switched off, the very tensors given.

    Example:
        >>> from limner.recipe.schema import AugmentationPart
        >>> upside_down = AugmentationPart(probability=0, horizontal_flip=0, vertical_flip=1)
        >>> images, masks = torch.zeros(1, 3, 16, 16), torch.zeros(1, 1, 16, 16)
        >>> masks[:, :, 0] = 1
        >>> augment(images, masks, upside_down, torch.Generator())[1][0, 0, :, 0].nonzero().tolist()
        [[15]]
    """
    return _changed(images, masks, part, Draws(len(images), generator))


def augment_fully(images: Tensor, masks: Tensor, part: AugmentationPart, generator: Generator) -> tuple[Tensor, Tensor]:
    """As `augment`, but everything that is not switched off happens to each image, as strongly as it may; to look at."""
    return _changed(images, masks, part, Draws(len(images), generator, full=True))


def _changed(images: Tensor, masks: Tensor, part: AugmentationPart, draws: Draws) -> tuple[Tensor, Tensor]:
    layout = torch.channels_last if images.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    # In the training step's autocast, places and grey levels would be rounded to the eight bits of bf16.
    with torch.autocast(images.device.type, enabled=False), torch.autocast("cpu", enabled=False):
        images, masks = flip(images, masks, part, draws)
        images, masks = move(images, masks, part, draws)
        for change in (recolour, blur, add_noise, compress):
            images = change(images, part, draws)
        images, masks = cutmix(images, masks, part, draws)
        images = drop(images, part, draws)
        return images.contiguous(memory_format=layout), masks
