from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.evaluation.fakes import FakeCase, FakeCases, FakeMetadata, FakePredictor, case, some_cases

from limner.errors import DataError, LimnerError, ModelFileError
from limner.evaluation import Boundary, evaluate
from limner.metrics import Counts
from limner.metrics.names import FAMILIES
from limner.metrics.region import METRICS
from limner.types import Prediction, Sample

NOWHERE = [[0.1, 0.1, 0.9], [0.9, 0.1, 0.9]]  # the last column is outside
TRUTH = [[1, 0, 0], [1, 0, 0]]
FIELD = np.array([[True, True, False], [True, True, False]])


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
    assert [found[2].scores[name] for name in ("precision", "recall", "iou")] == [0.0, 0.0, 0.0]
    assert all(c.seconds >= 0 for c in found)


def test_what_was_evaluated_and_how_is_noted() -> None:
    predictor = FakePredictor(threshold=0.35, metadata=FakeMetadata(name="polyps", threshold_origin="val, n 88"))
    found = evaluate(predictor, some_cases(), part="test", empty="skip", boundary=Boundary(tolerance=3))
    assert (found.model, found.source, found.part, found.n) == ("polyps", "fakes", "test", 4)
    assert (found.threshold, found.threshold_origin) == (0.35, "val, n 88")
    assert (found.resolution, found.empty_rule, found.boundary.tolerance) == ("original mask", "skip", 3)
    assert (found.score("dice").n, found.score("dice").threshold) == (3, 0.35)


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


@pytest.mark.parametrize(
    ("task", "there", "absent"),
    [
        ("object", {"hausdorff95", "roc_auc", "object_f1"}, {"cldice", "s_measure"}),
        ("vessel", {"cldice", "roc_auc", "nsd"}, {"object_f1", "s_measure"}),
        ("nucleus", {"aji", "object_ap"}, {"cldice", "s_measure"}),
        ("polyp", {"s_measure", "object_f1", "pranet_dice"}, {"cldice"}),
    ],
)
def test_the_task_decides_which_families_there_are(task: str, there: set[str], absent: set[str]) -> None:
    found = evaluate(FakePredictor(metadata=FakeMetadata(task=task)), some_cases()).cases[0].scores
    assert there <= found.keys()
    assert not absent & found.keys()


def test_families_that_are_named_and_regions_always() -> None:
    found = evaluate(FakePredictor(), some_cases(), families=("centreline",))
    assert found.families == ("region", "centreline")
    assert set(found.cases[0].scores) == {*METRICS, "cldice"}
    assert found.curves is None
    assert evaluate(FakePredictor(), some_cases(), families=FAMILIES).families == FAMILIES


def test_masks_have_no_scores_of_probabilities() -> None:
    masks = FakePredictor(has_probs=False, metadata=FakeMetadata(task="polyp"))
    found = evaluate(masks, some_cases())
    assert found.families == ("region", "boundary", "objects")
    assert all(math.isnan(c.review) for c in found.cases)
    assert "probability" not in evaluate(masks, some_cases(), families=FAMILIES).families
    with pytest.raises(LimnerError, match="no probabilities"):
        evaluate(masks, some_cases(), families=("probability",))


def test_nothing_outside_the_field_of_view_is_judged() -> None:
    cases = FakeCases((case("a", NOWHERE, TRUTH, fov=FIELD), case("b", NOWHERE, TRUTH)))
    found = evaluate(FakePredictor(), cases, families=FAMILIES)
    inside, whole = found.cases
    assert (inside.counts, whole.counts) == (Counts(tp=1, fp=0, fn=1, tn=2), Counts(tp=1, fp=2, fn=1, tn=2))
    assert (inside.height, inside.width) == (2, 3)
    assert inside.scores["hausdorff"] == 1.0  # outside lies a prediction two pixels away
    assert (inside.scores["false_positives_per_image"], whole.scores["false_positives_per_image"]) == (0.0, 1.0)
    probs, truth = np.round(np.array(NOWHERE) * 255) / 255, np.array(TRUTH)
    assert inside.scores["roc_auc"] == pytest.approx(roc_auc_score(truth[FIELD], probs[FIELD]))
    assert inside.scores["brier"] == pytest.approx(np.mean((probs[FIELD] - truth[FIELD]) ** 2), abs=1e-6)
    assert inside.brightness < whole.brightness
    assert found.field_of_view == 1


def test_the_field_of_view_can_be_ignored() -> None:
    cases = FakeCases((case("a", NOWHERE, TRUTH, fov=FIELD),))
    found = evaluate(FakePredictor(), cases, whole_image=True)
    assert (found.field_of_view, found.cases[0].counts.total) == (0, 6)


@pytest.mark.parametrize(("field", "what"), [(np.ones((3, 2), bool), "2x3 pixels, but the mask 3x2"), (np.zeros((2, 3), bool), "is empty")])
def test_a_field_of_view_that_does_not_fit_is_an_error(field: np.ndarray, what: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        evaluate(FakePredictor(), FakeCases((case("a", NOWHERE, TRUTH, fov=field),)))
    assert (caught.value.where, "--whole-image" in str(caught.value.fix)) == ("a", True)


def test_objects_are_those_that_the_source_tells_apart() -> None:
    mask = [[1, 1, 1, 1]]
    together = case("a", [[0.9] * 4], mask)
    apart = case("b", [[0.9] * 4], mask, instances=np.array([[1, 1, 2, 2]], np.int32))
    found = evaluate(FakePredictor(), FakeCases((together, apart)), families=("objects",)).cases
    assert [(c.objects.true, c.objects.predicted) for c in found if c.objects] == [(1, 1), (2, 1)]


def test_objects_that_touch_are_parted_of_nuclei_alone() -> None:
    rows, columns = np.ogrid[:24, :44]
    discs = ((rows - 12) ** 2 + (columns - 13) ** 2 < 100) | ((rows - 12) ** 2 + (columns - 30) ** 2 < 100)
    touching = FakeCases((case("a", discs.astype(float).tolist(), discs.astype(int).tolist()),))
    predicted = {
        task: evaluate(FakePredictor(metadata=FakeMetadata(task=task)), touching, families=("objects",)).cases[0].objects
        for task in ("nucleus", "polyp")
    }
    assert {task: counts.predicted for task, counts in predicted.items() if counts} == {"nucleus": 2, "polyp": 1}


def test_true_objects_that_the_source_does_not_tell_apart_are_parted_likewise() -> None:
    """Else a perfect mask of two nuclei that touch would be two objects against one."""
    rows, columns = np.ogrid[:24, :44]
    discs = ((rows - 12) ** 2 + (columns - 13) ** 2 < 100) | ((rows - 12) ** 2 + (columns - 30) ** 2 < 100)
    one = discs.astype(np.int32)
    told = case("told", (0.9 * discs).tolist(), one.tolist(), instances=one)
    untold = case("untold", (0.9 * discs).tolist(), one.tolist())
    nuclei = FakePredictor(metadata=FakeMetadata(task="nucleus"))
    first, second = evaluate(nuclei, FakeCases((told, untold)), families=("objects",)).cases
    assert first.objects is not None
    assert second.objects is not None
    assert (first.objects.true, first.objects.predicted) == (1, 2)
    assert (second.objects.true, second.objects.predicted) == (2, 2)
    assert second.scores["panoptic_quality"] == second.scores["aji"] == 1.0


def test_objects_that_the_prediction_tells_apart() -> None:
    class Instances(FakePredictor):
        def predict_sample(self, sample: Sample, /) -> Prediction:
            found = super().predict_sample(sample)
            return Prediction(found.probs, found.mask, found.threshold, np.array([[1, 2]], np.int32))

    found = evaluate(Instances(), FakeCases((case("a", [[0.9, 0.9]], [[1, 1]]),)), families=("objects",)).cases[0]
    assert found.objects is not None
    assert found.objects.predicted == 2


def test_what_is_known_of_a_case_is_kept() -> None:
    cases = FakeCases((case("a", [[1.0, 0.0, 0.5]], [[1, 0, 0]], group="p1", columns={"site": "A"}),))
    found = evaluate(FakePredictor(), cases).cases[0]
    assert (found.group, found.columns) == ("p1", {"site": "A"})
    assert found.brightness == pytest.approx((255 + 0 + 128) / 3 / 255)
    assert found.review == pytest.approx(1 - 2 * (1 + 128 / 255) / (1 + 128 / 255 + 2), abs=1e-6)
    assert found.object_share == pytest.approx(1 / 3)


def test_distances_in_micrometres() -> None:
    cases = FakeCases((case("a", [[0.9, 0.1, 0.1]], [[0, 0, 1]]),))
    found = evaluate(FakePredictor(), cases, boundary=Boundary(spacing=0.5, tolerance=1.0, unit="µm"))
    score = found.score("hausdorff")
    assert (score.value, score.unit, found.score("nsd").unit, found.score("nsd").value) == (1.0, "µm", "", 1.0)
    assert found.score("hausdorff95").threshold == 0.5


def test_pooled_scores_and_curves_of_probabilities_are_those_of_all_pixels() -> None:
    rng = np.random.default_rng(0)
    probs = [rng.random((12, 9)) * 0.98 + 0.01 for _ in range(3)]
    masks = [rng.random((12, 9)) < p for p in probs]
    cases = FakeCases(tuple(case(str(i), p.tolist(), m.astype(int).tolist()) for i, (p, m) in enumerate(zip(probs, masks, strict=True))))
    found = evaluate(FakePredictor(), cases)
    seen = np.concatenate([np.round(p.ravel() * 255) / 255 for p in probs])
    truth = np.concatenate([m.ravel() for m in masks])
    assert found.score("roc_auc", "pooled").value == pytest.approx(roc_auc_score(truth, seen), abs=1e-3)
    assert found.score("average_precision", "pooled").value == pytest.approx(average_precision_score(truth, seen), abs=2e-3)
    assert found.score("brier", "pooled").value == pytest.approx(np.mean((seen - truth) ** 2), abs=1e-3)
    assert found.score("roc_auc").value != found.score("roc_auc", "pooled").value
    assert found.score("roc_auc", "pooled").threshold is None
    assert found.curves is not None
    assert sum(one.n for one in found.curves.reliability) == truth.size
    assert (found.curves.roc[0], found.curves.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))


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
