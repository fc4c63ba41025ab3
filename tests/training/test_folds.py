"""Where a cross-validation keeps what, and how its folds are told together."""

from __future__ import annotations

import json
import math

import pytest
from tests.data.folders import pairs, write_folder

from limner.api.validating import _in_one
from limner.data import open_source
from limner.errors import DataError, RecipeError, RunError
from limner.evaluation import CaseResult, Evaluation, summarise_cases
from limner.metrics import Counts
from limner.recipe import load_recipe
from limner.training.checks import check_one_of_several, check_process
from limner.training.folds.folder import FoldsFolder
from limner.training.folds.pool import fold_rows, pool_folds
from limner.training.settle import settle_folds

RECIPE = load_recipe("phantom-unet")


def evaluation(cases, threshold):
    """Of cases key -> (tp, fp, fn)."""
    results = tuple(CaseResult.of(key, (10, 10), Counts(*counts, 100 - sum(counts)), empty="nan") for key, counts in cases.items())
    origin = f"best on validation: {threshold}"
    scores = summarise_cases(results, threshold=threshold, empty="nan")
    known = {"model": "toy", "source": "toys", "part": "test", "empty_rule": "nan", "scores": scores, "cases": results}
    return Evaluation(n=len(results), threshold=threshold, threshold_origin=origin, **known)


@pytest.fixture
def dataset(tmp_path):
    return open_source(write_folder(tmp_path / "data", pairs(["a", "b", "c"])))


@pytest.fixture
def folder(tmp_path):
    """Two folds that say which epoch was the best."""
    found = FoldsFolder(tmp_path / "cv")
    for fold, epoch in ((1, 3), (2, 8)):
        found.fold(fold).path.mkdir(parents=True)
        (found.fold(fold).path / "summary.json").write_text(json.dumps({"training": {"best_epoch": epoch}}))
    return found


def test_folds_are_joined_and_each_case_says_of_which_it_is(dataset):
    # a: Dice 0.5, b: 2/3, c: 0. Pooled: 2 x 30 / (2 x 30 + 20 + 30).
    pooled = pool_folds(
        {1: evaluation({"c": (0, 0, 10), "a": (10, 10, 10)}, 0.3), 2: evaluation({"b": (20, 10, 10)}, 0.4)}, RECIPE, dataset
    )
    assert [(case.key, case.columns) for case in pooled.cases] == [("a", {"fold": "1"}), ("b", {"fold": "2"}), ("c", {"fold": "1"})]
    assert pooled.score("dice").value == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert pooled.score("dice", "pooled").value == pytest.approx(60 / 110)
    assert (pooled.threshold, pooled.model, pooled.source, pooled.part) == (None, "phantom-unet, 2 folds", dataset.name, "all")
    assert "each fold its own" in pooled.threshold_origin


def test_what_a_manifest_says_of_a_case_is_kept(dataset):
    first, second = evaluation({"a": (1, 0, 0)}, 0.3), evaluation({"b": (1, 0, 0)}, 0.3)
    sited = first.model_copy(update={"cases": tuple(case.model_copy(update={"columns": {"site": "north"}}) for case in first.cases)})
    pooled = pool_folds({1: sited, 2: second}, RECIPE, dataset)
    assert pooled.cases[0].columns == {"site": "north", "fold": "1"}
    assert (pooled.threshold, "each fold its own" in pooled.threshold_origin) == (0.3, True), "the same by chance, on different images"


def test_an_image_in_two_folds_is_an_error(dataset):
    with pytest.raises(RunError, match="several of the evaluations"):
        pool_folds({1: evaluation({"a": (1, 0, 0)}, 0.3), 2: evaluation({"a": (1, 0, 0)}, 0.3)}, RECIPE, dataset)


def test_rows_have_each_fold_and_their_spread(folder):
    rows = fold_rows(folder, {1: evaluation({"a": (10, 10, 10), "c": (0, 0, 10)}, 0.3), 2: evaluation({"b": (20, 10, 10)}, 0.5)})
    assert rows[0] == {"fold": "1 of 2", "images": 2, "Dice": 0.25, "IoU": pytest.approx(1 / 6), "threshold": 0.3, "best epoch": 3}
    assert (rows[1]["Dice"], rows[1]["best epoch"]) == (pytest.approx(2 / 3), 8)
    # Sample standard deviations of two values: their distance divided by the square root of two.
    assert (rows[2]["images"], rows[2]["Dice"], rows[2]["threshold"]) == (3, "0.458 ± 0.295", "0.400 ± 0.141")
    assert abs(2 / 3 - 1 / 4) / math.sqrt(2) == pytest.approx(0.2946, abs=1e-4)


def test_a_fold_whose_dice_is_not_defined_leaves_the_mean_undefined(folder):
    rows = fold_rows(folder, {1: evaluation({"a": (0, 0, 0)}, 0.3), 2: evaluation({"b": (20, 10, 10)}, 0.5)})
    assert (rows[0]["Dice"], rows[2]["Dice"], rows[2]["threshold"]) == (None, None, "0.400 ± 0.141")


def test_a_fold_is_finished_when_it_is_trained_and_evaluated(folder):
    assert not folder.is_finished(1)
    folder.fold(1).add_facts(state="finished")
    assert folder.is_finished(1)
    (folder.fold(1).path / "summary.json").unlink()
    assert not folder.is_finished(1), "it was trained; its evaluation was interrupted"


def test_the_definition_tells_what_is_in_the_folder(tmp_path):
    folder = FoldsFolder(tmp_path / "cv")
    folder.refuse_to_overwrite()
    with pytest.raises(RunError, match="no cross-validation to resume"):
        folder.begun()
    folder.begin({"source": "polyps", "folds": 3, "budget_s": None})
    folder.go_on({"source": "polyps", "folds": 3, "budget_s": None})
    with pytest.raises(RunError, match="differs in source, folds"):
        folder.go_on({"source": "nuclei", "folds": 5, "budget_s": None})
    with pytest.raises(RunError, match="already holds a cross-validation"):
        folder.refuse_to_overwrite()
    folder.definition_file.write_text("{")
    with pytest.raises(RunError, match="damaged"):
        folder.begun()


def test_folds_are_drawn_with_their_leaks(tmp_path):
    keys = [f"p{patient}_{frame}" for patient in range(6) for frame in range(2)]
    data = open_source(
        write_folder(tmp_path / "data", pairs(keys)), options=load_recipe("phantom-unet", ["group=^p."]).data.source_options()
    )
    splits, leaks = settle_folds(data, RECIPE, 3, progress=False)
    assert sorted(key for split in splits for key in split.test) == sorted(keys)
    for split, report in zip(splits, leaks, strict=True):
        assert len({key[:2] for key in split.test}) == 2
        assert not {key[:2] for key in split.test} & {key[:2] for key in (*split.train, *split.val)}
        assert report.images == {part: len(split.part(part)) for part in ("train", "val", "test")}
        assert report.leaks == ()
    with pytest.raises(DataError, match="cannot be put into 7 folds"):
        settle_folds(data, RECIPE, 7, progress=False)


def test_the_leak_check_is_told_once_where_it_is_the_same():
    assert _in_one(["none", "none"]) == "none"
    assert _in_one(["none", "a = b"]) == "fold 1: none; fold 2: a = b"


def test_it_is_one_process_on_one_machine(monkeypatch):
    with pytest.raises(RecipeError, match="a cross-validation runs on one machine"):
        check_one_of_several(load_recipe("phantom-unet", ["trainer.nodes=2"]), "cross-validation")
    check_process("cross-validation")
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match="2 were started together"):
        check_process("cross-validation")
