from __future__ import annotations

import json
import shutil

import pytest
from tests.data.folders import image_bytes, mask_bytes, write_folder, write_zip

from limner.data import load_split

FILES = ["cases.csv", "report.html", "report.md", "summary.json"]


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
    lines = limner("evaluate", run, data, "--out", tmp_path / "out", "-q").stdout.splitlines()
    scores = [line.split() for line in lines if line.strip().startswith(("Dice", "IoU", "Precision", "Recall"))]
    assert [(row[0], row[1]) for row in scores] == [
        (metric, convention) for convention in ("per-image", "pooled") for metric in ("Dice", "IoU", "Precision", "Recall")
    ]
    assert all(row[3:] == ["2", "0.37"] for row in scores)


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
    assert {score["convention"] for score in found["scores"]} == {"per-image", "pooled"}
    assert found["threshold"] == 0.37
    assert "a library has something to say" in result.stderr


def test_a_run_without_a_test_part_is_evaluated_whole_and_loudly(limner, run, data, tmp_path):
    values = json.loads((run / "split.json").read_text())
    values["train"] |= values.pop("test")
    (run / "split.json").write_text(json.dumps(values))
    result = limner("evaluate", run, data, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "all images" in result.stdout
    assert "WARNING: 10 of the 10" in result.stderr


def test_changed_images_are_no_longer_the_runs_own(limner, run, data, tmp_path):
    key = load_split(run / "split.json").test[0]
    shutil.copyfile(data / "images" / "case0.png", data / "images" / f"{key}.png")
    result = limner("evaluate", run, data, "--out", tmp_path / "out", "--json", "-q")
    assert json.loads(result.stdout)["part"] == "all"
