"""The post-processing of a model file, from the recipe or from the validation part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.folders import write_folder
from tests.export.toys import SIZE, data_part, toy_recipe
from tests.training.test_tune import Brightness

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.evaluation import PostProcessChoice, tune_postprocess
from limner.export import export_network, new_metadata
from limner.export.exporter import set_postprocess
from limner.imaging import encode_png
from limner.metrics.review import review_score
from limner.recipe import load_recipe
from limner.recipe.schema import PostProcessPart, ThresholdPart
from limner.runtime import load
from limner.runtime.format import read_metadata
from limner.runtime.postprocess import PostProcess, apply, clean
from limner.training.run import train_run
from limner.training.run_folder import RunFolder
from limner.training.tune import tune_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.data import Dataset

IMAGES = 12


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Bright objects, and as bright specks of 4 pixels that are none."""
    return open_source(write_folder(tmp_path_factory.mktemp("validation"), _files(specks=5)))


@pytest.fixture(scope="module")
def spotless(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_source(write_folder(tmp_path_factory.mktemp("spotless"), _files(specks=0)))


def _files(specks: int) -> dict[str, bytes]:
    random, files = np.random.default_rng(0), {}
    for number in range(IMAGES):
        mask = np.zeros(SIZE, bool)
        mask[20:40, 10 : 25 + number] = True
        shown = mask.copy()
        for column in random.choice(SIZE[1] // 4, specks, replace=False) * 4:
            shown[4:6, column : column + 2] = True
        levels = np.where(shown, 200, 40) + random.integers(0, 30, SIZE)
        files[f"images/{number:02}.png"] = encode_png(np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2))
        files[f"masks/{number:02}.png"] = encode_png(mask)
    return files


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recipe = toy_recipe().model_copy(update={"data": data_part("unit", "green")})
    path = tmp_path_factory.mktemp("brightness") / "model.onnx"
    return export_network(Brightness(), recipe, new_metadata(recipe), path).read_bytes()


@pytest.fixture
def tuned(exported: bytes, tmp_path: Path) -> Callable[..., RunFolder]:
    def tune(dataset: Dataset, threshold: str = "dice", **part: object) -> RunFolder:
        run = RunFolder(tmp_path)
        run.model.write_bytes(exported)
        chosen = PostProcessPart.model_validate(part)
        tune_model(run.model, ThresholdPart(choose=threshold), dataset, run, postprocess=chosen, progress=False)
        return run

    return tune


def test_what_helps_on_validation_is_stored_in_the_file(tuned, validation: Dataset) -> None:
    run = tuned(validation, choose="tuned")
    metadata = read_metadata(run.model)
    assert metadata.format_version == 3
    assert metadata.postprocess == PostProcess(min_area=8, origin=metadata.postprocess.origin)
    assert metadata.postprocess.origin.startswith("tuned on 12 validation images (mean per image: Dice from ")
    choice = PostProcessChoice.model_validate_json(run.postprocess_file.read_bytes())
    assert (choice.settings, choice.threshold, choice.n) == (metadata.postprocess, metadata.threshold, IMAGES)
    for item in validation.items[:3]:
        image = item.load_image()
        raw, done = load(run.model, postprocess=False).predict(image), load(run.model).predict(image)
        assert np.array_equal(done.mask, clean(raw.mask, choice.settings, scale=1))
        assert not np.array_equal(done.mask, raw.mask)
        assert np.array_equal(done.probs, raw.probs)


def test_the_choice_is_that_of_the_file(tuned, validation: Dataset) -> None:
    """Asked again, the finished file gives the same: that it post-processes already plays no part."""
    run = tuned(validation, choose="tuned")
    again = tune_postprocess(load(run.model), validation)
    assert again == PostProcessChoice.model_validate_json(run.postprocess_file.read_bytes())


def test_by_default_nothing_is_done(tuned, validation: Dataset) -> None:
    run = tuned(validation)
    assert read_metadata(run.model).postprocess is None
    assert read_metadata(run.model).format_version < 3
    assert not run.postprocess_file.exists()


def test_what_gains_nothing_is_not_stored(tuned, spotless: Dataset) -> None:
    run = tuned(spotless, choose="tuned")
    assert read_metadata(run.model).postprocess is None
    assert read_metadata(run.model).format_version < 3
    assert json.loads(run.postprocess_file.read_text())["settings"]["origin"].startswith("nothing is worth doing")


def test_a_fixed_one_is_the_recipes(tuned, validation: Dataset) -> None:
    run = tuned(validation, choose="fixed", opening=1, largest_only=True)
    expected = PostProcess(opening=1, largest_only=True, origin="fixed by the recipe")
    assert read_metadata(run.model).postprocess == expected
    assert not run.postprocess_file.exists()


def test_the_threshold_does_not_depend_on_it(tuned, validation: Dataset) -> None:
    choices = []
    for how in ("none", "tuned"):
        run = tuned(validation, choose=how)
        choices.append((run.threshold_file.read_text(), read_metadata(run.model).threshold))
    assert choices[0] == choices[1]


def test_for_a_recall_only_what_takes_nothing_is_tried(tuned, validation: Dataset) -> None:
    run = tuned(validation, threshold="recall", choose="tuned")
    assert [step["step"] for step in json.loads(run.postprocess_file.read_text())["steps"]] == ["split_touching", "max_hole"]


def test_images_are_flagged_by_the_masks_that_they_end_up_with(tuned, validation: Dataset) -> None:
    run = tuned(validation, choose="tuned")
    predictor = load(run.model)
    predictions = [predictor.predict(item.load_image()) for item in validation.items]
    scores = [review_score(prediction.probs, prediction.mask) for prediction in predictions]
    assert predictor.metadata.review.threshold == pytest.approx(np.quantile(scores, 0.9))
    raw = [review_score(prediction.probs, prediction.probs >= np.float32(predictor.threshold)) for prediction in predictions]
    assert predictor.metadata.review.threshold != pytest.approx(np.quantile(raw, 0.9))


def test_a_file_can_be_given_one_later_and_lose_it_again(exported: bytes, validation: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(exported)
    before, image = read_metadata(path), validation.items[0].load_image()
    wished = PostProcess(min_area=8, split_touching=True)
    set_postprocess(path, wished)
    assert read_metadata(path) == before.model_copy(update={"postprocess": wished, "format_version": 3})
    done = load(path).predict(image)
    assert np.array_equal(done.objects, apply(load(path, postprocess=False).predict(image), wished, scale=1).objects)
    assert done.objects.max() == 1
    set_postprocess(path, PostProcess())
    assert read_metadata(path) == before


def test_a_run_follows_its_recipe(tmp_path: Path) -> None:
    settings = ["epochs=1", "data.input_size=32", "network.filters=[4,8]", "threshold.calibrate=false"]
    wished = ["postprocess.choose=fixed", "postprocess.max_hole=9", "postprocess.split_touching=true"]
    source = write_phantoms(tmp_path / "nuclei", "nuclei", count=10, size=(48, 48))
    run = RunFolder(train_run(source, load_recipe("phantom-unet", [*settings, *wished]), tmp_path / "run", progress=False))
    metadata = read_metadata(run.model)
    assert metadata.postprocess == PostProcess(max_hole=9, split_touching=True, origin="fixed by the recipe")
    assert metadata.parity["mask_agreement"] > 0.99  # with the network, which knows nothing of it
    assert metadata.recipe["postprocess"]["choose"] == "fixed"
