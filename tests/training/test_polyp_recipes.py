"""The recipes for polyps train on real polyps: each for a short run, in which its loss falls, and which ends in a model."""

import pytest
from tests.training.real_data import train_shortly

from limner.runtime import load

pytestmark = pytest.mark.slow

SMALL = ["data.input_size=96", "batch_size=4", "epochs=6", "data.test_fraction=0.15", "data.val_fraction=0.15"]
FROM_NOTHING = ["network.encoder_weights=none", "optimiser.encoder_scale=1"]  # the weights of these encoders are not at hand


@pytest.mark.parametrize(
    ("name", "settings", "dataset"),
    [
        ("polyp-unet-resnet152", [*FROM_NOTHING, "data.input_size=64", "epochs=4"], ""),
        ("polyp-unet", ["optimiser.learning_rate=1e-3"], ""),
        ("polyp-resunet", ["optimiser.learning_rate=1e-3"], "cvc-clinicdb"),
        ("polyp-resunetpp", ["optimiser.learning_rate=1e-3"], ""),
    ],
)
def test_trains_from_nothing(name, settings, dataset, shared, tmp_path):
    rows = train_shortly(name, shared, tmp_path / "run", *SMALL, *settings, dataset=dataset)
    assert rows[-1]["train_loss"] < 0.97 * rows[0]["train_loss"]
    assert load(tmp_path / "run").metadata.recipe["name"] == name


@pytest.mark.parametrize(
    ("name", "normalisation"),
    [("polyp-unet-resnet50", "unit"), ("polyp-best", "unit"), ("polyp-fast", "half")],  # as the weights at hand were trained
)
def test_trains_with_pretrained_weights(name, normalisation, shared, tmp_path):
    settings = [f"network.encoder_weights={shared / 'weights'}", f"normalisation={normalisation}", "optimiser.learning_rate=2e-3"]
    rows = train_shortly(name, shared, tmp_path / "run", *SMALL, *settings)
    assert rows[-1]["train_loss"] < 0.9 * rows[0]["train_loss"]
    assert load(tmp_path / "run").metadata.parity["max_prob_difference"] < 1e-3
