"""An ensemble gives the mean of its models' probabilities, whatever comes before and after their networks."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.export.toys import SIZE, ToyNetwork, random_image
from torch import nn

from limner.errors import ModelFileError
from limner.export import export_network, new_metadata, update_model
from limner.export.ensemble import check_ensemble, ensemble_metadata, export_ensemble
from limner.export.exporter import set_postprocess, write_model
from limner.recipe import load_recipe
from limner.runtime import load
from limner.runtime.format import read_metadata
from limner.runtime.postprocess import PostProcess

if TYPE_CHECKING:
    from limner.recipe import Recipe

SIZES = [(40, 60), (17, 31), (90, 40)]
THRESHOLDS = (0.25, 0.3, 0.44)


def recipe_of(*settings: str) -> Recipe:
    return load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}", *settings])


def export(folder: Path, number: int, recipe: Recipe) -> Path:
    """A model with weights, temperature and threshold of its own."""
    torch.manual_seed(number)
    network = ToyNetwork()
    if recipe.data.in_channels == 1:
        network.down[0], network.head = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(9, 1, 1)
    with torch.no_grad():
        network.head.weight.mul_(3)  # so that probabilities lie on both sides of a threshold
        network.head.bias.zero_()
    metadata = new_metadata(recipe, threshold=THRESHOLDS[number], temperature=1 + 0.4 * number)
    return export_network(network, recipe, metadata, folder / f"{number}.onnx")


def measured(number: int) -> Recipe:
    return recipe_of("data.normalisation=measured", f"data.mean=[{100 + 9 * number},90,80]", "data.std=[50,40,30]")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [export(folder, number, recipe_of()) for number in range(3)]


@pytest.fixture(scope="module")
def ensemble(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_ensemble(models, ensemble_metadata(models, recipe_of()), tmp_path_factory.mktemp("ensemble") / "all.onnx")


def run(path: Path, image: np.ndarray) -> list[np.ndarray]:
    """By ONNX Runtime alone."""
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"]).run(
        ["probs", "mask"], {"image": image[None]}
    )


@pytest.mark.parametrize("size", SIZES)
def test_probabilities_are_the_mean_of_those_of_the_models(models: list[Path], ensemble: Path, size: tuple[int, int]) -> None:
    image = random_image(*size)
    own = [run(model, image)[0] for model in models]
    assert np.abs(own[0] - own[1]).max() > 0.01, "else any of them would do"
    probs, mask = run(ensemble, image)
    np.testing.assert_allclose(probs, (own[0] + own[1] + own[2]) / 3, atol=1e-6)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, probs >= np.float32(np.mean(THRESHOLDS)))
    assert 0 < mask.mean() < 1


def test_post_processing_is_what_most_of_the_models_do(models: list[Path], tmp_path: Path) -> None:
    places = [Path(shutil.copyfile(model, tmp_path / f"{number}.onnx")) for number, model in enumerate(models)]
    for number, place in enumerate(places[:2]):
        set_postprocess(place, PostProcess(min_area=8 + 4 * number, origin=f"of fold {number}"))
    merged = ensemble_metadata(places, recipe_of()).postprocess
    assert merged is not None
    assert merged.words() == "objects below 10 px² removed"


@pytest.mark.parametrize("settings", [["data.channels=grey", "data.keep_aspect=true"], ["data.normalisation=zscore"]])
def test_whatever_comes_before_the_networks(settings: list[str], tmp_path: Path) -> None:
    recipe = recipe_of(*settings)
    models = [export(tmp_path, number, recipe) for number in range(2)]
    path = export_ensemble(models, ensemble_metadata(models, recipe), tmp_path / "both.onnx")
    parity = check_ensemble(models, path, [random_image(*size) for size in SIZES])
    assert parity.max_prob_difference < 1e-6
    assert (parity.mask_agreement, parity.n) == (1, 3)
    resizings = Counter(node.op_type for node in onnx.load(path).graph.node)["Resize"]
    assert resizings == 1 + 2, "the image once, the logits of each"


def test_what_is_alike_is_in_the_file_once_and_what_differs_is_not(models: list[Path], ensemble: Path, tmp_path: Path) -> None:
    alike = Counter(node.op_type for node in onnx.load(ensemble).graph.node)
    assert (alike["Transpose"], alike["Sub"], alike["Resize"], alike["Sigmoid"]) == (1, 1, 1 + 3, 3)
    others = [export(tmp_path, number, measured(number)) for number in range(3)]
    path = export_ensemble(others, ensemble_metadata(others, recipe_of("data.normalisation=measured")), tmp_path / "all.onnx")
    differing = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert (differing["Transpose"], differing["Sub"], differing["Resize"]) == (1, 3, 1 + 3)
    image = random_image(40, 60)
    np.testing.assert_allclose(run(path, image)[0], np.mean([run(model, image)[0] for model in others], axis=0), atol=1e-6)


def test_the_same_model_twice_is_that_model(models: list[Path], tmp_path: Path) -> None:
    twice = [models[1], models[1]]
    path = export_ensemble(twice, ensemble_metadata(twice, recipe_of()), tmp_path / "twice.onnx")
    image = random_image(40, 60)
    for found, own in zip(run(path, image), run(models[1], image), strict=True):
        assert np.array_equal(found, own)
    assert path.stat().st_size < 1.2 * models[1].stat().st_size, "its weights are there once"


def test_models_of_patches_are_joined_too(tmp_path: Path) -> None:
    recipe = recipe_of("data.sampling=patches", f"data.input_size={[32, 32]}")
    models = [export(tmp_path, number, recipe) for number in range(2)]
    path = export_ensemble(models, ensemble_metadata(models, recipe), tmp_path / "both.onnx")
    image = random_image(70, 90)
    own = [load(model).predict(image).probs for model in models]
    np.testing.assert_allclose(load(path).predict(image).probs, (own[0] + own[1]) / 2, atol=1e-6)
    assert load(path).metadata.sampling == "patches"


def test_the_file_says_what_it_is(ensemble: Path) -> None:
    metadata = read_metadata(ensemble)
    assert metadata.name == "phantom-unet-ensemble-of-3"
    assert metadata.threshold == pytest.approx(sum(THRESHOLDS) / 3)
    assert "mean of 3 folds' thresholds (0.25 to 0.44)" in metadata.threshold_origin
    assert metadata.temperature == 1, "each model has its own inside"


def test_the_threshold_can_be_changed(ensemble: Path, tmp_path: Path) -> None:
    path = shutil.copyfile(ensemble, tmp_path / "model.onnx")
    update_model(path, threshold=0.25)
    image = random_image(40, 60)
    probs, mask = run(path, image)
    assert np.array_equal(mask, probs >= np.float32(0.25))
    assert np.array_equal(probs, run(ensemble, image)[0])
    assert load(path).threshold == 0.25


def test_a_difference_is_seen(models: list[Path], ensemble: Path) -> None:
    """Compared with two of the three models, the ensemble is not their mean."""
    assert check_ensemble(models[:2], ensemble, [random_image(40, 60)]).max_prob_difference > 1e-3
    with pytest.raises(ValueError, match="at least one image"):
        check_ensemble(models, ensemble, [])


def test_one_model_is_no_ensemble(models: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="two models at least"):
        export_ensemble(models[:1], read_metadata(models[0]), tmp_path / "one.onnx")
    assert not any(tmp_path.iterdir())


def test_models_of_different_kinds_are_refused(models: list[Path], tmp_path: Path) -> None:
    other = export(tmp_path, 2, recipe_of("data.input_size=64"))
    with pytest.raises(ModelFileError, match="this one at 64 x 64 pixels, whole") as raised:
        export_ensemble([*models, other], ensemble_metadata(models, recipe_of()), tmp_path / "all.onnx")
    assert raised.value.where == str(other)


def test_a_damaged_model_is_refused(models: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    content = bytearray(models[2].read_bytes())
    content[content.index(b"head.weight") + 60] ^= 1
    broken.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged"):
        export_ensemble([models[0], broken], ensemble_metadata(models, recipe_of()), tmp_path / "all.onnx")


def test_what_cannot_be_joined_is_refused(models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = onnx.load(models[1])
    other.ir_version += 1
    path = write_model(other, read_metadata(models[1]), tmp_path / "newer.onnx")
    with pytest.raises(ModelFileError, match="different versions of limner"):
        export_ensemble([models[0], path], ensemble_metadata(models, recipe_of()), tmp_path / "all.onnx")
    monkeypatch.setattr("limner.export.ensemble._MOST_BYTES", 20_000)
    with pytest.raises(ModelFileError, match="one file cannot hold more"):
        export_ensemble(models, ensemble_metadata(models, recipe_of()), tmp_path / "all.onnx")
