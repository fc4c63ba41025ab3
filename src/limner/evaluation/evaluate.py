"""Model + data set -> a score for every case and for all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from limner.errors import LimnerError
from limner.evaluation.judge import Rules, judge
from limner.evaluation.protocols import predict_cases
from limner.evaluation.results import Bootstrap, Boundary, Evaluation, Part
from limner.evaluation.summary import drawn_by, summarise_cases
from limner.evaluation.sums import Sums
from limner.metrics.names import FAMILIES, Family, default_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.evaluation.case_result import CaseResult
    from limner.evaluation.protocols import Cases, Segmenter
    from limner.metrics import EmptyRule
    from limner.progress import Progress

_NEED_PROBS = ("probability", "saliency")
_KEPT = 64  # sums that are kept apart, of 64 KiB each, before they are added
_TOUCHING = "nucleus"  # a task whose objects touch, so that connected areas would join them


class How(TypedDict, total=False):
    """How an evaluation is to be made, for those who hand it on to `evaluate`; what is left out is as it is there."""

    empty: EmptyRule
    families: Sequence[Family] | None
    whole_image: bool
    boundary: Boundary
    bootstrap: Bootstrap | None


def evaluate(
    segmenter: Segmenter,
    dataset: Cases,
    *,
    part: Part = "all",
    empty: EmptyRule = "one",
    families: Sequence[Family] | None = None,
    whole_image: bool = False,
    boundary: Boundary = Boundary(),  # noqa: B008 - it is immutable
    bootstrap: Bootstrap | None = Bootstrap(),  # noqa: B008
    progress: Progress | None = None,
) -> Evaluation:
    """Score a model's masks, at the model's own threshold and at the size of the original masks.

    Cases are loaded and predicted one at a time; only their counts and scores are kept, and sums over their pixels. Nothing is chosen here:
    the threshold is the one that came with the model. Where a case has a field of view, nothing outside of it is judged.

    Args:
        segmenter: The model, a `limner.runtime.Predictor`, a folder of predictions or anything like it.
        dataset: The cases to score; the caller takes the part's subset.
        part: Which part of a split `dataset` is. It is only noted.
        empty: The rule for images in which both masks are empty (see `limner.metrics.region`).
        families: Which families of metrics to compute beside those of regions; by default what the model's task asks for.
        whole_image: Judge outside the field of view too.
        boundary: How distances are measured.
        bootstrap: How intervals are computed; None for none. Whether images or groups are drawn, the cases decide.
        progress: Called with (done, total) after each case.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: The model predicts NaN, or masks of another size.
        LimnerError: A family is asked for that needs probabilities, and there are none.
    """
    rules = Rules(
        families=_families(segmenter, families),
        empty=empty,
        boundary=boundary,
        whole_image=whole_image,
        split_touching=segmenter.metadata.task == _TOUCHING,
        has_probs=segmenter.has_probs,
    )
    cases, sums, by_field = _judge_all(segmenter, dataset, rules, progress)
    drawn = drawn_by(cases, bootstrap)
    scores = summarise_cases(cases, threshold=segmenter.threshold, empty=empty, unit=boundary.unit, bootstrap=drawn, sums=sums)
    return Evaluation(
        model=segmenter.metadata.name,
        source=dataset.name,
        part=part,
        n=len(cases),
        threshold=segmenter.threshold,
        threshold_origin=segmenter.metadata.threshold_origin,
        empty_rule=empty,
        families=rules.families,
        field_of_view=by_field,
        boundary=boundary,
        bootstrap=drawn,
        scores=scores,
        cases=tuple(cases),
        curves=sums.curves(),
    ).keeping(sums)


def _judge_all(segmenter: Segmenter, dataset: Cases, rules: Rules, progress: Progress | None) -> tuple[list[CaseResult], Sums, int]:
    """The results of all cases, the sums over them, and how many were judged inside a field of view."""
    cases: list[CaseResult] = []
    sums: list[Sums] = []
    by_field = 0
    predicted = predict_cases(segmenter, dataset, progress=progress)
    for case, (sample, prediction, seconds) in zip(dataset.items, predicted, strict=True):
        judged = judge(case, sample, prediction, seconds, rules)
        cases.append(judged.case)
        sums = [*sums, judged.sums] if len(sums) < _KEPT else [Sums.total([*sums, judged.sums])]
        by_field += judged.by_field
    return cases, Sums.total(sums), by_field


def _families(segmenter: Segmenter, asked: Sequence[Family] | None) -> tuple[Family, ...]:
    """The families to compute, in their usual order; those of regions are always among them."""
    wanted = set(default_families(segmenter.metadata.task) if asked is None else asked)
    if not segmenter.has_probs:
        if asked is not None and "probability" in asked and set(asked) != set(FAMILIES):
            fix = "name other families, or give pictures of probabilities and say from which on a pixel is foreground"
            raise LimnerError(
                "there are no probabilities to score, only masks", where=getattr(segmenter, "path", segmenter.metadata.name), fix=fix
            )
        wanted -= set(_NEED_PROBS) if asked is None else {"probability"}
    return tuple(family for family in FAMILIES if family in wanted or family == "region")
