"""A batch that is not square, and recipes' parts with one change or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from limner.recipe.schema import AugmentationPart
from limner.training.augment.draws import KINDS
from limner.training.loader import generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@pytest.fixture
def only() -> Callable[..., AugmentationPart]:
    """`only(rotate=30)`: nothing but that, for every image."""
    nothing = {**dict.fromkeys(KINDS, 0.0), "probability": 1.0}
    return lambda **changes: AugmentationPart(**{**nothing, **changes})


@pytest.fixture
def everything() -> AugmentationPart:
    return AugmentationPart(
        probability=0.8,
        vertical_flip=0.5,
        rotate=45,
        zoom=0.3,
        shift=0.1,
        shear=15,
        warp=0.2,
        elastic=0.05,
        brightness=0.2,
        contrast=0.3,
        saturation=0.3,
        hue=20,
        gamma=0.3,
        blur=1.5,
        noise=0.05,
        jpeg=60,
        dropout=0.2,
        cutmix=0.5,
    )


@pytest.fixture
def discs() -> tuple[Tensor, Tensor]:
    """Images that are their masks times 255, (3, 3, 48, 64)."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    masks = torch.stack([((y - cy).hypot(x - cx) < 12).float() for cy, cx in ((20, 25), (30, 40), (23.5, 31.5))])[:, None]
    return masks.repeat(1, 3, 1, 1) * 255, masks


@pytest.fixture
def textures() -> tuple[Tensor, Tensor]:
    """Smooth random images, all different, with random masks, (4, 3, 40, 56)."""
    random = generator(5)
    coarse = torch.rand(4, 3, 5, 7, generator=random) * 255
    images = torch.nn.functional.interpolate(coarse, size=(40, 56), mode="bicubic").clamp(0, 255)
    return images, (torch.rand(4, 1, 40, 56, generator=random) > 0.5).float()
