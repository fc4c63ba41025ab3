from __future__ import annotations

import math

import numpy as np
import pytest
from tests.evaluation.fakes import FakeCase, FakeCases, FakeMetadata, FakePredictor, case, some_cases

from limner.errors import DataError, ModelFileError
from limner.evaluation import evaluate
from limner.metrics import Counts


def test_each_case_is_scored_at_the_size_of_its_mask() -> None:
    found = evaluate(FakePredictor(), some_cases()).cases
    assert [(c.key, c.height, c.width) for c in found] == [
        ("good", 2, 2),
        ("fair, with a comma", 2, 3),
        ("missed", 1, 2),
        ("nothing there", 1, 2),
    ]
    assert [c.dice for c in found] == [1.0, 0.5, 0.0, 1.0]
    assert found[1].counts == Counts(tp=1, fp=1, fn=1, tn=3)
    assert (found[2].precision, found[2].recall, found[2].iou) == (0.0, 0.0, 0.0)
    assert all(c.seconds >= 0 for c in found)


def test_what_was_evaluated_and_how_is_noted() -> None:
    predictor = FakePredictor(threshold=0.35, metadata=FakeMetadata(name="polyps", threshold_origin="val, n 88"))
    found = evaluate(predictor, some_cases(), part="test", empty="skip")
    assert (found.model, found.source, found.part, found.n) == ("polyps", "fakes", "test", 4)
    assert (found.threshold, found.threshold_origin) == (0.35, "val, n 88")
    assert (found.resolution, found.empty_rule) == ("original mask", "skip")
    assert {score.threshold for score in found.scores} == {0.35}
    assert found.score("dice").n == 3


def test_scores_in_both_conventions() -> None:
    found = evaluate(FakePredictor(), some_cases())
    assert found.score("dice").value == pytest.approx(2.5 / 4)
    assert found.score("dice", "pooled").value == pytest.approx(6 / 9)


def test_an_empty_case_is_undefined_when_asked_for() -> None:
    found = evaluate(FakePredictor(), some_cases(), empty="nan")
    assert math.isnan(found.cases[3].dice)
    assert math.isnan(found.score("dice").value)


def test_the_models_own_mask_counts() -> None:
    exactly_half = FakePredictor(threshold=0.7, answer=np.array([[0.7, 0.1]], dtype=np.float32))
    assert evaluate(exactly_half, FakeCases((case("a", [[0, 0]], [[1, 0]]),))).cases[0].dice == 1.0


def test_progress_and_one_case_at_a_time() -> None:
    journal: list[str] = []
    items = tuple(FakeCase(item.key, item.sample, journal) for item in some_cases().items)
    evaluate(FakePredictor(), FakeCases(items), progress=lambda done, total: journal.append(f"{done}/{total}"))
    assert journal == ["good", "1/4", "fair, with a comma", "2/4", "missed", "3/4", "nothing there", "4/4"]


def test_an_empty_data_set_is_an_error_that_names_it() -> None:
    with pytest.raises(DataError, match="nothing to evaluate") as caught:
        evaluate(FakePredictor(), FakeCases((), name="my-folder"))
    assert caught.value.where == "my-folder"


@pytest.mark.parametrize("answer", [[[np.nan, 0.1]], [[0.1, np.nan]]])
def test_a_model_that_predicts_nan_is_an_error_that_names_the_image(answer: list[list[float]]) -> None:
    predictor = FakePredictor(answer=np.array(answer, dtype=np.float32))
    with pytest.raises(ModelFileError, match="NaN") as caught:
        evaluate(predictor, FakeCases((case("a", [[0, 0]], [[1, 0]]),)))
    assert caught.value.where == "fake, image a"


def test_a_mask_of_another_size_is_an_error() -> None:
    predictor = FakePredictor(answer=np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(ModelFileError, match=r"\(2, 2\), the mask \(1, 2\)"):
        evaluate(predictor, FakeCases((case("a", [[0, 0]], [[1, 0]]),)))
