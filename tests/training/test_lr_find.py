"""The range test on phantoms: the real training step, the training part alone, and a rate that trains."""

from __future__ import annotations

import csv
import math
import shutil

import numpy as np
import pytest
import torch

from limner.data import Split, make_split, open_source
from limner.data.phantoms import write_phantoms
from limner.imaging import write_image
from limner.recipe import load_recipe
from limner.training import lr_find
from limner.training import run as run_module
from limner.training.augment import augment
from limner.training.loader import ResidentLoader, generator
from limner.training.lr_find import run_ramp
from limner.training.lr_ramp import RECOMMENDED, Ramp
from limner.training.module import SegmentationModule
from limner.training.normalise import Normaliser
from limner.training.run import load_part, train_run

RECIPE = load_recipe("phantom-unet", ["batch_size=4", "input_size=32", "filters=[8,16]", "precision=float32", "channels_last=off"])
RAMP = Ramp(1e-5, 10.0, 60)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return open_source(write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=20, size=(32, 32)))


@pytest.fixture(scope="module")
def split(phantoms):
    return make_split(phantoms.keys(), val_fraction=0.15, test_fraction=0.2, seed=0)


@pytest.fixture(scope="module")
def found(phantoms, split):
    return run_ramp(phantoms, split, RECIPE, RAMP, progress=False)


def test_the_loss_falls_and_then_rises(found):
    smoothed = found.smoothed
    lowest = min(smoothed)
    assert lowest < 0.9 * smoothed[0]
    assert max(smoothed[smoothed.index(lowest) :]) > 1.05 * lowest


def test_suggestions_are_sane_and_a_training_with_the_recommended_one_learns(phantoms, split, found, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "_export", lambda *_: None)
    rate = found.suggestions[RECOMMENDED]
    assert all(1e-4 < one < 1 for one in found.suggestions.values()), found.suggestions
    files = {}
    for part in ("train", "val", "test"):
        files[part] = tmp_path / f"{part}.txt"
        files[part].write_text("\n".join(split.part(part)))
    losses = {}
    for name, peak in (("recommended", rate), ("far too low", rate / 1000)):
        recipe = RECIPE.model_copy(update={"epochs": 6, "optimiser": RECIPE.optimiser.model_copy(update={"learning_rate": peak})})
        run = train_run(phantoms, recipe, tmp_path / name, split=files, progress=False)
        rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
        losses[name] = float(rows[-1]["train_loss"])
    assert losses["recommended"] < 0.9 * losses["far too low"]


def test_the_first_loss_is_that_of_the_recipes_own_first_step(phantoms, split, found):
    """By hand: the network of the seed, the first batch of the loader, augmented and normalised as in training, its loss."""
    torch.manual_seed(RECIPE.seed)
    module = SegmentationModule(RECIPE, lr_find.build_network(RECIPE.network), pace=None)
    images, masks, _ = next(iter(ResidentLoader(load_part(phantoms, split.train, RECIPE.data), 4, seed=RECIPE.seed)))
    images, masks = augment(images.float(), masks.float(), RECIPE.augmentation, generator(RECIPE.seed, 0, 0))
    loss = module.loss(module.network.train()(Normaliser(RECIPE.data)(images)), masks)
    assert found.losses[0] == pytest.approx(loss.item(), rel=1e-4)


def test_it_is_repeatable(phantoms, split, found):
    again = run_ramp(phantoms, split, RECIPE, Ramp(1e-5, 10.0, 60), progress=False)
    assert again.losses[:20] == pytest.approx(found.losses[:20], rel=1e-4)


@pytest.fixture
def batches(monkeypatch):
    """The number of each training step, and the images of its batch."""
    seen = []
    step = SegmentationModule.training_step

    def noted(self, batch, index):
        seen.append((index, tuple(batch[2].tolist())))
        return step(self, batch, index)

    monkeypatch.setattr(SegmentationModule, "training_step", noted)
    return seen


def test_batches_are_other_ones_in_each_epoch_and_step(phantoms, split, batches):
    run_ramp(phantoms, split, RECIPE, Ramp(1e-6, 1e-4, 20), progress=False)
    assert [index for index, _ in batches] == list(range(20)), "each is augmented differently"
    steps = len(split.train) // 4
    epochs = [tuple(images for _, images in batches[start : start + steps]) for start in range(0, 20 - steps + 1, steps)]
    assert len(set(epochs)) == len(epochs)


def test_groups_keep_their_shares_and_gradients_are_accumulated(phantoms, split, batches, monkeypatch):
    settings = ["optimiser.accumulate=2", "optimiser.clip_norm=1", "optimiser.ema_decay=0.9"]
    recipe = load_recipe("phantom-unet", ["batch_size=4", "input_size=32", "filters=[4,8]", *settings])
    rates, optimise = [], torch.optim.AdamW.step

    def halved(self):
        first, *others = self.network.parameters()
        return torch.optim.AdamW([{"params": [first], "peak_lr": 3e-4}, {"params": others, "peak_lr": 3e-3}])

    def noted(self, *args, **kwargs):
        rates.append(tuple(group["lr"] for group in self.param_groups))
        return optimise(self, *args, **kwargs)

    monkeypatch.setattr(SegmentationModule, "configure_optimizers", halved)
    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    ramp = Ramp(1e-6, 1e-3, 20)
    assert len(run_ramp(phantoms, split, recipe, ramp, progress=False).losses) == 20
    assert [index for index, _ in batches] == list(range(40))
    assert np.allclose([own for _, own in rates], ramp.rates)
    assert np.allclose([encoder for encoder, _ in rates], np.array(ramp.rates) / 10)


def test_only_the_training_part_is_trained_on(phantoms, split, found, tmp_path):
    source = shutil.copytree(phantoms.place, tmp_path / "polyps")
    for key in (*split.val, *split.test):
        write_image(source / "images" / f"{key}.png", np.full((32, 32, 3), 255, np.uint8))
    again = run_ramp(open_source(source), Split.model_validate(split.model_dump()), RECIPE, Ramp(1e-5, 10.0, 60), progress=False)
    assert again.losses[:20] == pytest.approx(found.losses[:20], rel=1e-4)


def test_what_diverges_ends_it(phantoms, split):
    recipe = load_recipe(
        "phantom-unet", ["batch_size=4", "input_size=32", "filters=[4,8]", "optimiser=sgd", "network.norm=none", "loss=bce"]
    )
    test = run_ramp(phantoms, split, recipe, Ramp(1e-3, 1e12, 60), progress=False)
    assert test.diverged
    assert all(math.isfinite(loss) for loss in test.losses[:-1])


def test_patches_are_trained_on_as_patches(phantoms, split):
    recipe = load_recipe("phantom-unet", ["batch_size=4", "input_size=16", "filters=[4,8]", "sampling=patches"])
    assert len(run_ramp(phantoms, split, recipe, Ramp(1e-6, 1e-4, 20), progress=False).losses) == 20
