"""The recipes for nuclei and vessels train on real images: each for a short run, in which its loss falls, and which ends in a model."""

import pytest
from tests.training.real_data import train_shortly

from limner.runtime import load

pytestmark = pytest.mark.slow

SMALL = ["batch_size=4", "data.test_fraction=0.15", "data.val_fraction=0.15"]
NARROW = [*SMALL, "data.input_size=64", "network.base_filters=16"]


@pytest.mark.parametrize(("levels", "dataset"), [(2, "drive"), (3, "drive"), (4, "drive"), (3, "chase-db1")])
def test_vessel_unets(levels, dataset, shared, tmp_path):
    settings = [*SMALL, "data.input_size=64", "epochs=6"]
    rows = train_shortly(f"vessel-unet-{levels}", shared, tmp_path / "run", *settings, dataset=dataset)
    assert rows[-1]["train_loss"] < 0.9 * rows[0]["train_loss"]
    recipe = load(tmp_path / "run").metadata.recipe
    assert (recipe["network"]["levels"], recipe["data"]["channels"], recipe["data"]["normalisation"]) == (levels, "grey", "minmax")


def test_nuclei_unet(shared, tmp_path):
    rows = train_shortly("nuclei-unet", shared, tmp_path / "run", *NARROW, "epochs=12", "optimiser.learning_rate=1e-3", images=20)
    assert rows[-1]["train_loss"] < 0.95 * rows[0]["train_loss"]
    measured = load(tmp_path / "run").metadata.recipe["data"]
    assert all(0 < value < 255 for value in (*measured["mean"], *measured["std"]))


@pytest.mark.parametrize(("name", "images"), [("nuclei-best", 14), ("vessel-best", 7)])
def test_best_on_patches(name, images, shared, tmp_path):
    settings = [*SMALL, "data.input_size=64", "network.filters=[8, 16, 32]", "epochs=2"]
    rows = train_shortly(name, shared, tmp_path / "run", *settings, images=images)
    assert rows[-1]["train_loss"] < 0.97 * rows[0]["train_loss"]
    assert load(tmp_path / "run").metadata.sampling == "patches"
