"""Where a model fails: its Dice by size of the object, by brightness, by group, and by each column of the manifest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from limner.metrics.aggregate import mean
from limner.metrics.statistics import holm, mean_interval, resample, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from limner.evaluation.case_result import CaseResult
    from limner.evaluation.results import Bootstrap, Evaluation

LEAST = 5  # images (or groups) in a subgroup and in the rest, below which nothing is tested
_SURE = 0.05
_MOST_VALUES = 12  # more than that are names, not subgroups
_THIRDS = (1 / 3, 2 / 3)
_NO_OBJECT = "no object"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The images that have something in common.

    Attributes:
        by: What they were divided by: `object size`, `brightness`, `group`, or a column of the manifest.
        name: Which of them these are.
        n: Number of images.
        dice: Their mean per-image Dice.
        interval: Its 95 % bootstrap interval; None where there is none.
        rest: Mean per-image Dice of all other images that were divided by the same.
        p: Of the Mann-Whitney test that they do not differ from the rest, two-sided, corrected for the number of subgroups (Holm);
            NaN where there are too few images, or groups, to test.
        worse: Whether they are worse than the rest beyond chance: the mean is lower, and p below 0.05.
    """

    by: str
    name: str
    n: int
    dice: float
    interval: tuple[float, float] | None
    rest: float
    p: float
    worse: bool = False

    def sentence(self) -> str:
        """What is to be said of a subgroup that is worse.

        Example:
            >>> Subgroup("site", "B", 40, 0.71, (0.66, 0.76), 0.9, 0.001, worse=True).sentence()
            'site B: mean Dice 0.71 on 40 images, 0.90 on the others (p = 0.001)'
        """
        p = f"p = {self.p:.2g}" if self.p >= 0.001 else "p < 0.001"
        return f"{self.by} {self.name}: mean Dice {self.dice:.2f} on {self.n} images, {self.rest:.2f} on the others ({p})"


def subgroups(evaluation: Evaluation) -> tuple[Subgroup, ...]:
    """Divide the images by all that is known of them, and compare each subgroup's Dice with that of the rest.

    Sizes and brightness are divided into thirds; images without an object are a subgroup of their own. Groups and columns count where they
    have 2 to 12 values, each as it is. Images without a defined Dice are left out. Where intervals are of groups, the test is of their
    means: the images of one patient are one witness.

    Returns:
        In the order of sizes, brightness, groups and columns; empty where there is nothing to divide by.

    Source of the test: Mann and Whitney, Annals of Mathematical Statistics 18:50-60, 1947.
    """
    cases = [case for case in evaluation.cases if not math.isnan(case.dice)]
    found = [
        _subgroup(by, name, members, [case for other in division if other != name for case in division[other]], evaluation.bootstrap)
        for by, division in _divisions(cases)
        for name, members in division.items()
    ]
    corrected = holm([one.p for one in found])
    return tuple(replace(one, p=p, worse=one.dice < one.rest and p < _SURE) for one, p in zip(found, corrected, strict=True))


def _divisions(cases: Sequence[CaseResult]) -> Iterable[tuple[str, dict[str, list[CaseResult]]]]:
    """What the images can be divided by, and how; only what makes at least two subgroups."""
    divisions = {
        "object size": _by_size(cases),
        "brightness": _by_thirds(
            [case for case in cases if not math.isnan(case.brightness)], lambda case: case.brightness, ("dark", "medium", "bright")
        ),
        "group": _by_value((case.group, case) for case in cases if case.group is not None),
    }
    for column in dict.fromkeys(column for case in cases for column in case.columns):
        divisions.setdefault(column, _by_value((case.columns.get(column), case) for case in cases))
    return [(by, division) for by, division in divisions.items() if len(division) > 1]


def _by_size(cases: Sequence[CaseResult]) -> dict[str, list[CaseResult]]:
    with_object = [case for case in cases if case.object_share > 0]
    without = [case for case in cases if case.object_share == 0]
    divided = _by_thirds(with_object, lambda case: case.object_share, ("small", "medium", "large")) or {"with an object": with_object}
    return {name: members for name, members in {**divided, _NO_OBJECT: without}.items() if members}


def _by_thirds(cases: Sequence[CaseResult], of: Callable[[CaseResult], float], names: tuple[str, str, str]) -> dict[str, list[CaseResult]]:
    """Thirds from low to high, named with the values between which they lie; none where a third would be empty."""
    if len(cases) < len(names):
        return {}
    low, high = np.quantile([of(case) for case in cases], _THIRDS)
    first, second = (f"{100 * edge:.3g} %" for edge in (low, high))
    labels = (f"{names[0]} (up to {first})", f"{names[1]} (to {second})", f"{names[2]} (above {second})")
    thirds: dict[str, list[CaseResult]] = {label: [] for label in labels}
    for case in cases:
        thirds[labels[int(of(case) > low) + int(of(case) > high)]].append(case)
    return thirds if all(thirds.values()) else {}


def _by_value(cases: Iterable[tuple[str | None, CaseResult]]) -> dict[str, list[CaseResult]]:
    """The images of each value, in its order; none where there are too many values. Images without one are left out."""
    found: dict[str, list[CaseResult]] = {}
    for value, case in cases:
        if value:
            found.setdefault(value, []).append(case)
    return dict(sorted(found.items())) if 1 < len(found) <= _MOST_VALUES else {}


def _subgroup(by: str, name: str, members: Sequence[CaseResult], others: Sequence[CaseResult], bootstrap: Bootstrap | None) -> Subgroup:
    dice, rest = [case.dice for case in members], [case.dice for case in others]
    by_group = bootstrap is not None and bootstrap.by == "group"
    p = _p(_witnesses(members, by_group=by_group), _witnesses(others, by_group=by_group))
    return Subgroup(by, name, len(dice), mean(dice), _interval(members, bootstrap), mean(rest), p)


def _interval(cases: Sequence[CaseResult], bootstrap: Bootstrap | None) -> tuple[float, float] | None:
    if bootstrap is None:
        return None
    groups = [case.group if bootstrap.by == "group" else None for case in cases]
    if units(groups) < 2:
        return None
    weights = resample(groups, resamples=bootstrap.resamples, seed=bootstrap.seed)
    return mean_interval([case.dice for case in cases], weights, level=bootstrap.level)


def _witnesses(cases: Sequence[CaseResult], *, by_group: bool) -> list[float]:
    """The Dice of each image; or the mean of each group, and the Dice of each image that is in none."""
    if not by_group:
        return [case.dice for case in cases]
    of_group: dict[object, list[float]] = {}
    for index, case in enumerate(cases):
        of_group.setdefault(case.group or index, []).append(case.dice)
    return [mean(values) for values in of_group.values()]


def _p(dice: Sequence[float], rest: Sequence[float]) -> float:
    from scipy import stats  # takes longer to import than all the rest

    if min(len(dice), len(rest)) < LEAST:
        return math.nan
    return float(stats.mannwhitneyu(dice, rest, alternative="two-sided").pvalue)
