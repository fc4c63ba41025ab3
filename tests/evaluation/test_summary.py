"""Scores of many images under every convention, against sums made by hand."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.evaluation.fakes import FakeCases, FakeMetadata, FakePredictor, case, some_cases

from limner.evaluation import Bootstrap, CaseResult, evaluate, summarise_cases
from limner.evaluation.summary import drawn_by
from limner.metrics import Counts
from limner.metrics.names import FAMILIES, METRIC_INFO
from limner.metrics.object_counts import ObjectCounts
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from limner.evaluation import Evaluation
    from limner.metrics import EmptyRule, Score

FEW = Bootstrap(resamples=200)


def result(key: str, *counts: int, **known: Any) -> CaseResult:
    return CaseResult.of(key, (10, 10), Counts(*counts), **known)


def by_name(scores: tuple[Score, ...]) -> dict[tuple[str, str], Score]:
    return {(score.name, score.convention): score for score in scores}


@pytest.fixture(scope="module")
def everything() -> Evaluation:
    rng = np.random.default_rng(3)
    masks = [rng.random((8, 8)) < 0.3 for _ in range(6)]
    probs = [np.clip(mask * 0.5 + rng.random((8, 8)) * 0.5, 0, 1) for mask in masks]
    cases = [case(str(i), p.tolist(), m.astype(int).tolist()) for i, (p, m) in enumerate(zip(probs, masks, strict=True))]
    return evaluate(FakePredictor(metadata=FakeMetadata(task="polyp")), FakeCases(tuple(cases)), families=FAMILIES, bootstrap=FEW)


def test_every_metric_has_a_score_and_those_are_their_conventions(everything: Evaluation) -> None:
    conventions = {name: [s.convention for s in everything.scores if s.name == name] for name in METRIC_INFO}
    assert all(conventions.values())
    assert conventions["dice"] == conventions["iou"] == ["per-image", "pooled", "pranet-256"]
    assert all(conventions[name] == ["per-image", "pooled"] for name in METRICS if name not in ("dice", "iou"))
    families = {"boundary": ["per-image"], "centreline": ["per-image"], "saliency": ["pranet-256"]}
    assert all(conventions[name] == families[info.family] for name, info in METRIC_INFO.items() if info.family in families)
    assert conventions["soft_dice"] == conventions["false_positives_per_image"] == ["per-image"]
    assert conventions["ece"] == ["pooled"]
    assert conventions["roc_auc"] == conventions["object_ap"] == conventions["aji"] == ["per-image", "pooled"]


def test_a_score_per_image_is_the_mean_of_the_images(everything: Evaluation) -> None:
    for name, info in METRIC_INFO.items():
        values = [c.scores[name] for c in everything.cases if name in c.scores]
        if values and info.family != "saliency":
            assert everything.score(name).value == pytest.approx(statistics.fmean(values)), name
    dice = [c.dice for c in everything.cases]
    assert everything.score("dice_median").value == statistics.median(dice)
    assert everything.score("dice_std").value == pytest.approx(statistics.stdev(dice))


def test_the_largest_e_measure_is_that_of_the_mean_curve(everything: Evaluation) -> None:
    assert everything.sums is not None
    assert everything.sums.e_measure is not None
    curve = everything.sums.e_measure / 6
    assert everything.score("e_measure_max", "pranet-256").value == pytest.approx(curve.max())
    assert everything.score("e_measure_mean", "pranet-256").value == pytest.approx(curve.mean())


def test_dice_and_iou_of_a_convention_fit_together(everything: Evaluation) -> None:
    dice, iou = everything.score("dice", "pooled").value, everything.score("iou", "pooled").value
    assert dice == pytest.approx(2 * iou / (1 + iou))
    for c in everything.cases:
        assert c.dice == pytest.approx(2 * c.iou / (1 + c.iou))


def test_thresholds_are_said_of_masks_only(everything: Evaluation) -> None:
    for score in everything.scores:
        family = METRIC_INFO[score.name.removesuffix("_median").removesuffix("_std")].family
        masks = family in ("region", "boundary", "centreline", "objects") and score.convention != "pranet-256"
        assert score.threshold == (0.5 if masks else None)
        assert score.unit == ("px" if "hausdorff" in score.name or score.name == "assd" else "")


def test_intervals_hold_their_value(everything: Evaluation) -> None:
    with_interval = [score for score in everything.scores if score.interval]
    names = {(score.name, score.convention) for score in with_interval}
    assert {("dice", "per-image"), ("dice", "pooled"), ("dice", "pranet-256"), ("nsd", "per-image"), ("object_f1", "pooled")} <= names
    assert {(name, "pooled") for name in ("roc_auc", "average_precision", "brier", "ece")} <= names
    for score in with_interval:
        assert score.interval is not None
        low, high = score.interval
        if score.name != "ece":  # resamples hold fewer distinct pixels, so that their calibration is worse by chance
            assert low - 1e-12 <= score.value <= high + 1e-12, score


def test_no_intervals_when_none_are_wanted_and_the_same_values() -> None:
    bare = evaluate(FakePredictor(), some_cases(), bootstrap=None)
    assert bare.bootstrap is None
    assert all(score.interval is None for score in bare.scores)
    values = [score.value for score in evaluate(FakePredictor(), some_cases(), bootstrap=FEW).scores]
    assert values == [score.value for score in bare.scores]


def test_one_image_has_no_interval() -> None:
    found = evaluate(FakePredictor(), FakeCases(some_cases().items[:1]))
    assert found.bootstrap is None
    assert all(score.interval is None for score in found.scores)


@pytest.mark.parametrize(
    ("groups", "by"),
    [
        (["a", "a", "b", "b"], "group"),
        (["a", "a", "b", None], "image"),
        (["a", "b", "c", "d"], "image"),
        ([None] * 4, "image"),
    ],
)
def test_groups_are_drawn_where_two_have_several_images(groups: list[str | None], by: str) -> None:
    cases = [result(str(i), 1, group=group) for i, group in enumerate(groups)]
    drawn = drawn_by(cases, FEW)
    assert drawn is not None
    assert drawn.by == by


def test_an_interval_by_group_is_wider_where_groups_differ() -> None:
    cases = [
        result(f"{group}{i}", *counts, group=group) for group, counts in (("a", (9, 1, 1, 89)), ("b", (1, 9, 9, 81))) for i in range(20)
    ]
    by_group = by_name(summarise_cases(cases, threshold=0.5, bootstrap=Bootstrap(by="group")))["dice", "per-image"]
    by_image = by_name(summarise_cases(cases, threshold=0.5, bootstrap=Bootstrap(by="image")))["dice", "per-image"]
    assert by_group.interval == pytest.approx((0.1, 0.9))  # of two groups, both draws are one group in half of the resamples
    assert by_image.interval is not None
    assert 0.3 < by_image.interval[0] < 0.5 < by_image.interval[1] < 0.7


def test_pooled_objects_are_those_of_summed_counts() -> None:
    one = ObjectCounts(true=4, predicted=2, matched=(2,) * 10, matched_iou=1.8, aji_intersection=90, aji_union=300)
    two = ObjectCounts(true=1, predicted=4, matched=(1,) * 5 + (0,) * 5, matched_iou=0.6, aji_intersection=10, aji_union=100)
    scores = {"object_precision": 0.5, "object_recall": 0.5, "object_f1": 0.5, "object_ap": 0.5, "panoptic_quality": 0.5, "aji": 0.5}
    cases = [result(str(i), 1, objects=c, scores=scores) for i, c in enumerate((one, two))]
    found = by_name(summarise_cases(cases, threshold=0.5))
    assert found["object_precision", "pooled"].value == pytest.approx(3 / 6)
    assert found["object_recall", "pooled"].value == pytest.approx(3 / 5)
    assert found["object_f1", "pooled"].value == pytest.approx(6 / 11)
    assert found["object_ap", "pooled"].value == pytest.approx((5 * 3 / 8 + 5 * 2 / 9) / 10)
    assert found["panoptic_quality", "pooled"].value == pytest.approx(2.4 / (3 + 3 / 2 + 2 / 2))
    assert found["aji", "pooled"].value == pytest.approx(100 / 400)


@pytest.mark.parametrize(("empty", "n", "value"), [("one", 4, 0.625), ("nan", 4, math.nan), ("skip", 3, 0.5)])
def test_the_rule_for_empty_masks(empty: EmptyRule, n: int, value: float) -> None:
    found = evaluate(FakePredictor(), some_cases(), empty=empty, bootstrap=FEW)
    dice = found.score("dice")
    assert (dice.n, dice.value, dice.empty) == (n, pytest.approx(value, nan_ok=True), empty)
    assert (dice.interval is None) == math.isnan(value)
    assert found.score("hausdorff").n == n


def test_an_image_without_an_object_has_no_auc_and_does_not_spoil_the_mean() -> None:
    auc = evaluate(FakePredictor(), some_cases()).score("roc_auc")
    assert auc.n == 3
    assert not math.isnan(auc.value)


def test_no_cases_are_an_error() -> None:
    with pytest.raises(ValueError, match="no cases"):
        summarise_cases([], threshold=0.5)
