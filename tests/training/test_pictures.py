"""Predictions in TensorBoard."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.recipe import load_recipe
from limner.training.pictures import SHOWN, TAG, side_by_side
from limner.training.run import train_run

SETTINGS = ["epochs=2", "batch_size=4", "data.input_size=32", "network.filters=[4,8]", "data.val_fraction=0.4"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_epoch_has_a_picture_of_the_same_validation_images(tmp_path):
    dataset = open_source(write_phantoms(tmp_path / "polyps", "polyp", count=16, size=(48, 48)))
    train_run(dataset, load_recipe("phantom-unet", SETTINGS), tmp_path / "run", progress=False)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"), size_guidance={"images": 0}).Reload()
    assert events.Tags()["images"] == [f"{TAG}/{number}" for number in range(SHOWN)]
    for tag in events.Tags()["images"]:
        shots = events.Images(tag)
        assert [shot.step for shot in shots] == [1, 2]
        first, second = (np.asarray(Image.open(io.BytesIO(shot.encoded_image_string))) for shot in shots)
        assert first.shape == (32, 4 * 32, 3)
        np.testing.assert_array_equal(first[:, :64], second[:, :64])  # image and truth
        assert (first[:, 64:96] != second[:, 64:96]).any()  # the probability has changed


def test_columns_are_image_truth_probability_prediction():
    images = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    images[:, 0] = 255
    masks = torch.tensor([[[[1, 0], [0, 0]]]], dtype=torch.uint8)
    probs = torch.tensor([[[[0.9, 0.2], [0.5, 0.1]]]])
    (picture,) = side_by_side(images, masks, probs, 0.5)
    red, white, black = [1, 0, 0], [1, 1, 1], [0, 0, 0]
    assert picture[:, 0].T.tolist() == [red, red, white, black, pytest.approx([0.9] * 3), pytest.approx([0.2] * 3), white, black]
    assert picture[0, 1].tolist() == [1, 1, 0, 0, 0.5, pytest.approx(0.1), 1, 0]


def test_large_images_are_shrunk():
    images = torch.zeros(1, 3, 300, 1024, dtype=torch.uint8)
    masks = torch.zeros(1, 1, 300, 1024)
    assert side_by_side(images, masks, masks, 0.5).shape == (1, 3, 75, 4 * 256)
