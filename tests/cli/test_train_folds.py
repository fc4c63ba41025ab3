"""`limner train --folds`, once for real with its ensemble, and what it makes of failures, Ctrl-C and the same folder again."""

from __future__ import annotations

import csv
import json
import shutil
from statistics import fmean, stdev

import numpy as np
import pytest
from typer.testing import CliRunner

from limner.api import validating as validating_module
from limner.cli.app import app
from limner.data import load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.evaluation import Evaluation
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training import run as run_module
from limner.training.folds.folder import FoldsFolder
from limner.training.folds.pool import FoldSegmenter

TINY = ["--recipe", "phantom-unet", "--set", "epochs=1", "--set", "batch_size=4", "--set", "input_size=32", "--set", "filters=[4,8]"]
IMAGES = 14


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("source") / "polyps", count=IMAGES, size=(48, 40))


@pytest.fixture(scope="module")
def validated(source, tmp_path_factory):
    """The folder of a cross-validation of two folds with its ensemble, and what was printed."""
    folder = tmp_path_factory.mktemp("folds") / "tiny"
    result = CliRunner().invoke(app, ["train", str(source), *TINY, "--folds", "2", "--ensemble", "--out", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture
def copied(validated, tmp_path):
    """One that may be changed."""
    return shutil.copytree(validated[0], tmp_path / "copied")


@pytest.fixture
def quick(validated, monkeypatch):
    """Trainings that take no time: the real folds are copied. What was trained, in order; a fold may be told to end by an exception."""
    trained, ends = [], {}

    def train_one(dataset, recipe, place, *, split, budget_s, progress):
        trained.append((place.name, budget_s, recipe, load_split(split)))
        if place.name in ends:
            raise ends[place.name]
        shutil.copytree(validated[0] / "folds" / place.name, place)
        return type("Result", (), {"evaluation": validating_module._evaluate(dataset, place, progress=False)})

    monkeypatch.setattr(validating_module, "train_one", train_one)
    return trained, ends


def cases(folder):
    return list(csv.DictReader((folder / "cases.csv").read_text().splitlines()))


def test_each_fold_is_a_run_folder_and_each_image_is_tested_once(validated, source):
    folder, _ = validated
    tested = []
    for fold in (1, 2):
        run = folder / "folds" / f"fold-{fold}"
        for name in ("model.onnx", "report.html", "summary.json", "recipe.yaml", "run.json", "leaks.json"):
            assert (run / name).is_file(), name
        split = load_split(folder / "splits" / f"fold-{fold}.json")
        assert load_split(run / "split.json") == split
        assert split.fold == (fold, 2)
        tested += split.test
        assert {row["key"] for row in cases(run)} == set(split.test)
    assert sorted(tested) == sorted(open_source(source).keys())
    assert load_recipe(folder / "recipe.yaml") == load_recipe(folder / "folds" / "fold-1" / "recipe.yaml")


def test_the_scores_are_of_each_image_by_the_model_that_has_not_seen_it(validated):
    folder, result = validated
    own = {row["key"]: (row, fold) for fold in (1, 2) for row in cases(folder / "folds" / f"fold-{fold}")}
    together = cases(folder)
    assert [row["key"] for row in together] == sorted(own)
    for row in together:
        expected, fold = own[row["key"]]
        assert row["manifest.fold"] == str(fold)
        assert [row[name] for name in ("tp", "fp", "fn", "tn", "dice", "hausdorff95")] == [
            expected[name] for name in ("tp", "fp", "fn", "tn", "dice", "hausdorff95")
        ]
    evaluation = Evaluation.load(folder)
    assert (evaluation.n, evaluation.part, evaluation.seen_in_training) == (IMAGES, "all", 0)
    assert evaluation.score("dice").value == pytest.approx(fmean(float(row["dice"]) for row, _ in own.values()))
    tp, fp, fn = (sum(int(row[name]) for row, _ in own.values()) for name in ("tp", "fp", "fn"))
    assert evaluation.score("dice", "pooled").value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert evaluation.score("dice").interval is not None
    printed = json.loads(result.stdout)
    assert printed["scores"] == [score.model_dump(mode="json") for score in evaluation.scores]
    assert printed["problems"] == []


def test_the_folds_are_told_each_by_itself_and_with_their_spread(validated):
    folder, result = validated
    rows = json.loads(result.stdout)["folds"]
    assert rows == json.loads((folder / "summary.json").read_text())["folds"]
    assert [row["fold"] for row in rows] == ["1 of 2", "2 of 2", "mean ± standard deviation over the folds"]
    assert [row["images"] for row in rows] == [7, 7, IMAGES]
    for row, fold in zip(rows, (1, 2), strict=False):
        run = folder / "folds" / f"fold-{fold}"
        assert row["Dice"] == Evaluation.load(run).score("dice").value
        assert row["IoU"] == Evaluation.load(run).score("iou").value
        assert row["threshold"] == json.loads((run / "threshold.json").read_text())["threshold"]
        assert row["best epoch"] == 1
    dice = [row["Dice"] for row in rows[:2]]
    assert rows[2]["Dice"] == f"{fmean(dice):.3f} ± {stdev(dice):.3f}"
    page = (folder / "report.html").read_text()
    assert "2-fold cross-validation" in page
    assert rows[2]["Dice"] in page
    assert "14 images in 2 folds of 7\nleak check: " in result.stderr


def test_the_gallery_shows_what_the_model_of_each_images_fold_predicts(validated, source):
    folder, _ = validated
    segmenter = FoldSegmenter(FoldsFolder(folder), Evaluation.load(folder), "polyp")
    models = {fold: load(folder / "folds" / f"fold-{fold}") for fold in (1, 2)}
    for fold, other in ((1, 2), (2, 1)):
        sample = open_source(source)[load_split(folder / "splits" / f"fold-{fold}.json").test[0]].load()
        found = segmenter.predict_sample(sample).probs
        assert np.array_equal(found, models[fold].predict(sample.image).probs)
        assert not np.array_equal(found, models[other].predict(sample.image).probs)


def test_the_ensemble_is_the_mean_of_the_folds_models(validated, source):
    folder, result = validated
    assert json.loads(result.stdout)["model_file"] == str(folder / "model.onnx")
    ensemble, parts = load(folder), [load(folder / "folds" / f"fold-{fold}") for fold in (1, 2)]
    image = open_source(source).items[3].load_image()
    mean = (parts[0].predict(image).probs + parts[1].predict(image).probs) / 2
    np.testing.assert_allclose(ensemble.predict(image).probs, mean, atol=1e-6)
    assert ensemble.threshold == pytest.approx(fmean(part.threshold for part in parts))
    metadata = ensemble.metadata
    assert metadata.name == "phantom-unet-ensemble-of-2"
    assert metadata.parity["n"] == 8
    assert metadata.parity["max_prob_difference"] < 1e-6
    assert {score["part"] for score in metadata.metrics} == {"out-of-fold"}
    assert metadata.metrics[0]["value"] == Evaluation.load(folder).scores[0].value
    assert len(metadata.training_data["hashes"]["train"]) == metadata.training_data["train"] == IMAGES
    assert "MB: about 2 times a model of one fold" in result.stderr


def test_the_folder_is_a_model_like_another(limner, validated, source, tmp_path):
    folder, _ = validated
    evaluated = limner("evaluate", folder, source, "--out", tmp_path / "evaluated", "--json", "-q")
    assert evaluated.exit_code == 0, evaluated.output
    assert json.loads(evaluated.stdout)["seen_in_training"] == IMAGES, "each image was trained on by some of its models"
    predicted = limner("predict", folder, source / "images", "--out", tmp_path / "predicted", "-q")
    assert predicted.exit_code == 0, predicted.output
    assert len(list((tmp_path / "predicted" / "masks").iterdir())) == IMAGES
    exported = limner("export", folder, "--out", tmp_path / "all.onnx")
    assert exported.exit_code == 0, exported.output
    assert (tmp_path / "all.onnx").read_bytes() == (folder / "model.onnx").read_bytes()


def test_two_cross_validations_are_compared_on_all_images(limner, validated, copied, tmp_path):
    folder, _ = validated
    summary = json.loads((copied / "summary.json").read_text())
    summary["recipe"]["loss"] = {"name": "bce"}
    (copied / "summary.json").write_text(json.dumps(summary))
    result = limner("compare", folder, copied, "--out", tmp_path / "compared")
    assert result.exit_code == 0, result.output
    assert f"{IMAGES} images" in result.stdout


def test_the_same_again_is_refused_and_resumes_to_the_same_without_training(limner, validated, copied, monkeypatch):
    _, result = validated
    refused = limner("train", *TINY, "--folds", "2", "--out", copied)
    assert refused.exit_code == 1
    assert "already holds a cross-validation" in refused.stderr
    monkeypatch.setattr(run_module, "train_run", lambda *_args, **_kwargs: pytest.fail("nothing is left to train"))
    (copied / "model.onnx").unlink()
    for name in ("summary.json", "cases.csv", "report.html"):
        (copied / name).unlink()
    again = limner("train", "--out", copied, "--resume", "--ensemble", "--json")
    assert again.exit_code == 0, again.output
    first, second = json.loads(result.stdout), json.loads(again.stdout)
    assert second["folds"] == first["folds"]
    assert second["scores"] == first["scores"], "pooled scores of probabilities too, though sums over pixels are not saved"
    assert load(copied).metadata.threshold == load(validated[0]).metadata.threshold


def test_without_an_ensemble_there_is_no_model_of_the_whole(limner, source, copied, tmp_path):
    (copied / "model.onnx").unlink()
    for command in (
        ["predict", copied, source, "--out", tmp_path / "p"],
        ["evaluate", copied, source, "--out", tmp_path / "e"],
        ["export", copied, "--out", tmp_path / "m.onnx"],
    ):
        result = limner(*command)
        assert result.exit_code == 1
        assert "not joined in one file" in result.stderr
        assert "fold-1" in result.stderr


def test_a_fold_that_fails_is_named_at_the_end_and_tried_again(limner, source, tmp_path, quick):
    trained, ends = quick
    ends["fold-1"] = MemoryError("no room for so much\nand more")
    command = ["train", source, *TINY, "--folds", "2", "--out", tmp_path / "cv"]
    failed = limner(*command)
    assert failed.exit_code == 1
    assert "error: 1 of 2 folds failed: fold 1: MemoryError: no room for so much (fold-1.error.txt)" in failed.stderr
    assert "train_one" in (tmp_path / "cv" / "folds" / "fold-1.error.txt").read_text()
    assert [name for name, *_ in trained] == ["fold-1", "fold-2"], "the others go on"
    assert not (tmp_path / "cv" / "summary.json").exists(), "the scores of some images are not those of all"
    ends.clear()
    trained.clear()
    resumed = limner(*command, "--resume", "-q")
    assert resumed.exit_code == 0, resumed.output
    assert [name for name, *_ in trained] == ["fold-1"]
    assert Evaluation.load(tmp_path / "cv").n == IMAGES
    assert not (tmp_path / "cv" / "model.onnx").exists(), "no ensemble was asked for"
    assert "mean ± standard deviation over the folds" in resumed.stdout


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(limner, source, tmp_path, quick):
    trained, ends = quick
    ends["fold-2"] = KeyboardInterrupt()
    stopped = limner("train", source, *TINY, "--folds", "2", "--budget", "3m", "--ensemble", "--out", tmp_path / "cv")
    assert stopped.exit_code == 130
    assert f"go on with: limner train {source} --out {tmp_path / 'cv'} --resume --ensemble" in stopped.stderr
    ends.clear()
    resumed = limner("train", source, "--out", tmp_path / "cv", "--resume", "--ensemble", "-q")
    assert resumed.exit_code == 0, resumed.output
    assert [name for name, *_ in trained] == ["fold-1", "fold-2", "fold-2"]
    assert {budget_s for _, budget_s, *_ in trained} == {90}, "each fold gets its share"
    assert (tmp_path / "cv" / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("changed", "said"),
    [(["--folds", "3"], "differs in folds"), (["--budget", "1m"], "differs in budget_s"), (["--set", "epochs=2"], "differs in: epochs")],
)
def test_another_cross_validation_in_the_folder_is_refused(limner, source, copied, changed, said):
    result = limner("train", source, "--out", copied, "--resume", *changed)
    assert result.exit_code == 1
    assert said in result.stderr


def test_another_source_is_refused(limner, copied, tmp_path):
    other = write_phantoms(tmp_path / "others", count=4, size=(48, 40))
    result = limner("train", other, "--out", copied, "--resume")
    assert result.exit_code == 1
    assert "differs in source" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--folds", "5", "--split", "split.json"], "do not go together"),
        (["--folds", "1"], "--folds"),
        (["--ensemble"], "add --folds 5"),
        (["--folds", "5", "--resume"], "--out RUN"),
    ],
)
def test_wrong_usage(limner, source, options, said):
    result = limner("train", source, *TINY, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_more_folds_than_images_are_refused_and_nothing_is_left(limner, source, tmp_path, quick):
    result = limner("train", source, *TINY, "--folds", "20", "--out", tmp_path / "cv")
    assert result.exit_code == 1
    assert "14 images cannot be put into 20 folds" in result.stderr
    assert not (tmp_path / "cv").exists()


def test_everything_is_checked_before_the_first_fold(limner, source, tmp_path, quick):
    trained, _ = quick
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("precious")
    for options, said in (
        (["--set", "trainer.nodes=2", "--out", tmp_path / "cv"], "a cross-validation runs on one machine"),
        (["--set", "optimiser=nothing-of-torch", "--out", tmp_path / "cv"], "nothing-of-torch"),
        (["--out", tmp_path / "taken"], "not empty"),
    ):
        result = limner("train", source, *TINY, "--folds", "2", *options)
        assert result.exit_code == 1, result.output
        assert said in result.stderr
    assert trained == []
    assert not (tmp_path / "cv").exists()


def test_patients_are_in_one_fold(limner, source, tmp_path, quick):
    """Fourteen images of seven patients: polyp-0000 and polyp-0007 are of patient 0, and so on."""
    trained, ends = quick
    ends |= {"fold-1": MemoryError(), "fold-2": MemoryError()}
    renamed = shutil.copytree(source, tmp_path / "patients")
    for file in sorted(renamed.rglob("polyp-*")):
        number = int(file.stem[-4:])
        file.rename(file.with_name(f"p{number % 7}_{number // 7}{file.suffix}"))
    limner("train", renamed, *TINY, "--folds", "2", "--group", "^p[0-9]", "--out", tmp_path / "cv")
    for _, _, _, split in trained:
        patients = [{key[:2] for key in split.part(part)} for part in ("train", "val", "test")]
        assert sum(map(len, patients)) == 7, "none is in two parts"
