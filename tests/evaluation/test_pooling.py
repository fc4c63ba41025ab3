"""Folds joined into one evaluation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.evaluation.fakes import FakeCases, FakeMetadata, FakePredictor, some_cases

from limner.errors import RunError
from limner.evaluation import Boundary, Evaluation, evaluate, pool_evaluations

if TYPE_CHECKING:
    from pathlib import Path

POLYP = FakeMetadata(task="polyp")


def fold(keys: slice, **predictor: float) -> Evaluation:
    return evaluate(FakePredictor(metadata=POLYP, **predictor), FakeCases(some_cases().items[keys]), part="test")  # type: ignore[arg-type]


def test_joined_folds_are_the_evaluation_of_all_images() -> None:
    pooled = pool_evaluations([fold(slice(0, 2)), fold(slice(2, 4))])
    whole = evaluate(FakePredictor(metadata=POLYP), FakeCases(tuple(sorted(some_cases().items, key=lambda item: item.key))))
    timed = {"cases": tuple(case.model_copy(update={"seconds": 0.0}) for case in whole.cases)}
    assert [case.key for case in pooled.cases] == sorted(case.key for case in whole.cases)
    again = pooled.model_copy(update={"cases": tuple(case.model_copy(update={"seconds": 0.0}) for case in pooled.cases)})
    assert again.model_dump_json() == whole.model_copy(update=timed).model_dump_json()
    assert pooled.score("e_measure_max", "pranet-256").n == pooled.score("roc_auc", "pooled").n == 4


def test_folds_with_thresholds_of_their_own() -> None:
    pooled = pool_evaluations([fold(slice(0, 2), threshold=0.3), fold(slice(2, 4), threshold=0.6)], model="five folds", source="polyps")
    assert (pooled.threshold, pooled.model, pooled.source, pooled.part) == (None, "five folds", "polyps", "all")
    assert pooled.threshold_origin == "of each fold its own, chosen on its validation part"
    assert {score.threshold for score in pooled.scores} == {None}


def test_what_was_loaded_has_no_sums_and_the_rest(tmp_path: Path) -> None:
    first = fold(slice(0, 2))
    first.save(tmp_path)
    pooled = pool_evaluations([Evaluation.load(tmp_path), fold(slice(2, 4))])
    names = {(score.name, score.convention) for score in pooled.scores}
    assert {("roc_auc", "per-image"), ("dice", "pooled"), ("object_f1", "pooled"), ("dice", "pranet-256")} <= names
    assert not {("roc_auc", "pooled"), ("ece", "pooled"), ("e_measure_max", "pranet-256")} & names
    assert pooled.curves is None
    pooled.save(tmp_path)
    assert Evaluation.load(tmp_path).n == 4


def test_an_image_in_two_folds_is_an_error() -> None:
    with pytest.raises(RunError, match="several of the evaluations hold 1 image, such as fair"):
        pool_evaluations([fold(slice(0, 2)), fold(slice(1, 4))])


def test_different_rules_cannot_be_joined() -> None:
    other = evaluate(FakePredictor(), FakeCases(some_cases().items[2:]), boundary=Boundary(tolerance=3))
    with pytest.raises(RunError, match="same rules"):
        pool_evaluations([fold(slice(0, 2)), other])
    with pytest.raises(RunError, match="no evaluations"):
        pool_evaluations([])


def test_what_was_said_of_folds_is_said_of_all() -> None:
    one = fold(slice(0, 2)).model_copy(update={"notice": "careful", "seen_in_training": 1, "problems": ("x",)})
    two = fold(slice(2, 4)).model_copy(update={"notice": "careful", "problems": ("x", "y")})
    pooled = pool_evaluations([one, two])
    assert (pooled.notice, pooled.seen_in_training, pooled.problems) == ("careful", 1, ("x", "y"))


def test_groups_over_folds_are_drawn_together() -> None:
    items = [replace(item, group=group) for item, group in zip(some_cases().items, "abab", strict=True)]
    folds = [evaluate(FakePredictor(), FakeCases(tuple(items[start : start + 2]))) for start in (0, 2)]
    assert all(one.bootstrap is not None and one.bootstrap.by == "image" for one in folds)
    pooled = pool_evaluations(folds)
    assert pooled.bootstrap is not None
    assert pooled.bootstrap.by == "group"
