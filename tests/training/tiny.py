"""Trainings of a second: bright discs on noise, a network of a few weights, float32 on the CPU."""

import csv

import numpy as np
import torch

from limner.data.resident import ResidentSet
from limner.recipe import load_recipe
from limner.training.fit import fit, new_network
from limner.training.run_folder import RunFolder

SETTINGS = ["epochs=3", "batch_size=4", "data.input_size=32", "network.filters=[4,8]", "precision=float32", "accelerator=cpu"]
STILL = [f"augmentation.{change}=0" for change in ("horizontal_flip", "vertical_flip", "probability")]
ENCODER = ["network=encoder_unet", "network.encoder_name=test_resnet", "network.encoder_weights=none"]


def discs(count, size=32, seed=0):
    """Each with a mask; the last one is empty."""
    rng = np.random.default_rng(seed)
    rows, columns = np.ogrid[:size, :size]
    centres, radii = rng.uniform(0.3, 0.7, (count, 2)) * size, rng.uniform(0.1, 0.3, count) * size
    radii[-1] = -1
    masks = np.stack([(rows - y) ** 2 + (columns - x) ** 2 < r * abs(r) for (y, x), r in zip(centres, radii, strict=True)])
    images = rng.integers(0, 80, (count, size, size, 3)) + 120 * masks[..., None]
    return ResidentSet(tuple(f"disc-{number}" for number in range(count)), images.astype(np.uint8), masks.astype(np.uint8))


def tiny_recipe(*settings):
    other = any(setting.startswith("network=") for setting in settings)
    return load_recipe("phantom-unet", [*(setting for setting in SETTINGS if not (other and "filters" in setting)), *settings])


def train(folder, *settings, budget_s=None, images=12, progress=False):
    """Train, or go on if there is a checkpoint."""
    recipe, run = tiny_recipe(*settings), RunFolder(folder)
    fit(new_network(recipe, run), recipe, discs(images), discs(5, seed=1), run, budget_s=budget_s, progress=progress)
    return run


def history(run):
    """The rows of metrics.csv."""
    with run.metrics_file.open() as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def best(run):
    return torch.load(run.best, weights_only=True)


def last(run):
    return torch.load(run.last, weights_only=True)


def assert_equal(first, second):
    """The same tensors under the same names, bit for bit."""
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]) if isinstance(value, torch.Tensor) else value == second[name], name
