"""How an image comes to the network, in training and in the file: the same images through both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch
from tests.data.folders import write_folder
from tests.export.toys import DATA_PARTS, SIZE, data_part, random_image, toy_recipe
from torch import nn

from limner.data import load_resident, open_source
from limner.evaluation.thresholds import choose_threshold
from limner.export import check_parity, export_network, new_metadata
from limner.export.graph import preprocess_graph
from limner.imaging import encode_png
from limner.runtime import load
from limner.training.normalise import Normaliser

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data import Dataset
    from limner.recipe import Recipe
    from limner.recipe.schema import DataPart


def in_the_file(images: np.ndarray, data: DataPart) -> np.ndarray:
    session = onnxruntime.InferenceSession(preprocess_graph(data).SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["pixels_normalised"], {"image": images})[0]


def in_training(images: np.ndarray, data: DataPart) -> np.ndarray:
    return Normaliser(data)(torch.from_numpy(images).permute(0, 3, 1, 2).float()).numpy()


@pytest.mark.parametrize("data", DATA_PARTS.values(), ids=DATA_PARTS.keys())
def test_training_and_file_make_the_same_of_an_image_of_the_input_size(data: DataPart) -> None:
    images = np.stack([random_image(*SIZE, 0), random_image(*SIZE, 1) // 9 + 30, np.full((*SIZE, 3), 77, np.uint8)])
    np.testing.assert_allclose(in_the_file(images, data), in_training(images, data), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("normalisation", ["unit", "zscore", "minmax"])
@pytest.mark.parametrize("keep_aspect", [False, True])
@pytest.mark.parametrize("size", [(60, 40), (24, 97), (1, 50), (31, 33)])
def test_the_resident_set_is_what_the_file_sees_up_to_rounding(tmp_path: Path, size, keep_aspect: bool, normalisation: str) -> None:
    image, data = random_image(*size), data_part(normalisation, keep_aspect=keep_aspect)
    dataset = pictures(tmp_path, {"a": (image, image[..., 0] > 128)})
    resident = load_resident(dataset, ["a"], SIZE, keep_aspect=keep_aspect)
    level = 1.01 / {"unit": 255, "zscore": 50, "minmax": 150}[normalisation]  # the spread of this noise is at least that
    assert np.abs(in_training(resident.images, data) - in_the_file(image[None], data)).max() < 2 * level


class Brightness(nn.Module):
    """A perfect network where the object is what is bright."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 20 * (image.mean(dim=1, keepdim=True) - 0.5)


@pytest.fixture(scope="module")
def perfect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = bright_recipe()
    return export_network(Brightness(), recipe, new_metadata(recipe), tmp_path_factory.mktemp("perfect") / "model.onnx")


def bright_recipe() -> Recipe:
    return toy_recipe().model_copy(update={"data": data_part("unit", "green", keep_aspect=True)})


@pytest.mark.parametrize("size", [(30, 200), (160, 50), (64, 96)])
def test_a_mask_comes_back_to_where_the_object_is(perfect: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    mask = np.zeros(size, bool)
    mask[size[0] // 5 : size[0] // 2, size[1] // 8 : 5 * size[1] // 8] = True  # not in the middle
    image = np.repeat(np.where(mask, 250, 5).astype(np.uint8)[..., None], 3, axis=2)
    found = load(perfect).predict(image).mask
    assert found.shape == size
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.9
    assert np.abs(np.argwhere(found).mean(axis=0) - np.argwhere(mask).mean(axis=0)).max() < max(size) / 64
    assert check_parity(Brightness(), bright_recipe(), perfect, [image]).max_prob_difference < 1e-5
    assert choose_threshold(load(perfect), pictures(tmp_path, {"a": (image, mask)})).value > 0.9


def pictures(folder: Path, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> Dataset:
    """A data set of images and masks."""
    files = {}
    for key, (image, mask) in pairs.items():
        files[f"images/{key}.png"] = encode_png(image)
        files[f"masks/{key}.png"] = encode_png(mask)
    return open_source(write_folder(folder / "data", files))
