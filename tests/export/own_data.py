"""A model whose network is right about most pixels, and the images that it says it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from tests.data.folders import write_folder
from torch import nn

from limner.data import open_source
from limner.export import export_network, new_metadata
from limner.files import sha256
from limner.imaging import encode_png
from limner.recipe import load_recipe
from limner.selection import HASH_DIGITS

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (32, 48)
TRAIN, VAL = 20, 6


class BrightSpots(nn.Module):
    """Finds what is brighter than the middle, by layers of the kinds that real networks have; nothing in it was learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.join = nn.Conv2d(16, 8, 3, padding=1)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seen = torch.relu(self.first(image))
        deep = self.up(self.down(seen)) + seen
        return self.head(torch.relu(self.join(torch.cat([deep, seen], dim=1))))


def bright_spots() -> BrightSpots:
    torch.manual_seed(0)
    network = BrightSpots()
    with torch.no_grad():
        for layer in (network.first, network.down[0], network.up, network.join):
            layer.weight.abs_()
            layer.bias.zero_()
        network.head.weight.fill_(1)
        middle = network(torch.full((1, 3, *SIZE), 0.5))[0, 0, 8:-8, 8:-8].mean()
        network.head.weight.mul_(8 / middle)
        network.head.bias.fill_(-8)
    return network


def picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright ellipse on a dark ground, with noise; and its mask."""
    rng = np.random.default_rng(seed)
    rows, columns = np.ogrid[:60, :80]
    mask = ((rows - rng.integers(20, 40)) / rng.integers(8, 16)) ** 2 + ((columns - rng.integers(25, 55)) / rng.integers(8, 20)) ** 2 < 1
    grey = np.where(mask, 190, 60) + rng.normal(0, 12, mask.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1), mask


def write_pictures(folder: Path) -> Path:
    files = {}
    for number in range(TRAIN + VAL):
        image, mask = picture(number)
        files[f"images/{number:02}.png"], files[f"masks/{number:02}.png"] = encode_png(image), encode_png(mask)
    return write_folder(folder, files)


def write_model_of(source: Path, path: Path, *settings: str, val: int = VAL, seed: int = 0) -> Path:
    """A model file that says it was made of the pictures in `source`."""
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}", "data.normalisation=unit", *settings])
    known = [sha256(item.image.read())[:HASH_DIGITS] for item in open_source(source).items]
    hashes = {"train": known[: len(known) - val], "val": known[len(known) - val :], "test": []}
    torch.manual_seed(seed)
    score = {"name": "dice", "convention": "per-image", "value": 0.9, "n": 5, "part": "test"}
    data = {"name": "spots", "hashes": hashes}
    return export_network(bright_spots(), recipe, new_metadata(recipe, threshold=0.4, training_data=data, metrics=[score]), path)
