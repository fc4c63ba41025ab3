"""`limner sweep`, once for real with a run that diverges, and what it makes of failures, Ctrl-C and the same folder again."""

from __future__ import annotations

import csv
import json
import re

import pytest
from typer.testing import CliRunner

from limner.cli.app import app
from limner.data import load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.errors import RunError
from limner.evaluation import Evaluation
from limner.recipe import load_recipe
from limner.report.sweep_table import SweepScores
from limner.training import run as run_module
from limner.training.sweep import log as log_module

TINY = ["--recipe", "phantom-unet", "--set", "epochs=1", "--set", "batch_size=4", "--set", "input_size=32", "--set", "filters=[4,8]"]
DIVERGING = ["--set", "optimiser=sgd", "--set", "network.norm=none", "--set", "precision=float32", "--grid", "learning_rate=1e-2,1e30"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("source") / "polyps", count=20, size=(48, 40))


@pytest.fixture(scope="module")
def swept(source, tmp_path_factory):
    """The folder of a sweep of two combinations, of which one diverges, and what was printed."""
    folder = tmp_path_factory.mktemp("sweeps") / "tiny"
    result = CliRunner().invoke(app, ["sweep", str(source), *TINY, *DIVERGING, "--out", str(folder), "--json"])
    return folder, result


def test_each_run_is_a_run_folder_of_its_own_on_the_one_split(swept):
    folder, _ = swept
    run = folder / "runs" / "learning_rate-1e-2_seed-0"
    for name in ("model.onnx", "report.html", "summary.json", "recipe.yaml", "run.json"):
        assert (run / name).is_file(), name
    split = load_split(folder / "split.json")
    assert load_split(run / "split.json") == split
    assert load_split(folder / "runs" / "learning_rate-1e30_seed-0" / "split.json") == split
    assert load_recipe(run / "recipe.yaml").optimiser.learning_rate == 1e-2


def test_a_run_that_diverges_is_noted_and_the_exit_code_says_so(swept):
    folder, result = swept
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert [run["state"] for run in printed["runs"]] == ["finished", "failed"]
    assert "diverged" in printed["runs"][1]["reason"]
    assert printed["best"] == {"learning_rate": "1e-2"}
    assert json.loads((folder / "results.json").read_text()) == printed["runs"]
    assert "2 runs:\n  learning_rate-1e-2_seed-0\n  learning_rate-1e30_seed-0\n" in result.stderr
    assert "diverged" in (folder / "sweep.md").read_text()


def test_the_numbers_are_those_of_the_run(swept):
    folder, result = swept
    run = folder / "runs" / "learning_rate-1e-2_seed-0"
    evaluation, threshold = Evaluation.load(run), json.loads((run / "threshold.json").read_text())
    found = json.loads(result.stdout)["runs"][0]
    scores = found["scores"]
    assert (scores["dice"], scores["iou"]) == (evaluation.score("dice").value, evaluation.score("iou").value)
    assert scores["dice_pooled"] == evaluation.score("dice", "pooled").value
    assert (scores["part"], scores["n"], scores["threshold"]) == ("test", evaluation.n, threshold["threshold"])
    assert (scores["val_dice"], scores["val_n"]) == (threshold["value"], threshold["n"])
    assert (scores["best_epoch"], scores["epochs"]) == (1, 1)
    # Two pairs of 3x3 convolutions, a transposed one of 2x2, a pair on the way up, a 1x1 head; with biases, since there is no norm.
    convolutions = [(3, 4, 9), (4, 4, 9), (4, 8, 9), (8, 8, 9), (8, 4, 4), (8, 4, 9), (4, 4, 9), (4, 1, 1)]
    assert found["parameters"] == sum(ins * outs * kernel + outs for ins, outs, kernel in convolutions)


def test_the_table_has_a_row_for_each_run(swept):
    folder, result = swept
    rows = list(csv.DictReader((folder / "sweep.csv").read_text().splitlines()))
    assert [(row["learning_rate"], row["seed"], row["state"], row["best"]) for row in rows] == [
        ("1e-2", "0", "finished", "yes"),
        ("1e30", "0", "failed", ""),
    ]
    assert float(rows[0]["dice"]) == json.loads(result.stdout)["runs"][0]["scores"]["dice"]


def test_the_page_stands_alone_and_links_to_the_reports(swept):
    folder, _ = swept
    page = (folder / "sweep.html").read_text()
    links = re.findall(r'href="([^"#]+)"', page)
    assert links == ["runs/learning_rate-1e-2_seed-0/report.html"]
    assert (folder / links[0]).is_file()
    assert not re.search(r"https?://", page)
    assert "test scores have no part" in page
    for name in ("sweep.svg", "sweep.png"):
        assert (folder / name).stat().st_size > 1000


def test_the_same_again_is_refused_without_resume_and_skips_what_is_finished_with_it(limner, swept, source, monkeypatch):
    folder, _ = swept
    again = ["sweep", source, *TINY, *DIVERGING, "--out", folder]
    refused = limner(*again)
    assert refused.exit_code == 1
    assert "already holds a sweep" in refused.stderr
    begun = []

    def listen(_dataset, recipe, *_args, **_kwargs):
        begun.append(recipe.optimiser.learning_rate)
        raise RunError("once more")

    monkeypatch.setattr(run_module, "train_run", listen)
    resumed = limner(*again, "--resume", "-q")
    assert begun == [1e30], "the finished one is not trained again, the failed one is tried"
    assert "once more" in resumed.stderr
    assert resumed.exit_code == 1


@pytest.mark.parametrize(
    ("changed", "named"),
    [(["--set", "epochs=2"], "recipe"), (["--grid", "loss=bce"], "grid"), (["--seeds", "1,2"], "seeds"), (["--budget", "1m"], "budget_s")],
)
def test_another_sweep_in_the_folder_is_refused(limner, swept, source, changed, named):
    folder, _ = swept
    result = limner("sweep", source, *TINY, *DIVERGING, *changed, "--out", folder, "--resume")
    assert result.exit_code == 1
    assert f"differs in {named}" in result.stderr


@pytest.fixture
def quick(monkeypatch):
    """Trainings that take no time: what was begun, in order; scores follow from the recipe. A set of names is interrupted."""
    begun, interrupted = [], set()

    def train(_dataset, recipe, out, *, split, resume, **_others):
        begun.append((out.name, recipe, resume, load_split(split)))
        (out / "checkpoints").mkdir(parents=True, exist_ok=True)
        if out.name in interrupted:
            (out / "checkpoints" / "last.ckpt").touch()
            raise KeyboardInterrupt

    def scores(place, _dataset, *, progress):
        recipe = next(recipe for name, recipe, *_ in reversed(begun) if name == place.name)
        value = {"bce": 0.5, "dice": 0.6}[recipe.loss.name] + 0.01 * recipe.seed
        known = {"val_n": 3, "n": 4, "part": "test", "threshold": 0.4, "threshold_origin": "chosen on 3 validation images"}
        # Where validation is better, the test is worse: nothing may be chosen by it.
        points = {"dice": 1 - value, "iou": 0.3, "dice_pooled": 0.4, "iou_pooled": 0.3}
        return SweepScores(val_dice=value, best_epoch=1, epochs=1, seconds=1.0, **known, **points)

    monkeypatch.setattr(run_module, "train_run", train)
    monkeypatch.setattr("limner.api.several.finish_run", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(log_module, "read_scores", scores)
    return begun, interrupted


def test_seeds_vary_the_training_and_not_the_split(limner, source, tmp_path, quick):
    begun, _ = quick
    result = limner("sweep", source, *TINY, "--grid", "loss=bce,dice", "--seeds", "3,5", "--out", tmp_path / "s")
    assert result.exit_code == 0, result.output
    assert [name for name, *_ in begun] == ["loss-bce_seed-3", "loss-dice_seed-3", "loss-bce_seed-5", "loss-dice_seed-5"]
    assert [recipe.seed for _, recipe, *_ in begun] == [3, 3, 5, 5]
    assert len({split.model_dump_json() for *_, split in begun}) == 1
    assert begun[0][3].seed == load_recipe("phantom-unet").seed
    assert re.search(r"\n  \* +dice +0\.640±0\.014 +0\.360±0\.014 ", result.stdout), "the best by validation, though the worst by test"
    assert "2 runs" in result.stdout
    assert "Mean ± sample standard deviation over the seeds" in result.stdout


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(limner, source, tmp_path, quick):
    begun, interrupted = quick
    interrupted.add("loss-dice_seed-0")
    command = ["sweep", str(source), *TINY, "--grid", "loss=bce,dice,dice_bce", "--out", str(tmp_path / "s")]
    stopped = limner(*command)
    assert stopped.exit_code == 130
    told = re.search(r"go on with: limner (.*) --resume", stopped.stderr)[1]
    assert sorted(told.replace("'", "").split()) == sorted(command)
    rows = list(csv.DictReader((tmp_path / "s" / "sweep.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["finished", "interrupted", "waiting"]
    interrupted.clear()
    begun.clear()
    limner(*command, "--resume")
    assert [(name, resume) for name, _, resume, _ in begun] == [("loss-dice_seed-0", True), ("loss-dice_bce_seed-0", False)]


def test_what_nobody_foresaw_ends_one_run_and_not_the_others(limner, source, tmp_path, quick, monkeypatch):
    train = run_module.train_run

    def stumbles(dataset, recipe, out, **others):
        if recipe.loss.name == "bce":
            raise MemoryError("no room for so much\nand more")
        train(dataset, recipe, out, **others)

    monkeypatch.setattr(run_module, "train_run", stumbles)
    result = limner("sweep", source, *TINY, "--grid", "loss=bce,dice", "--out", tmp_path / "s")
    assert result.exit_code == 1
    assert "failed: loss-bce_seed-0: MemoryError: no room for so much (loss-bce_seed-0.error.txt)\n" in result.stderr
    assert "stumbles" in (tmp_path / "s" / "runs" / "loss-bce_seed-0.error.txt").read_text()
    assert re.search(r"\n  \* +dice ", result.stdout)


def test_everything_is_checked_before_the_first_training(limner, source, tmp_path, quick):
    begun, _ = quick
    for options in (
        ["--grid", "levels=1,6"],
        ["--grid", "loss=bce,nonsense"],
        ["--grid", "learning_rate=1e-3,0.001"],
        ["--grid", "optimiser.name=adam,nothing-of-torch"],
        ["--grid", "loss=bce", "--set", "trainer.nodes=2"],
    ):
        result = limner("sweep", source, *TINY, *options, "--out", tmp_path / "s")
        assert result.exit_code == 1, result.output
        assert "fix:" in result.stderr
    assert begun == []
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grid", "loss=bce,,dice"], "an empty value"),
        (["--grid", "seed=1,2"], "--seeds"),
        (["--grid", "loss=bce", "--set", "loss=dice"], "both in the grid and set"),
        (["--grid", "loss=bce", "--seeds", "1;2"], "no list of seeds"),
        (["--grid", "loss=bce", "--resume"], "--out DIR"),
        (["--grid", "loss=bce", "--budget", "soon"], "not a duration"),
        ([], "--grid"),
    ],
)
def test_wrong_usage(limner, source, options, said):
    result = limner("sweep", source, *TINY, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_a_source_the_recipe_has_to_name_a_data_set(limner, tmp_path, quick):
    result = limner("sweep", *TINY, "--grid", "loss=bce", "--out", tmp_path / "s")
    assert result.exit_code == 2
    assert "limner sweep polyps/" in result.stderr


def test_a_folder_with_something_else_is_left_alone(limner, source, tmp_path, quick):
    (tmp_path / "thesis.txt").write_text("precious")
    result = limner("sweep", source, *TINY, "--grid", "loss=bce", "--out", tmp_path)
    assert result.exit_code == 1
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_given_split_is_that_of_all_runs(limner, source, tmp_path, quick):
    begun, _ = quick
    keys = open_source(source).keys()
    for part, chosen in (("train", keys[:12]), ("val", keys[12:15]), ("test", keys[15:])):
        (tmp_path / f"{part}.txt").write_text("\n".join(chosen))
    lists = ",".join(f"{part}={tmp_path / part}.txt" for part in ("train", "val", "test"))
    assert limner("sweep", source, *TINY, "--grid", "loss=bce,dice", "--split", lists, "--out", tmp_path / "s").exit_code == 0
    assert [sorted(split.test) for *_, split in begun] == [sorted(keys[15:])] * 2
