from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss
from tests.data.folders import write_folder
from tests.export.toys import SIZE, data_part, toy_recipe
from torch import nn

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.evaluation.calibration import Calibration
from limner.evaluation.thresholds import ThresholdChoice
from limner.export import check_parity, export_network, new_metadata
from limner.imaging import encode_png
from limner.metrics import count, f2
from limner.metrics.review import review_score
from limner.recipe import load_recipe
from limner.recipe.schema import ThresholdPart
from limner.runtime import load
from limner.training.run import train_run
from limner.training.run_folder import RunFolder
from limner.training.tune import tune_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from limner.data import Dataset
    from limner.recipe import Recipe
    from limner.runtime import Predictor

TRUE_TEMPERATURE = 3.0
IMAGES = 12


class Brightness(nn.Module):
    """The brighter, the surer: its logit is known from the image alone."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 20 * (image.mean(dim=1, keepdim=True) - 0.5)


def logits(image: np.ndarray) -> np.ndarray:
    """What the network says of an image of the input's size, which is not resized."""
    return 20 * (image[..., 1].astype(float) / 255 - 0.5)


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Masks drawn from the probabilities at the true temperature; some images are more doubtful than others."""
    random, files = np.random.default_rng(0), {}
    for number in range(IMAGES):
        levels = random.normal(110, 20 + 5 * number, SIZE).clip(0, 255)
        image = np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)
        files[f"images/{number}.png"] = encode_png(image)
        files[f"masks/{number}.png"] = encode_png(random.random(SIZE) < expit(logits(image) / TRUE_TEMPERATURE))
    return open_source(write_folder(tmp_path_factory.mktemp("validation"), files))


def recipe(**data: object) -> Recipe:
    return toy_recipe().model_copy(update={"data": data_part("unit", "green").model_copy(update=data)})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    known = {"threshold": 0.5, "threshold_origin": "fixed by the recipe"}
    path = tmp_path_factory.mktemp("brightness") / "model.onnx"
    return export_network(Brightness(), recipe(), new_metadata(recipe(), **known), path).read_bytes()


@pytest.fixture
def tuned(exported: bytes, validation: Dataset, tmp_path: Path) -> Callable[..., Predictor]:
    def tune(dataset: Dataset = validation, **part: object) -> Predictor:
        run = RunFolder(tmp_path)
        run.model.write_bytes(exported)
        tune_model(run.model, ThresholdPart.model_validate(part), dataset, run, progress=False)
        return load(run.model)

    return tune


def test_the_file_divides_by_the_temperature_that_was_found(tuned, validation: Dataset) -> None:
    predictor = tuned()
    temperature = predictor.metadata.temperature
    assert temperature == pytest.approx(TRUE_TEMPERATURE, rel=0.1)
    for item in validation.items[:3]:
        prediction, expected = predictor.predict(item.load_image()), expit(logits(item.load_image()) / temperature)
        np.testing.assert_allclose(prediction.probs, expected, atol=1e-5)
        assert np.array_equal(prediction.mask, prediction.probs >= np.float32(predictor.threshold))
    images = [item.load_image() for item in validation.items]
    parity = check_parity(Brightness(), recipe(), predictor.path, images)
    assert parity.max_prob_difference < 1e-5
    assert parity.mask_agreement > 0.999


def test_the_run_folder_says_what_calibration_has_brought(tuned, validation: Dataset, tmp_path: Path) -> None:
    predictor, found = tuned(), Calibration.load(tmp_path / "calibration.json")
    samples = [item.load() for item in validation.items]
    target = np.concatenate([sample.mask.ravel() for sample in samples])
    z = np.concatenate([logits(sample.image).ravel() for sample in samples])
    assert found.temperature == predictor.metadata.temperature
    assert found.nll_before == pytest.approx(log_loss(target, expit(z)), abs=1e-3)
    assert found.nll_after == pytest.approx(log_loss(target, expit(z / found.temperature)), abs=1e-3)
    assert found.nll_after < found.nll_before
    assert found.ece_after < found.ece_before
    assert (found.n, found.pixels) == (IMAGES, target.size)
    assert all(one.n for one in (*found.reliability_before, *found.reliability_after))


@pytest.mark.parametrize("choose", ["dice", "iou", "f2"])
def test_the_threshold_is_chosen_on_calibrated_probabilities(tuned, tmp_path: Path, choose: str) -> None:
    predictor = tuned(choose=choose)
    choice = ThresholdChoice.model_validate_json((tmp_path / "threshold.json").read_bytes())
    assert (predictor.threshold, predictor.metadata.threshold_origin) == (choice.threshold, choice.sentence())
    assert (choice.metric, choice.temperature) == (choose, predictor.metadata.temperature)
    assert predictor.metadata.threshold_origin.endswith(f"after calibration by a temperature of {choice.temperature:.2f}")
    assert choice.value == max(getattr(point, choose) for point in choice.curve)


def test_a_wished_recall_is_reached_by_the_file_itself(tuned, validation: Dataset) -> None:
    predictor = tuned(choose="recall", recall=0.9)
    samples = [item.load() for item in validation.items]
    counts = [count(predictor.predict(sample.image).mask, sample.mask) for sample in samples]
    assert 0.9 <= np.mean([c.tp / (c.tp + c.fn) for c in counts]) < 0.92
    assert "recall of at least 0.9 on 12 validation images with foreground" in predictor.metadata.threshold_origin


def test_calibration_changes_no_mask_but_for_the_grid_of_thresholds(tuned, validation: Dataset) -> None:
    masks = []
    for calibrate in (True, False):
        predictor = tuned(calibrate=calibrate, choose="f2")
        masks.append([predictor.predict(item.load_image()).mask for item in validation.items])
    truth = [item.load().mask for item in validation.items]
    scores = [np.mean([f2(count(mask, true)) for mask, true in zip(those, truth, strict=True)]) for those in masks]
    assert scores[0] == pytest.approx(scores[1], abs=0.005)


def test_nothing_is_chosen_where_the_recipe_has_fixed_it(tuned, tmp_path: Path) -> None:
    metadata = tuned(choose="fixed", value=0.35, calibrate=False).metadata
    assert (metadata.threshold, metadata.threshold_origin, metadata.temperature) == (0.35, "fixed by the recipe", 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert metadata.review is not None


def test_a_fixed_threshold_is_one_of_calibrated_probabilities(tuned, tmp_path: Path) -> None:
    metadata = tuned(choose="fixed", value=0.35).metadata
    assert (metadata.threshold, metadata.temperature) == (0.35, pytest.approx(TRUE_TEMPERATURE, rel=0.1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.json", "model.onnx"]


def test_a_tenth_of_the_validation_images_is_flagged(tuned, validation: Dataset) -> None:
    predictor = tuned()
    predictions = [predictor.predict(item.load_image()) for item in validation.items]
    scores = [review_score(prediction.probs, prediction.mask) for prediction in predictions]
    assert sum(score > predictor.metadata.review.threshold for score in scores) == 2
    assert predictor.metadata.review.origin == "the most doubtful 10 % of 12 validation images lie above it"


def test_few_images_are_neither_calibrated_on_nor_flagged_by(tuned, validation: Dataset, tmp_path: Path) -> None:
    few = validation.subset(sorted(validation.keys())[:4])
    metadata = tuned(few).metadata
    assert (metadata.temperature, metadata.review) == (1.0, None)
    assert metadata.threshold_origin == "best mean per-image Dice on 4 validation images"
    found = Calibration.load(tmp_path / "calibration.json")
    assert found.origin == "not calibrated: it takes 5 validation images with foreground, and there are 4"
    assert found.reliability_before == found.reliability_after


def test_without_objects_a_recall_cannot_be_asked_for(tuned, tmp_path: Path) -> None:
    files = {}
    for number in range(2):
        files[f"images/{number}.png"] = encode_png(np.full((*SIZE, 3), 40 + number, np.uint8))
        files[f"masks/{number}.png"] = encode_png(np.zeros(SIZE, bool))
    empty = open_source(write_folder(tmp_path / "empty", files))
    assert tuned(empty, choose="recall").metadata.threshold_origin == "best mean per-image Dice on 2 validation images"


def test_a_model_of_patches_is_calibrated_on_what_its_tiles_say_together(validation: Dataset, tmp_path: Path) -> None:
    patches = recipe(sampling="patches", input_size=(32, 32))
    run = RunFolder(tmp_path)
    export_network(Brightness(), patches, new_metadata(patches), run.model)
    tune_model(run.model, ThresholdPart(), validation, run, progress=False)
    predictor, found = load(run.model), Calibration.load(run.calibration_file)
    samples = [item.load() for item in validation.items]
    target = np.concatenate([sample.mask.ravel() for sample in samples])
    probs = np.concatenate([predictor.predict(sample.image).probs.ravel() for sample in samples])
    assert found.temperature == pytest.approx(TRUE_TEMPERATURE, rel=0.1)
    assert found.nll_after == pytest.approx(log_loss(target, probs.astype(float)), abs=1e-3)
    assert check_parity(Brightness(), patches, run.model, [sample.image for sample in samples[:3]]).max_prob_difference < 1e-5


def test_a_run_on_phantoms_ends_calibrated(tmp_path: Path) -> None:
    """From the training to the file: every number about the validation part can be found again with the file alone."""
    settings = ["epochs=20", "batch_size=4", "data.input_size=32", "network.filters=[4,8]", "data.val_fraction=0.4", "threshold.choose=f2"]
    source = write_phantoms(tmp_path / "polyps", count=30, size=(48, 40))
    run = RunFolder(train_run(source, load_recipe("phantom-unet", settings), tmp_path / "run", progress=False))
    found, metadata = Calibration.load(run.calibration_file), load(run.path).metadata
    assert found.temperature == metadata.temperature != 1
    assert found.nll_after < found.nll_before
    assert metadata.parity["max_prob_difference"] < 1e-3
    assert metadata.threshold_origin.startswith("best mean per-image F2 on ")
    val = open_source(source).subset(json.loads(run.split_file.read_text())["val"])
    samples = [item.load() for item in val.items]
    probs = np.concatenate([load(run.path).predict(sample.image).probs.ravel() for sample in samples])
    assert found.nll_after == pytest.approx(log_loss(np.concatenate([s.mask.ravel() for s in samples]), probs.astype(float)), abs=1e-3)
