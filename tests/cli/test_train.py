"""`limner train` and `limner export`, once for real, and what they refuse."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tests.data.folders import pairs, write_folder
from typer.testing import CliRunner

from limner import api
from limner.cli.app import app
from limner.data import load_split
from limner.data.splits import PARTS
from limner.evaluation import Evaluation
from limner.imaging import encode_png
from limner.recipe import load_recipe, save_recipe
from limner.runtime import load
from limner.runtime.format import read_metadata
from limner.training import run as run_module

TINY = ["--recipe", "phantom-unet", "--set", "epochs=1", "--set", "data.input_size=32", "--set", "network.filters=[4,8]"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("source") / "noise", pairs([f"case{number}" for number in range(12)]))


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    """The folder of a run, and what training it has printed."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    result = CliRunner().invoke(app, ["train", str(source), *TINY, "--out", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_run_folder_holds_model_scores_and_report(trained):
    folder, _ = trained
    for name in (
        "model.onnx",
        "report.html",
        "summary.json",
        "cases.csv",
        "recipe.yaml",
        "split.json",
    ):
        assert (folder / name).is_file(), name
    assert not (folder / "evaluation").exists(), "the same under the same names"
    assert Evaluation.load(folder).part == "test"


def test_the_summary_is_json_and_agrees_with_the_files(trained):
    folder, result = trained
    printed = json.loads(result.stdout)
    assert (printed["run"], printed["model_file"], printed["report"]) == tuple(
        str(folder / name) for name in ("", "model.onnx", "report.html")
    )
    assert printed["scores"] == [score.model_dump(mode="json") for score in Evaluation.load(folder).scores]
    assert (printed["problems"], printed["seen_in_training"], printed["notice"]) == ([], 0, None)
    assert printed["part"] == "test"
    assert "training on" in result.stderr


def test_the_model_file_carries_the_scores(trained):
    folder, result = trained
    scores = read_metadata(folder / "model.onnx").metrics
    assert [(score["name"], score["value"]) for score in scores] == [
        (score["name"], score["value"]) for score in json.loads(result.stdout)["scores"]
    ]
    assert {score["part"] for score in scores} == {"test"}


def test_a_finished_run_is_refused_and_resumes_to_the_same(limner, trained, source):
    folder, result = trained
    refused = limner("train", source, *TINY, "--out", folder)
    assert refused.exit_code == 1
    assert "add --resume" in refused.stderr
    again = limner("train", source, "--out", folder, "--resume", "--json", "-q")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["scores"] == json.loads(result.stdout)["scores"]


def test_resuming_with_another_recipe_is_an_error_that_names_the_difference(limner, trained, source):
    folder, _ = trained
    result = limner("train", source, "--out", folder, "--resume", "--set", "epochs=7", "--set", "seed=3")
    assert result.exit_code == 1
    assert "differs in: seed, epochs" in result.stderr


def test_resuming_with_the_same_settings_is_none(limner, trained, source):
    folder, _ = trained
    assert limner("train", source, *TINY, "--out", folder, "--resume", "-q").exit_code == 0


def test_the_table_says_where_everything_is(limner, trained, source):
    folder, _ = trained
    shown = limner("train", source, "--out", folder, "--resume", "-q").stdout
    assert re.search(r"Dice +per-image +0\.\d{4} +\d", shown)
    assert re.search(r"Dice +pooled +0\.\d{4} +\d", shown)
    assert f"model:  {folder / 'model.onnx'}\nreport: {folder / 'report.html'}\n" in shown
    assert "(best mean per-image Dice on " in shown


def test_export_writes_the_same_model(limner, trained, tmp_path):
    folder, _ = trained
    result = limner("export", folder, "--out", tmp_path / "a.onnx")
    assert result.exit_code == 0, result.output
    assert f"model: {tmp_path / 'a.onnx'}" in result.stdout
    assert "pixels with the same mask" in result.stdout
    assert load(tmp_path / "a.onnx").threshold == load(folder).threshold
    refused = limner("export", folder, "--out", tmp_path / "a.onnx")
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    facts = json.loads(limner("export", folder, "--out", tmp_path / "a.onnx", "--overwrite", "--json").stdout)
    assert facts["model"] == str(tmp_path / "a.onnx")
    assert facts["max_prob_difference"] < 1e-3


def test_a_folder_that_is_not_empty_is_refused(limner, source, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    result = limner("train", source, *TINY, "--out", tmp_path)
    assert result.exit_code == 1
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(limner, source, tmp_path, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "train_run", interrupted)
    result = limner("train", source, *TINY, "--out", tmp_path / "my run")
    assert result.exit_code == 130
    assert f"kept in {tmp_path / 'my run'}" in result.stderr
    assert f"limner train {source} --out '{tmp_path / 'my run'}' --resume" in result.stderr


def test_options_arrive(limner, source, tmp_path, monkeypatch):
    seen = {}

    def listen(*args, **kwargs):
        seen.update(kwargs, args=args)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "train_run", listen)
    limner("train", source, *TINY, "--out", tmp_path / "run", "--budget", "1h30m", "--split", "train=a.txt,test=b.txt", "-q")
    dataset, *rest = seen["args"]
    assert dataset.place == str(source)
    assert rest == [load_recipe("phantom-unet", TINY[3::2]), tmp_path / "run"]
    assert seen["budget_s"] == 5400.0
    assert {part: str(path) for part, path in seen["split"].items()} == {"train": "a.txt", "test": "b.txt"}
    assert (seen["resume"], seen["progress"]) == (False, False)


def test_the_folder_is_named_by_recipe_and_time(tmp_path):
    assert re.fullmatch(r"runs/planned-\d{8}-\d{6}", str(api.new_run_folder()))
    assert re.fullmatch(r"runs/polyp-best-\d{8}-\d{6}", str(api.new_run_folder("polyp-best")))
    assert re.fullmatch(r"runs/mine-\d{8}-\d{6}", str(api.new_run_folder("some/where/mine.yaml")))


def test_a_damaged_stored_recipe_is_named(limner, source, tmp_path):
    save_recipe(load_recipe("phantom-unet"), tmp_path / "recipe.yaml")
    (tmp_path / "recipe.yaml").write_text("epochs: many\n")
    result = limner("train", source, "--out", tmp_path, "--resume")
    assert result.exit_code == 1
    assert "recipe.yaml" in result.stderr


def test_what_could_not_be_paired_is_said_before_training(limner, tmp_path, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "train_run", interrupted)
    files = pairs([f"case{number}" for number in range(12)])
    del files["masks/case3.png"]
    result = limner("train", write_folder(tmp_path / "data", files), *TINY, "--out", tmp_path / "run", "-q")
    assert "WARNING: 1 problem in " in result.stderr
    assert "images/case3.png" in result.stderr


def test_an_exported_model_knows_the_data_that_it_was_made_of(limner, trained, source, tmp_path):
    folder, result = trained
    assert limner("export", folder, "--out", tmp_path / "alone.onnx").exit_code == 0
    again = limner("evaluate", tmp_path / "alone.onnx", source, "--out", tmp_path / "scores", "--json", "-q")
    assert json.loads(again.stdout)["scores"] == json.loads(result.stdout)["scores"]
    everything = limner("evaluate", tmp_path / "alone.onnx", source, "--part", "all", "--out", tmp_path / "all", "--json", "-q")
    assert json.loads(everything.stdout)["seen_in_training"] == 12 - json.loads(result.stdout)["n"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Twelve images of six patients, whose masks are maps of two labels."""
    rng = np.random.default_rng(0)
    files = {}
    for number in range(12):
        labels = np.zeros((40, 48), np.uint8)
        labels[5:20, 5:40], labels[22:36, 10:30] = 1, 2
        files[f"images/p{number // 2}_{number % 2}.png"] = encode_png(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))
        files[f"masks/p{number // 2}_{number % 2}.png"] = encode_png(labels)
    return write_folder(tmp_path_factory.mktemp("labelled") / "organs", files)


def test_without_a_recipe_one_is_planned_and_kept_with_its_reasons(limner, labelled, tmp_path):
    settings = ["--set", "epochs=1", "--set", "data.input_size=32", "--set", "network.filters=[4,8]"]
    folder = tmp_path / "run"
    result = limner("train", labelled, *settings, "--foreground", "2", "--group", "^[^_]+", "--out", folder)
    assert result.exit_code == 0, result.output
    assert "data.input_size [32, 32]: as you asked" in result.stderr
    assert "leak check: 12 images, 3 parts: no image, copy or group on both sides" in result.stderr
    recipe = load_recipe(folder / "recipe.yaml")
    assert (recipe.name, recipe.data.foreground, recipe.data.group) == ("planned", "2", "^[^_]+")
    plan = json.loads((folder / "plan.json").read_text())
    assert {reason["key"] for reason in plan["reasons"]} >= {"data.sampling", "data.input_size", "loss.name", "batch_size", "epochs"}
    split = load_split(folder / "split.json")
    parts = [{key.split("_")[0] for key in split.part(part)} for part in PARTS]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    again = limner("train", labelled, "--out", folder, "--resume", "-q")
    assert again.exit_code == 0, again.output
    scores = limner("evaluate", folder, labelled, "--foreground", "2", "--out", tmp_path / "scores")
    assert scores.exit_code == 0, scores.output


def test_masks_of_several_labels_are_refused_with_what_to_say(limner, labelled, tmp_path):
    result = limner("train", labelled, *TINY, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "--foreground" in result.stderr


def test_without_a_source_the_recipes_data_set_is_taken(limner, source, tmp_path, monkeypatch):
    seen = []

    def listen(dataset, *_args, **_kwargs):
        seen.append(dataset.place)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "train_run", listen)
    named = [*TINY, "--set", f"dataset={source}"]
    result = limner("train", *named, "--out", tmp_path / "run")
    assert seen == [str(source)]
    assert f"limner train --out {tmp_path / 'run'} --resume" in result.stderr
    limner("train", "--set", f"dataset={source}", "--out", tmp_path / "planned", "-q")
    assert seen == [str(source)] * 2


def test_neither_a_source_nor_a_data_set_is_wrong_usage(limner, tmp_path):
    for options in (TINY, []):
        result = limner("train", *options, "--out", tmp_path / "run")
        assert result.exit_code == 2
        assert "the recipe names no data set" in result.stderr
        assert "limner train polyps/" in result.stderr
    assert not (tmp_path / "run").exists()


def test_resuming_needs_no_source(limner, trained):
    folder, result = trained
    again = limner("train", "--out", folder, "--resume", "--json", "-q")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["scores"] == json.loads(result.stdout)["scores"]
