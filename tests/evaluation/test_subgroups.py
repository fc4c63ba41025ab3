"""Where a model fails."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from limner.evaluation import Bootstrap, CaseResult, Evaluation, Subgroup, subgroups
from limner.metrics import Counts


def result(number: int, dice: float, share: float = 0.1, **known: Any) -> CaseResult:
    """An image of 10 000 pixels with that Dice and that share of foreground, as nearly as whole numbers allow."""
    object_ = round(10000 * share)
    tp = round(object_ * dice)  # as many missed as found wrongly
    return CaseResult.of(f"c{number:03}", (100, 100), Counts(tp, object_ - tp, object_ - tp, 10000 - 2 * object_ + tp), **known)


def evaluation(cases: list[CaseResult], bootstrap: Bootstrap | None = None) -> Evaluation:
    return Evaluation(
        model="m", source="s", part="all", n=len(cases), threshold=0.5, threshold_origin="o", empty_rule="one",
        scores=(), cases=tuple(cases), bootstrap=bootstrap,
    )  # fmt: skip


def by(found: tuple[Subgroup, ...], what: str) -> list[Subgroup]:
    return [one for one in found if one.by == what]


@pytest.fixture
def two_sites() -> list[CaseResult]:
    rng = np.random.default_rng(0)
    dice = {"A": 0.9, "B": 0.6}
    return [
        result(i, dice[site] + rng.uniform(-0.05, 0.05), columns={"site": site, "scanner": f"s{i}"}) for i, site in enumerate("AAB" * 12)
    ]


def test_a_site_that_is_worse_beyond_chance(two_sites: list[CaseResult]) -> None:
    good, bad = by(subgroups(evaluation(two_sites, Bootstrap(resamples=300))), "site")
    assert (good.name, good.n, bad.name, bad.n) == ("A", 24, "B", 12)
    dice = {site: [case.dice for case in two_sites if case.columns["site"] == site] for site in "AB"}
    assert bad.dice == good.rest == pytest.approx(np.mean(dice["B"]))
    assert good.dice == bad.rest == pytest.approx(np.mean(dice["A"]))
    p = stats.mannwhitneyu(dice["A"], dice["B"]).pvalue
    assert bad.p == pytest.approx(2 * p)  # two tests
    assert (bad.worse, good.worse) == (True, False)
    assert bad.interval is not None
    assert bad.interval[0] < bad.dice < bad.interval[1]
    assert bad.sentence().startswith("site B: mean Dice 0.6")
    assert "p < 0.001" in bad.sentence()


def test_columns_with_a_value_for_each_image_are_none(two_sites: list[CaseResult]) -> None:
    assert {one.by for one in subgroups(evaluation(two_sites))} == {"site"}


def test_chance_is_not_taken_for_a_finding() -> None:
    rng = np.random.default_rng(1)
    cases = [
        result(i, rng.uniform(0.5, 1), rng.uniform(0.01, 0.4), brightness=rng.random(), columns={"site": "ABCDE"[i % 5]})
        for i in range(100)
    ]
    assert not [one for one in subgroups(evaluation(cases)) if one.worse]


def test_by_size_with_the_images_that_hold_nothing() -> None:
    cases = [result(i, 0.3 + i * 0.05, 0.02 * (i + 1)) for i in range(9)] + [result(9 + i, 1.0, 0.0) for i in range(2)]
    small, medium, large, none = by(subgroups(evaluation(cases)), "object size")
    assert [one.n for one in (small, medium, large, none)] == [3, 3, 3, 2]
    assert [one.name.split()[0] for one in (small, medium, large)] == ["small", "medium", "large"]
    assert (none.name, none.dice) == ("no object", 1.0)
    assert small.dice == pytest.approx(0.35, abs=0.01)
    assert small.rest == pytest.approx(np.mean([case.dice for case in cases[3:]]))
    assert math.isnan(small.p)  # of three images nothing is tested
    assert not small.worse
    assert small.interval is None


def test_images_of_one_size_are_not_divided_by_it() -> None:
    assert subgroups(evaluation([result(i, 0.5) for i in range(12)])) == ()
    with_empty = [result(i, 0.5) for i in range(12)] + [result(20 + i, 1.0, 0.0) for i in range(6)]
    assert [one.name for one in subgroups(evaluation(with_empty))] == ["with an object", "no object"]


def test_by_brightness() -> None:
    cases = [result(i, 0.4 if i < 10 else 0.9 + i / 1000, brightness=i / 30) for i in range(30)]
    dark, medium, bright = by(subgroups(evaluation(cases)), "brightness")
    assert (dark.worse, medium.worse, bright.worse) == (True, False, False)
    assert dark.name.startswith("dark (up to ")


def test_by_group_of_two_to_twelve() -> None:
    few = [result(i, 0.9 - 0.3 * (i % 3 == 0), group="abc"[i % 3]) for i in range(30)]
    assert [(one.name, one.worse) for one in by(subgroups(evaluation(few)), "group")] == [("a", True), ("b", False), ("c", False)]
    many = [result(i, 0.9, group=str(i % 13)) for i in range(26)]
    assert subgroups(evaluation(many)) == ()


def test_images_without_a_value_or_a_dice_are_left_out() -> None:
    cases = [result(i, 0.9, columns={"site": "AB"[i % 2] if i < 10 else ""}) for i in range(14)]
    undefined = CaseResult.of("z", (1, 1), Counts(tn=1), empty="nan", columns={"site": "A"})
    assert [(one.name, one.n) for one in subgroups(evaluation([*cases, undefined]))] == [("A", 5), ("B", 5)]


def test_images_without_a_group_are_drawn_one_by_one() -> None:
    """Where groups are drawn, a subgroup of images that are in none still has an interval."""
    grouped = [result(i, 0.5 + i / 40, columns={"site": "A"}, group=f"g{i % 3}") for i in range(9)]
    alone = [result(10 + i, 0.6 + i / 40, columns={"site": "B"}) for i in range(6)]
    _, found = by(subgroups(evaluation(grouped + alone, Bootstrap(resamples=200, by="group"))), "site")
    assert (found.name, found.n) == ("B", 6)
    assert found.interval is not None
    assert found.interval[0] < found.dice < found.interval[1]


def test_images_of_one_patient_are_one_witness() -> None:
    """Two patients, twenty images of each, at every site: forty images differ beyond chance, and two patients against two cannot."""
    rng = np.random.default_rng(0)
    cases = [
        result(i, (0.9 if i < 40 else 0.7) + rng.uniform(-0.02, 0.02), columns={"site": "AB"[i // 40]}, group=f"p{i // 20}")
        for i in range(80)
    ]
    assert any(one.worse for one in by(subgroups(evaluation(cases, Bootstrap(resamples=200))), "site"))
    sites = by(subgroups(evaluation(cases, Bootstrap(resamples=200, by="group"))), "site")
    assert all(math.isnan(one.p) and not one.worse for one in sites)


def test_many_patients_are_tested_by_their_means() -> None:
    rng = np.random.default_rng(0)
    dice = {patient: (0.9 if patient < 6 else 0.6) + rng.uniform(-0.02, 0.02) for patient in range(12)}
    cases = [result(i, dice[i // 3], columns={"site": "AB"[i // 18]}, group=f"p{i // 3}") for i in range(36)]
    _, bad = by(subgroups(evaluation(cases, Bootstrap(resamples=200, by="group"))), "site")
    means = [[case.dice for case in cases if case.columns["site"] == site][::3] for site in "AB"]
    assert bad.p == pytest.approx(2 * stats.mannwhitneyu(*means).pvalue, rel=1e-6)
    assert bad.worse
