"""Evaluations of several folds -> one of all their images, each scored by the model that has not seen it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.errors import RunError
from limner.evaluation.results import Bootstrap, Evaluation, Part
from limner.evaluation.summary import drawn_by, summarise_cases
from limner.evaluation.sums import Sums
from limner.metrics.names import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_THRESHOLDS = "of each fold its own, chosen on its validation part"


def pool_evaluations(
    evaluations: Sequence[Evaluation],
    *,
    model: str | None = None,
    source: str | None = None,
    part: Part = "all",
    bootstrap: Bootstrap | None = Bootstrap(),  # noqa: B008 - it is immutable
) -> Evaluation:
    """Join evaluations of disjoint sets of images, such as the test parts of the folds of a cross-validation.

    Families that one of them lacks are left out. Curves and pooled scores of probabilities need sums over pixels, which are not saved: if
    one of the evaluations was loaded from a folder, they are left out too.

    Args:
        evaluations: At least one.
        model: What all models together are called; by default the first one's name.
        source: The data set; by default the first one's.
        part: Which part of it all images together are.
        bootstrap: How intervals are computed; None for none.

    Raises:
        RunError: An image is in several of them, or they were not made by the same rules.
    """
    _check(evaluations)
    first = evaluations[0]
    cases = tuple(sorted((case for one in evaluations for case in one.cases), key=lambda case: case.key))
    sums = _sums(evaluations)
    same_threshold = len({one.threshold for one in evaluations}) == 1
    threshold = first.threshold if same_threshold else None
    origins = {one.threshold_origin for one in evaluations}
    drawn = drawn_by(cases, bootstrap)
    scores = summarise_cases(cases, threshold=threshold, empty=first.empty_rule, unit=first.boundary.unit, bootstrap=drawn, sums=sums)
    pooled = Evaluation(
        model=model or first.model,
        source=source or first.source,
        part=part,
        n=len(cases),
        threshold=threshold,
        threshold_origin=first.threshold_origin if same_threshold and len(origins) == 1 else OWN_THRESHOLDS,
        empty_rule=first.empty_rule,
        families=tuple(family for family in FAMILIES if all(family in one.families for one in evaluations)),
        field_of_view=sum(one.field_of_view for one in evaluations),
        boundary=first.boundary,
        bootstrap=drawn,
        scores=scores,
        cases=cases,
        curves=sums.curves() if sums else None,
        seen_in_training=sum(one.seen_in_training for one in evaluations),
        notice="; ".join(dict.fromkeys(one.notice for one in evaluations if one.notice)) or None,
        problems=_problems(evaluations),
    )
    return pooled if sums is None else pooled.keeping(sums)


def _check(evaluations: Sequence[Evaluation]) -> None:
    if not evaluations:
        raise RunError("there are no evaluations to join")
    times = Counter(case.key for one in evaluations for case in one.cases)
    twice = sorted(key for key, count in times.items() if count > 1)
    if twice:
        what = f"several of the evaluations hold {counted(len(twice), 'image')}, such as {twice[0]}"
        raise RunError(what, fix="join evaluations of disjoint parts, as those of folds are")
    if len({(one.empty_rule, one.boundary) for one in evaluations}) > 1:
        fix = "make them again with the same --empty, --spacing and --tolerance"
        raise RunError("the evaluations were not made by the same rules for empty masks and distances", fix=fix)


def _sums(evaluations: Sequence[Evaluation]) -> Sums | None:
    found = [one.sums for one in evaluations if one.sums is not None]
    return Sums.total(found) if len(found) == len(evaluations) else None


def _problems(evaluations: Sequence[Evaluation]) -> tuple[str, ...] | None:
    """Each once; None when nobody looked anywhere."""
    looked = [one.problems for one in evaluations if one.problems is not None]
    return tuple(dict.fromkeys(problem for problems in looked for problem in problems)) if looked else None
