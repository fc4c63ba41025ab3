"""`limner compare`, from run folders to the page."""

from __future__ import annotations

import csv
import json

import pytest
from tests.comparison.fakes import cases, difficulty, scored, write_run

BASE = difficulty(40)


@pytest.fixture
def folders(tmp_path):
    """Evaluations of two models; `old` is worse."""
    return [
        write_run(tmp_path / name, cases(scored(BASE, gain, seed))) for seed, (name, gain) in enumerate({"new": 0.05, "old": 0.0}.items())
    ]


@pytest.fixture
def seeds(tmp_path):
    """Two models with two seeds each."""
    return [
        write_run(tmp_path / f"{name}_seed-{seed}", cases(scored(BASE, gain, 2 * seed + len(name))), recipe={"name": name, "seed": seed})
        for name, gain in {"unet": 0.03, "resnet": 0.0}.items()
        for seed in (0, 1)
    ]


def test_it_says_which_is_better_and_how_the_numbers_were_made(limner, folders):
    result = limner("compare", *folders)
    assert result.exit_code == 0
    for words in (
        "Dice on polyps, 40 images",
        "Dice, per-image",
        "Dice, pooled",
        "new is better than old by 0.0",
        "Wilcoxon",
        "2000 resamples",
    ):
        assert words in result.stdout
    assert result.stderr == ""


def test_the_files_are_written_and_not_overwritten_unasked(limner, folders, tmp_path):
    out = tmp_path / "out"
    result = limner("compare", *folders, "--out", out)
    assert f"report: {out / 'compare.html'}" in result.stdout
    names = ["bars.png", "bars.svg", "compare.csv", "compare.html", "compare.json", "compare.md", "scatter.png", "scatter.svg"]
    assert sorted(path.name for path in out.iterdir()) == names
    again = limner("compare", *folders, "--out", out)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert limner("compare", *folders, "--out", out, "--overwrite").exit_code == 0


def test_json_is_the_only_thing_on_standard_output(limner, folders, tmp_path):
    found = json.loads(limner("compare", *folders, "--metric", "iou", "--json", "--out", tmp_path / "out").stdout)
    assert found["report"] == str(tmp_path / "out" / "compare.html")
    assert found["metric"] == "iou"
    assert found["pairs"][0]["verdict"] == "better"
    rows = list(csv.DictReader((tmp_path / "out" / "compare.csv").read_text().splitlines()))
    assert sum(float(row["new"]) for row in rows) / len(rows) == pytest.approx(found["models"][0]["per_image"]["value"])
    assert json.loads(limner("compare", *folders, "--json").stdout)["report"] is None


def test_seeds_are_one_model_unless_that_is_not_wanted(limner, seeds):
    found = json.loads(limner("compare", *seeds, "--json").stdout)
    assert [(model["name"], model["seeds"]) for model in found["models"]] == [("unet", [0, 1]), ("resnet", [0, 1])]
    assert " ± " in limner("compare", *seeds).stdout
    assert len(json.loads(limner("compare", *seeds, "--no-group-seeds", "--json").stdout)["pairs"]) == 6
    alone = limner("compare", *seeds[:2])
    assert alone.exit_code == 1
    assert "--no-group-seeds" in alone.stderr


def test_the_baseline_is_a_run_or_a_name_and_need_not_be_given_twice(limner, folders, tmp_path):
    third = write_run(tmp_path / "third", cases(scored(BASE, 0.0, 7)))
    for runs, baseline in (([*folders, third], third), (folders, third), ([*folders, third], "third")):
        found = json.loads(limner("compare", *runs, "--baseline", baseline, "--json").stdout)
        assert found["baseline"] == "third"
        assert {(pair["first"], pair["second"]) for pair in found["pairs"]} == {("new", "third"), ("old", "third")}
    assert "the baseline is none of the models" in limner("compare", *folders, "--baseline", "thrid").stderr


def test_names_are_taken(limner, folders):
    assert "A is better than B" in limner("compare", *folders, "--names", "A, B").stdout
    assert limner("compare", *folders, "--names", "A").exit_code == 1


def test_what_should_be_known_is_a_warning_and_on_the_page(limner, folders, tmp_path):
    part = write_run(tmp_path / "part", cases(scored(BASE, 0.0, 3))[5:])
    result = limner("compare", folders[0], part, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "WARNING: the runs were not evaluated on the same images" in result.stderr
    assert "compared on the 35 that all of them have" in result.stderr
    assert "compared on the 35 that all of them have" in (tmp_path / "out" / "compare.html").read_text()


def test_wrong_usage_is_told_apart_from_wrong_input(limner, folders, tmp_path):
    wrong = limner("compare", *folders, "--metric", "dise")
    assert wrong.exit_code == 2
    assert "did you mean 'dice'?" in wrong.stderr
    assert "did you mean 'hausdorff95'?" in limner("compare", *folders, "--metric", "HD95").stderr
    assert limner("compare").exit_code == 2
    assert "one run alone" in limner("compare", folders[0]).stderr
    missing = limner("compare", folders[0], tmp_path / "nowhere", "--out", tmp_path / "out")
    assert missing.exit_code == 1
    assert f"where: {tmp_path / 'nowhere'}" in missing.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("metric", ["ece", "e_measure_max"])
def test_metrics_of_all_images_together_are_not_offered(limner, folders, metric):
    result = limner("compare", *folders, "--metric", metric)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "computed over all images together" in said
    assert "again" not in said
    offered = said[said.index("allowed:") :]
    assert "hausdorff95" in offered
    assert "ece" not in offered.replace(",", "").split()
    assert "e_measure_max" not in offered


def test_a_damaged_evaluation_is_named(limner, folders):
    (folders[1] / "cases.csv").write_text("key\n")
    result = limner("compare", *folders)
    assert result.exit_code == 1
    assert str(folders[1]) in result.stderr
    assert "Traceback" not in result.stderr
