"""A small network, a recipe for it, and images to try them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from limner.export import export_network, new_metadata
from limner.recipe import Recipe, load_recipe
from limner.recipe.schema import DataPart

if TYPE_CHECKING:
    from pathlib import Path

    from limner.types import ImageArray

SIZE = (32, 48)
THRESHOLD = 0.37  # not a float32
NORMALISATIONS = ("none", "unit", "minmax", "measured", "imagenet", "half", "zscore")
MEASURED = {"mean": (140.25, 90.5, 70.125), "std": (61.5, 40.25, 33.0)}


def data_part(normalisation: str = "imagenet", channels: str = "rgb", keep_aspect: bool = False) -> DataPart:
    numbers = MEASURED if normalisation == "measured" else {}
    return DataPart(input_size=SIZE, normalisation=normalisation, channels=channels, keep_aspect=keep_aspect, **numbers)


# Every way for an image to come to the network.
DATA_PARTS = {
    "-".join([normalisation, channels, *(["aspect"] if keep_aspect else [])]): data_part(normalisation, channels, keep_aspect)
    for normalisation in NORMALISATIONS
    for channels in ("rgb", "grey", "green")
    for keep_aspect in (False, True)
}


class ToyNetwork(nn.Module):
    """A few layers of the kinds that real networks have; its probabilities lie on both sides of the threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.head = nn.Conv2d(11, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 4 * self.head(torch.cat([self.up(self.down(image)), image], dim=1))


class ChannelMean(nn.Module):
    """The mean over the channels: the resizing and the normalisation in the file show through."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.mean(dim=1, keepdim=True)


class Surroundings(nn.Module):
    """The mean over the channels and the neighbourhood: what lies around an image shows at its border."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(image.mean(dim=1, keepdim=True), 5, stride=1, padding=2)


def toy_network() -> nn.Module:
    torch.manual_seed(3)
    network = ToyNetwork()
    with torch.no_grad():
        network.down[1].running_mean.normal_()  # else batch normalisation would do nothing, and a wrong mode would not show
        network.head.bias.sub_(0.5)
    return network.train()


def toy_recipe(normalisation: str = "imagenet", size: tuple[int, int] = SIZE) -> Recipe:
    return load_recipe("phantom-unet", [f"data.input_size={list(size)}", f"data.normalisation={normalisation}"])


def write_toy(path: Path) -> Path:
    recipe = toy_recipe()
    facts = {"threshold_origin": "chosen for the tests", "training_data": {"name": "toys", "train": 3}}
    metadata = new_metadata(recipe, threshold=THRESHOLD, **facts)
    return export_network(toy_network(), recipe, metadata, path)


def random_image(height: int, width: int, seed: int = 0) -> ImageArray:
    """Noise: at every pixel the hardest case for two resizings to agree on."""
    return np.random.default_rng((seed, height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)
