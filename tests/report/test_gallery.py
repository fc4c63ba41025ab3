from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.evaluation.fakes import FakeCases, FakePredictor, case
from tests.report.fakes import Oversized, make_case

from limner.evaluation import evaluate
from limner.metrics import count, dice
from limner.report import GalleryCase, build_gallery, pick_cases
from limner.report.data import GROUPS
from limner.report.gallery import PANEL_SIDE, panels


def cases_of(*found):
    return [make_case(f"k{number}", tp, 0, 100 - tp, 0) for number, tp in enumerate(found)]


def test_best_median_worst():
    assert pick_cases(cases_of(50, 90, 10, 70, 30), each=1) == [("best", "k1"), ("median", "k0"), ("worst", "k2")]


def test_the_very_worst_comes_first():
    picked = pick_cases(cases_of(*range(10, 100, 10)))
    assert [key for _, key in picked] == ["k8", "k7", "k6", "k5", "k4", "k3", "k0", "k1", "k2"]


@pytest.mark.parametrize(
    ("n", "groups"),
    [(0, []), (1, ["median"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"]), (4, ["best", "median", "worst", "worst"])],
)
def test_few_cases_are_shared_out(n, groups):
    assert [group for group, _ in pick_cases(cases_of(*range(1, n + 1)))] == groups


def test_a_large_object_is_shown_before_an_empty_mask():
    cases = [make_case("empty", 0, 0, 0, 100), make_case("small", 5, 0, 0, 95), make_case("large", 50, 0, 0, 50)]
    assert [key for _, key in pick_cases(cases)] == ["large", "small", "empty"]


def test_undefined_scores_are_left_out():
    cases = [make_case("nothing", 0, 0, 0, 100, empty="nan"), make_case("something", 5, 0, 0, 95)]
    assert pick_cases(cases) == [("median", "something")]


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(0, 5))
def test_no_case_twice_and_groups_in_order(found, each):
    cases = cases_of(*found)
    picked = pick_cases(cases, each)
    dice = {case.key: case.dice for case in cases}
    scores = {group: [dice[key] for name, key in picked if name == group] for group in GROUPS}
    assert len({key for _, key in picked}) == len(picked) == min(len(found), 3 * each)
    assert all(len(members) <= each for members in scores.values())
    assert min([*scores["best"], 1]) >= max([*scores["median"], 0])
    assert min([*scores["median"], 1]) >= max([*scores["worst"], 0])


def test_predicts_only_what_is_shown(samples, dataset, evaluation):
    predictor = Oversized(samples)
    gallery = build_gallery(predictor, dataset, evaluation, each=1)
    assert predictor.asked == [case.key for case in gallery] == ["disc00", *predictor.asked[1:]]
    assert [case.group for case in gallery] == ["best", "median", "worst"]
    assert gallery[0].probs is None
    assert gallery[2].dice == min(case.dice for case in evaluation.cases)


def test_probabilities_on_request(samples, dataset, evaluation):
    gallery = build_gallery(Oversized(samples), dataset, evaluation, each=1, probs=True)
    assert [title for title, _ in panels(gallery[0])] == ["Truth", "Prediction", "Errors", "Probability"]


@pytest.mark.parametrize(("size", "expected"), [((30, 40), (360, 270)), ((900, 300), (120, 360)), ((1, 2000), (360, 1))])
def test_panels_have_one_size(size, expected):
    mask = np.zeros(size, bool)
    mask[: size[0] // 2 + 1, : size[1] // 2] = True
    case = GalleryCase("k", np.zeros((*size, 3), np.uint8), mask, ~mask, 0.0, 0.0, "worst", mask.astype(np.float32))
    shown = [decode(uri) for _, uri in panels(case)]
    assert {picture.size for picture in shown} == {expected}
    assert max(expected) == PANEL_SIDE


def test_errors_have_their_colours():
    image = np.full((360, 360, 3), 128, np.uint8)
    target, preds = np.zeros((2, 360, 360), bool)
    target[:, :240] = True
    preds[:, 120:] = True
    errors = decode(dict(panels(GalleryCase("k", image, target, preds, 0.5, 0.3, "worst")))["Errors"])
    assert [int(np.argmax(np.asarray(errors)[180, column])) for column in (60, 180, 300)] == [2, 1, 0]


def decode(uri):
    head, data = uri.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("whole_image", [False, True])
def test_masks_are_shown_where_they_were_judged(whole_image):
    """What lies outside the field of view counts for nothing, and must not be drawn as an error."""
    field = np.array([[True, True, False]])
    cases = FakeCases((case("a", [[0.9, 0.1, 0.9]], [[1, 0, 0]], fov=field),))
    shown = build_gallery(FakePredictor(), cases, evaluate(FakePredictor(), cases, families=(), whole_image=whole_image))[0]
    assert shown.preds.tolist() == [[True, False, whole_image]]
    assert shown.dice == dice(count(shown.preds, shown.target))
