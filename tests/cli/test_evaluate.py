from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from tests.data.folders import image_bytes, mask_bytes, write_folder, write_zip

from limner.data import load_split
from limner.evaluation import Evaluation
from limner.export.exporter import update_model
from limner.imaging import encode_png, read_mask
from limner.runtime.format import read_metadata

FILES = ["cases.csv", "report.html", "report.md", "summary.json"]


@pytest.fixture
def exported(run, tmp_path):
    """The run's model, alone in another folder; it holds the hashes of the images that it was made of."""
    parts = {name: files for name, files in json.loads((run / "split.json").read_text()).items() if name in {"train", "val", "test"}}
    hashes = {name: [of["image"][:12] for of in files.values()] for name, files in parts.items()}
    path = tmp_path / "elsewhere" / "polyp.onnx"
    path.parent.mkdir()
    shutil.copyfile(run / "model.onnx", path)
    metadata = read_metadata(path)
    update_model(path, metadata=metadata.model_copy(update={"training_data": {**metadata.training_data, "hashes": hashes}}))
    return path


def test_of_a_runs_own_data_only_the_test_part_is_evaluated(limner, run, data, tmp_path):
    out = tmp_path / "out"
    result = limner("evaluate", run, data, "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "the test part" in result.stdout
    assert f"report: {out / 'report.html'}" in result.stdout
    assert "only its test part is evaluated (2 images)" in result.stderr
    assert "WARNING" not in result.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert sorted(case["key"] for case in summary["cases"]) == list(load_split(run / "split.json").test)


def test_every_number_in_the_table_carries_its_convention(limner, run, data, tmp_path):
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "-q")
    lines = result.stdout.splitlines()
    scores = [line.split() for line in lines if line.strip().startswith(("Dice", "IoU", "Precision", "Recall"))]
    assert [(row[0], row[1]) for row in scores] == [
        (metric, convention) for convention in ("per-image", "pooled") for metric in ("Dice", "IoU", "Precision", "Recall")
    ]
    assert all((row[4], row[6:]) == ("to", ["2", "0.37"]) for row in scores)  # value, low to high, images, threshold
    assert all(float(row[3]) - 1e-4 <= float(row[2]) <= float(row[5]) + 1e-4 for row in scores)
    without = [line.split() for line in lines if line.strip().startswith(("Average precision", "Expected"))]
    assert without
    assert all(row[-1] == "2" for row in without)  # they need no threshold, and so have none
    assert "empty masks: one; surface Dice at 2 px; intervals: 2000 resamples of images" in result.stdout


def test_the_runs_own_data_is_known_by_its_content_not_its_place(limner, run, data, tmp_path):
    files = {path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*.png")}
    archive = write_zip(tmp_path / "packed.zip", files)
    result = limner("evaluate", run / "model.onnx", archive, "--out", tmp_path / "out", "--json")
    assert json.loads(result.stdout)["part"] == "test"


def test_of_other_data_all_images_are_evaluated(limner, run, tmp_path):
    files = {"images/case0.png": image_bytes(100), "masks/case0.png": mask_bytes(100)}
    other = write_folder(tmp_path / "other", files)
    result = limner("evaluate", run, other, "--out", tmp_path / "out", "--json")
    found = json.loads(result.stdout)
    assert (found["part"], found["n"], found["source"]) == ("all", 1, "other")
    assert "WARNING" not in result.stderr


def test_images_seen_in_training_are_warned_about(limner, run, data, tmp_path):
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--part", "all", "-q")
    assert result.exit_code == 0
    assert "WARNING: 8 of the 10 images evaluated were used to train this model" in result.stderr


def test_one_image_seen_in_training_hidden_in_other_data_is_found(limner, run, data, tmp_path):
    seen = load_split(run / "split.json").train[0]
    files = {"images/other.png": image_bytes(100), "masks/other.png": mask_bytes(100)}
    files |= {"images/renamed.png": (data / "images" / f"{seen}.png").read_bytes(), "masks/renamed.png": mask_bytes(1)}
    result = limner("evaluate", run, write_folder(tmp_path / "other", files), "--out", tmp_path / "out", "-q")
    assert "WARNING: 1 of the 2 images" in result.stderr


@pytest.mark.parametrize(("part", "n"), [("train", 6), ("val", 2), ("test", 2), ("all", 10)])
def test_a_part_can_be_chosen(limner, run, data, tmp_path, part, n):
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--part", part, "--json", "-q")
    assert (json.loads(result.stdout)["part"], json.loads(result.stdout)["n"]) == (part, n)


def test_a_model_without_a_run_takes_a_split(limner, toy_model, run, data, tmp_path):
    (tmp_path / "test.txt").write_text("case1\ncase2\ncase3\n")
    listed = limner("evaluate", toy_model, data, "--split", f"test={tmp_path / 'test.txt'}", "--out", tmp_path / "a", "--json")
    assert json.loads(listed.stdout)["n"] == 3
    saved = limner("evaluate", toy_model, data, "--split", run / "split.json", "--part", "train", "--out", tmp_path / "b", "--json")
    assert json.loads(saved.stdout)["n"] == 6


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--part", "test"], "nothing says which images are the test part"),
        (["--split", "test=LIST", "--part", "val"], "only for: test"),
        (["--split", "no-such/split.json"], "no such split file"),
    ],
)
def test_a_part_that_nobody_named(limner, toy_model, data, tmp_path, args, word):
    (tmp_path / "list.txt").write_text("case1\n")
    args = [arg.replace("LIST", str(tmp_path / "list.txt")) for arg in args]
    result = limner("evaluate", toy_model, data, "--out", tmp_path / "out", *args)
    assert result.exit_code == 1
    assert word in result.stderr


def test_an_evaluation_is_not_overwritten_unasked(limner, run, data, tmp_path):
    write_folder(tmp_path / "out", {"summary.json": b"precious"})
    refused = limner("evaluate", run, data, "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]
    assert limner("evaluate", run, data, "--out", tmp_path / "out", "--overwrite").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_standard_output_holds_the_json_alone(limner, run, data, tmp_path, monkeypatch):
    from limner import outcome

    evaluate = outcome.evaluate

    def chatty(*args, **kwargs):
        print("a library has something to say")
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(outcome, "evaluate", chatty)
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--json")
    found = json.loads(result.stdout)
    assert {score["convention"] for score in found["scores"]} >= {"per-image", "pooled"}
    assert found["threshold"] == 0.37
    assert "a library has something to say" in result.stderr


def test_a_run_without_a_test_part_is_evaluated_whole_and_loudly(limner, run, data, tmp_path):
    values = json.loads((run / "split.json").read_text())
    values["train"] |= values.pop("test")
    (run / "split.json").write_text(json.dumps(values))
    result = limner("evaluate", run, data, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "the whole data set" in result.stdout
    assert "WARNING: 10 of the 10" in result.stderr


def test_changed_images_are_no_longer_the_runs_own(limner, run, data, tmp_path):
    key = load_split(run / "split.json").test[0]
    shutil.copyfile(data / "images" / "case0.png", data / "images" / f"{key}.png")
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--json", "-q")
    assert json.loads(result.stdout)["part"] == "all"


def test_an_exported_file_knows_its_own_data_away_from_its_run(limner, exported, data, tmp_path):
    result = limner("evaluate", exported, data, "--out", tmp_path / "own", "--json")
    assert (json.loads(result.stdout)["part"], json.loads(result.stdout)["n"]) == ("test", 2)
    assert "only its test part is evaluated" in result.stderr
    everything = limner("evaluate", exported, data, "--out", tmp_path / "all", "--part", "all", "-q")
    assert "WARNING: 8 of the 10 images evaluated were used to train this model" in everything.stderr


def test_that_images_were_seen_stands_in_all_that_is_written(limner, run, data, tmp_path):
    out = tmp_path / "out"
    printed = json.loads(limner("evaluate", run, data, "--out", out, "--part", "all", "--json", "-q").stdout)
    summary = json.loads((out / "summary.json").read_text())
    assert printed["seen_in_training"] == summary["seen_in_training"] == 8
    assert printed["notice"] == summary["notice"] == Evaluation.load(out).notice
    for name in ("report.html", "report.md"):
        assert "8 of the 10 images evaluated were used to train this model" in (out / name).read_text()


def test_what_could_not_be_paired_is_said_once_and_listed_in_the_json(limner, run, data, tmp_path):
    for name in ("w", "x", "y", "z"):
        shutil.copyfile(data / "images" / "case0.png", data / "images" / f"{name}.png")
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--json", "-q")
    assert result.stderr.count("WARNING: 4 problems") == 1
    assert "all of them are in the report" in result.stderr
    assert "images/y.png" in result.stderr
    assert "images/z.png" not in result.stderr
    problems = json.loads(result.stdout)["problems"]
    assert len(problems) == 4
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["problems"] == problems
    assert "images/z.png" in (tmp_path / "out" / "report.html").read_text()


def test_data_without_problems_lists_none(limner, run, data, tmp_path):
    assert json.loads(limner("evaluate", run, data, "--out", tmp_path / "out", "--json", "-q").stdout)["problems"] == []


def test_what_was_written_can_be_loaded(limner, run, data, tmp_path):
    printed = json.loads(limner("evaluate", run, data, "--out", tmp_path / "out", "--json", "-q").stdout)
    del printed["report"], printed["worse"]
    loaded = Evaluation.load(tmp_path / "out")
    assert loaded.model_dump(mode="json", exclude={"cases"}) == printed
    assert len(loaded.cases) == 2


@pytest.mark.parametrize("out", ["file", "file/inner"])
def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(limner, run, data, tmp_path, monkeypatch, out):
    from limner import outcome

    monkeypatch.setattr(outcome, "evaluate", lambda *_, **__: pytest.fail("it has begun"))
    (tmp_path / "file").write_text("precious")
    result = limner("evaluate", run, data, "--out", tmp_path / out)
    assert result.exit_code == 1
    assert "there is a file where the folder should be" in result.stderr
    assert f"where: {tmp_path / out}" in result.stderr


def test_a_folder_that_the_system_refuses_is_named(limner, run, data, tmp_path, monkeypatch):
    result = limner("evaluate", run, data, "--out", tmp_path / ("x" * 300), "--overwrite")
    assert result.exit_code == 1
    assert "the folder cannot be made" in result.stderr
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    result = limner("evaluate", run, data, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "the folder cannot be written to" in result.stderr


def test_ctrl_c_does_not_claim_that_nothing_was_written(limner, run, data, tmp_path, monkeypatch):
    from limner import outcome

    def interrupted(_data, out):
        (out / "cases.csv").write_text("key")
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "write_report", interrupted)
    result = limner("evaluate", run, data, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert f"the evaluation in {tmp_path / 'out'} is not complete" in result.stderr
    assert "--overwrite" in result.stderr
    assert "nothing has been written" not in result.stderr


@pytest.mark.parametrize("out", ["out", "outer/inner"])
def test_ctrl_c_before_anything_is_written_leaves_no_empty_folder(limner, run, data, tmp_path, monkeypatch, out):
    from limner import outcome

    def interrupted(*_args, **_kwargs):
        assert (tmp_path / out).is_dir()
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "evaluate", interrupted)
    result = limner("evaluate", run, data, "--out", tmp_path / out)
    assert result.exit_code == 130
    assert "nothing has been written" in result.stderr
    assert "--overwrite" not in result.stderr
    assert not (tmp_path / out.split("/")[0]).exists()


def test_ctrl_c_leaves_a_folder_that_was_there(limner, run, data, tmp_path, monkeypatch):
    from limner import outcome

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "evaluate", interrupted)
    (tmp_path / "out").mkdir()
    assert limner("evaluate", run, data, "--out", tmp_path / "out").exit_code == 130
    assert (tmp_path / "out").is_dir()


@pytest.fixture
def predictions(data, tmp_path):
    """The masks of the data set themselves, but one, under another tool's names: as predictions they are perfect."""
    files = {f"{path.stem}_pred.png": path.read_bytes() for path in (data / "masks").glob("*.png")}
    files["case3_pred.png"] = mask_bytes(100)
    return write_folder(tmp_path / "theirs", files)


def test_a_folder_of_predictions_needs_no_model(limner, predictions, data, tmp_path):
    out = tmp_path / "out"
    result = limner("evaluate", predictions, data, "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "theirs on data, the whole data set" in result.stdout
    assert "threshold: masks as they came" in result.stdout
    loaded = Evaluation.load(out)
    assert [case.key for case in loaded.cases if case.dice < 1] == ["case3"]
    assert (loaded.notice, loaded.seen_in_training, loaded.threshold) == (None, 0, None)


def test_predictions_of_a_part(limner, predictions, run, data, tmp_path):
    result = limner("evaluate", predictions, data, "--split", run / "split.json", "--out", tmp_path / "out", "--json", "-q")
    found = json.loads(result.stdout)
    assert (found["part"], found["n"]) == ("test", 2)
    nobody = limner("evaluate", predictions, data, "--part", "test", "--out", tmp_path / "out2")
    assert nobody.exit_code == 1
    assert "nothing says which images are the test part" in nobody.stderr


def test_predictions_that_are_missing_or_too_many(limner, predictions, data, tmp_path):
    (predictions / "case1_pred.png").rename(predictions / "legend.png")
    refused = limner("evaluate", predictions, data, "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert "1 of 10 images have no prediction: case1" in refused.stderr
    assert not (tmp_path / "out").exists()
    skipped = limner("evaluate", predictions, data, "--out", tmp_path / "out", "--missing", "skip", "--json", "-q")
    found = json.loads(skipped.stdout)
    assert (found["n"], "1 of the 10 images have no prediction and are left out" in found["notice"]) == (9, True)
    assert "WARNING: 1 of the 10 images have no prediction" in skipped.stderr
    assert "no image of data is named like 1 picture of the predictions: legend.png" in skipped.stderr
    assert "have no prediction and are left out" in (tmp_path / "out" / "report.html").read_text()


def test_probabilities_of_another_tool_take_a_threshold(limner, toy_model, data, tmp_path):
    limner("predict", toy_model, data / "images", "--out", tmp_path / "p", "--probs", "--no-overlays", "-q")
    by_model = limner("evaluate", toy_model, data, "--out", tmp_path / "a", "--json", "-q")
    by_probs = limner("evaluate", tmp_path / "p", data, "--threshold", "0.37", "--out", tmp_path / "b", "--json", "-q")
    theirs, ours = (
        {(s["name"], s["convention"]): s["value"] for s in json.loads(result.stdout)["scores"]} for result in (by_probs, by_model)
    )
    assert theirs.keys() == ours.keys()
    assert theirs["dice", "pooled"] == pytest.approx(ours["dice", "pooled"], abs=1e-3)
    assert theirs["roc_auc", "pooled"] == pytest.approx(ours["roc_auc", "pooled"], abs=1e-3)


def test_a_model_keeps_its_threshold(limner, run, data, tmp_path):
    result = limner("evaluate", run, data, "--threshold", "0.5", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "evaluated at the threshold that it was exported with" in result.stderr


def test_a_model_misses_no_image(limner, run, data, tmp_path):
    result = limner("evaluate", run, data, "--missing", "skip", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "a model predicts every image" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--bootstrap", "99"], "must be 0, or 100 or more, not 99"),
        (["--bootstrap", "-1"], "must be 0, or 100 or more, not -1"),
        (["--spacing", "0"], "must be above 0, not 0"),
        (["--spacing", "nan"], "must be above 0, not nan"),
        (["--spacing", "1e7"], "must be at most 1000000"),
        (["--tolerance", "-1"], "must be above 0, not -1"),
    ],
)
def test_numbers_out_of_their_range_are_wrong_usage(limner, run, data, tmp_path, args, word):
    result = limner("evaluate", run, data, "--out", tmp_path / "out", *args)
    assert result.exit_code == 2
    assert args[0] in result.stderr
    assert word in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_masks_of_zero_and_one_under_a_threshold_are_refused(limner, data, tmp_path):
    dark = {path.name: encode_png(np.full((8, 10), 1, np.uint8)) for path in (data / "masks").glob("*.png")}
    theirs = write_folder(tmp_path / "dark", dark)
    result = limner("evaluate", theirs, data, "--threshold", "0.5", "--out", tmp_path / "out", "-q")
    assert result.exit_code == 1
    assert "the highest level of all pictures is 1, where white is 255" in result.stderr
    assert f"where: {theirs}" in result.stderr
    assert not (tmp_path / "out").exists()


def test_inverted_predictions_are_spoken_of(limner, data, tmp_path):
    truth = {path.name: read_mask(path.read_bytes(), name=path.name) for path in (data / "masks").glob("*.png")}
    theirs = write_folder(tmp_path / "inverted", {name: encode_png(~mask) for name, mask in truth.items()})
    result = limner("evaluate", theirs, data, "--out", tmp_path / "out", "--json", "-q")
    said = "the inverse of the predictions agrees far better with the masks (pooled Dice 1.00, theirs is 0.00)"
    assert said in json.loads(result.stdout)["notice"]
    assert said in result.stderr


def test_families_and_rules_as_wished(limner, run, data, tmp_path):
    args = ("--metrics", "boundary", "--spacing", "0.5", "--tolerance", "1.5", "--empty", "skip", "--bootstrap", "0", "--json", "-q")
    found = json.loads(limner("evaluate", run, data, "--out", tmp_path / "out", *args).stdout)
    assert (found["families"], found["empty_rule"], found["bootstrap"]) == (["region", "boundary"], "skip", None)
    assert found["boundary"] == {"tolerance": 1.5, "spacing": 0.5, "unit": "µm"}
    assert {score["unit"] for score in found["scores"] if score["name"] == "assd"} == {"µm"}
    every = json.loads(limner("evaluate", run, data, "--out", tmp_path / "all", "--metrics", "all", "--json", "-q").stdout)
    assert every["families"] == ["region", "boundary", "probability", "centreline", "objects", "saliency"]
    assert every["boundary"]["tolerance"] == 2


@pytest.mark.parametrize("text", ["bondary", "region,", ",", "regions"])
def test_families_that_are_none_are_wrong_usage(limner, run, data, tmp_path, text):
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--metrics", text)
    assert result.exit_code == (0 if text == "region," else 2)


def test_a_site_where_the_model_is_worse_is_told(limner, tmp_path):
    keys = [f"c{number:02}" for number in range(24)]
    files, theirs, rows = {}, {}, ["image,mask,site"]
    for number, key in enumerate(keys):
        files |= {f"images/{key}.png": image_bytes(number), f"drawn/{key}.png": mask_bytes(number)}
        theirs[f"{key}.png"] = mask_bytes(number if number % 2 else 100 + number)
        rows.append(f"images/{key}.png,drawn/{key}.png,{'north' if number % 2 else 'south'}")
    source = write_folder(tmp_path / "sites", {**files, "manifest.csv": "\n".join(rows).encode()})
    predictions = write_folder(tmp_path / "theirs", theirs)
    printed = limner("evaluate", predictions, source / "manifest.csv", "--out", tmp_path / "out")
    assert printed.exit_code == 0, printed.output
    assert "worse beyond chance: site south: mean Dice 0." in printed.stderr
    assert "site north" not in printed.stderr
    found = json.loads(limner("evaluate", predictions, source / "manifest.csv", "--out", tmp_path / "json", "--json").stdout)
    assert [sentence[:10] for sentence in found["worse"]] == ["site south"]


def test_nothing_outside_the_field_of_view_counts(limner, tmp_path):
    truth = np.zeros((8, 10), bool)
    truth[2:5, 2:5] = True
    predicted = truth.copy()
    predicted[:, 8:] = True
    field = np.ones((8, 10), bool)
    field[:, 8:] = False
    files = {"images/a.png": image_bytes(1), "1st_manual/a.png": encode_png(truth), "fov/a.png": encode_png(field)}
    source = write_folder(tmp_path / "eyes", files)
    predictions = write_folder(tmp_path / "theirs", {"a.png": encode_png(predicted)})
    inside = limner("evaluate", predictions, source, "--out", tmp_path / "in")
    assert "1 of 1 images judged inside their field of view only" in inside.stdout, inside.output
    assert Evaluation.load(tmp_path / "in").score("dice").value == 1.0
    limner("evaluate", predictions, source, "--out", tmp_path / "whole", "--whole-image")
    assert Evaluation.load(tmp_path / "whole").score("dice").value == pytest.approx(2 * 9 / (2 * 9 + 16))
