"""From grey levels to what the network is fed, in training."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.export import by_hand
from tests.export.toys import DATA_PARTS, SIZE, data_part, random_image

from limner.data import load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.data.resident import NativeSet, ResidentSet
from limner.errors import RecipeError
from limner.imaging.resize import fit_inside, resize_image
from limner.recipe import Recipe, load_recipe
from limner.recipe.schema import DataPart
from limner.runtime import load
from limner.training import run as run_module
from limner.training.normalise import Normaliser, measured
from limner.training.run import train_run


def fed(image: np.ndarray, data: DataPart) -> np.ndarray:
    return Normaliser(data)(torch.from_numpy(image).permute(2, 0, 1)[None].float())[0].numpy()


@pytest.mark.parametrize("data", [part for part in DATA_PARTS.values() if not part.keep_aspect], ids=lambda data: data.normalisation)
def test_the_network_is_fed_what_the_definitions_say(data: DataPart) -> None:
    image = random_image(*SIZE)
    np.testing.assert_allclose(fed(image, data), by_hand.seen(image, data), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("normalisation", ["minmax", "zscore"])
@pytest.mark.parametrize("level", [0, 201, 255])
def test_a_flat_image_becomes_nought(normalisation: str, level: int) -> None:
    assert np.abs(fed(np.full((64, 64, 3), level, np.uint8), data_part(normalisation))).max() < 1e-4


@pytest.mark.parametrize("data", [data_part("imagenet"), data_part("imagenet", "grey"), data_part("measured", "green")], ids=str)
def test_it_holds_nothing_that_a_checkpoint_would_keep(data: DataPart) -> None:
    assert Normaliser(data).state_dict() == {}


@pytest.mark.parametrize("data", [data_part("zscore", "grey"), data_part("minmax"), data_part("imagenet", "grey")], ids=str)
def test_autocast_and_memory_layout_change_nothing(data: DataPart) -> None:
    images = torch.from_numpy(np.stack([random_image(*SIZE, seed) for seed in range(3)])).permute(0, 3, 1, 2).float()
    expected = Normaliser(data)(images.contiguous())
    with torch.autocast("cpu", torch.bfloat16):
        found = Normaliser(data)(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-5)


def test_what_is_not_measured_yet_is_an_error() -> None:
    with pytest.raises(RecipeError, match="no mean and standard deviation yet"):
        Normaliser(DataPart(normalisation="measured"))


# What is measured


def recipe(channels: str = "rgb", **data: object) -> Recipe:
    return Recipe(name="toy", data=DataPart(input_size=SIZE, normalisation="measured", channels=channels, **data))


def tinted(height: int, width: int, seed: int) -> np.ndarray:
    return (random_image(height, width, seed) * np.array([0.9, 0.5, 0.2])).astype(np.uint8)


def native() -> NativeSet:
    images = tuple(tinted(40 + 9 * seed, 60 - 5 * seed, seed) for seed in range(5))
    return NativeSet(tuple("abcde"), images, tuple(np.zeros(image.shape[:2], np.uint8) for image in images))


def pixels(images: NativeSet) -> np.ndarray:
    return np.concatenate([image.reshape(-1, 3) for image in images.images]).astype(float)


def test_the_mean_and_deviation_of_each_channel_are_measured() -> None:
    data = measured(recipe(), native()).data
    np.testing.assert_allclose(data.mean, np.mean(pixels(native()), axis=0), atol=1e-4)
    np.testing.assert_allclose(data.std, np.std(pixels(native()), axis=0), atol=1e-4)
    assert np.ptp(data.mean) > 50


@pytest.mark.parametrize("channels", ["grey", "green"])
def test_of_one_channel_it_is_what_the_network_sees(channels: str) -> None:
    data = measured(recipe(channels), native()).data
    seen = by_hand.channels(pixels(native()), channels)
    np.testing.assert_allclose(data.mean, [np.mean(seen)] * 3, atol=1e-4)
    np.testing.assert_allclose(data.std, [np.std(seen)] * 3, atol=1e-4)
    normalised = np.concatenate([fed(image, data).ravel() for image in native().images])
    assert (normalised.mean(), normalised.std()) == (pytest.approx(0, abs=1e-4), pytest.approx(1, abs=1e-4))


def test_black_around_an_image_does_not_count() -> None:
    images, places = np.zeros((2, *SIZE, 3), np.uint8), []
    for index, image in enumerate([tinted(20, 80, 0), tinted(90, 33, 1)]):
        places.append(fit_inside(image.shape[:2], SIZE))
        images[index][places[-1].window] = resize_image(image, (places[-1].height, places[-1].width))
    resident = ResidentSet(("a", "b"), images, np.zeros((2, *SIZE), np.uint8), tuple(places))
    data = measured(recipe(keep_aspect=True), resident).data
    content = np.concatenate([image[image.any(axis=2)] for image in images]).astype(float)  # in noise nothing else is quite black
    np.testing.assert_allclose(data.mean, np.mean(content, axis=0), rtol=0.01)
    np.testing.assert_allclose(data.std, np.std(content, axis=0), rtol=0.01)
    assert data.mean[0] > 1.5 * images[..., 0].mean()


def test_a_large_image_is_measured_piece_by_piece() -> None:
    image = np.zeros((700, 3000, 3), np.uint8)
    image[500:] = 140
    whole = NativeSet(("a",), (image,), (np.zeros(image.shape[:2], np.uint8),))
    data = measured(recipe(), whole).data
    assert data.mean == (40.0, 40.0, 40.0)
    assert data.std[0] == pytest.approx(140 * np.sqrt(2 / 7 * 5 / 7), abs=1e-4)


def test_images_of_one_colour_have_a_deviation_all_the_same() -> None:
    flat = ResidentSet(("a",), np.full((1, *SIZE, 3), 9, np.uint8), np.zeros((1, *SIZE), np.uint8))
    assert measured(recipe("grey"), flat).data.std == (1.0, 1.0, 1.0)
    assert measured(recipe("grey"), flat).data.mean == (9.0, 9.0, 9.0)


def test_it_is_the_same_in_any_order_and_measured_once() -> None:
    settled = measured(recipe("grey"), native())
    turned = NativeSet(tuple("edcba"), native().images[::-1], native().masks[::-1])
    assert measured(recipe("grey"), turned) == settled
    other = NativeSet(("a",), (np.zeros((*SIZE, 3), np.uint8),), (np.zeros(SIZE, np.uint8),))
    assert measured(settled, other) is settled
    assert DataPart.model_validate(settled.data.model_dump()) == settled.data


def test_nothing_is_measured_unasked() -> None:
    plain = Recipe(name="toy")
    assert measured(plain, native()) is plain


# A whole run

SMALL = ["epochs=1", "batch_size=4", "data.input_size=32", "network.filters=[4,8]"]


@pytest.fixture
def source(tmp_path):
    return write_phantoms(tmp_path / "polyps", count=10, size=(64, 36))


@pytest.mark.slow
def test_a_run_trains_and_exports_what_each_image_is_by_itself(source, tmp_path) -> None:
    settings = ["data.normalisation=minmax", "data.channels=grey", "data.keep_aspect=true"]
    run = train_run(source, load_recipe("phantom-unet", [*SMALL, *settings]), tmp_path / "run", progress=False)
    predictor = load(run)
    assert predictor.metadata.recipe == json.loads(load_recipe(run / "recipe.yaml").model_dump_json())
    assert predictor.metadata.parity["max_prob_difference"] < 1e-4
    assert predictor.predict(source / "images" / "polyp-0000.png").mask.shape == (64, 36)


def test_a_run_exports_by_what_it_has_measured(source, tmp_path, monkeypatch) -> None:
    exported = []
    monkeypatch.setattr(run_module, "_export", lambda run, recipe, *_: exported.append(recipe.data))
    recipe = load_recipe("phantom-unet", [*SMALL, "data.normalisation=measured", "data.keep_aspect=true"])
    run = train_run(source, recipe, tmp_path / "run", progress=False)
    dataset = open_source(source)
    images = [dataset[key].load_image() for key in load_split(run / "split.json").train]
    levels = np.concatenate([resize_image(image, (32, 18)).reshape(-1, 3) for image in images])
    np.testing.assert_allclose(exported[0].mean, np.mean(levels, axis=0), atol=1e-4)
    np.testing.assert_allclose(exported[0].std, np.std(levels, axis=0), atol=1e-4)
    assert load_recipe(run / "recipe.yaml").data == exported[0]
