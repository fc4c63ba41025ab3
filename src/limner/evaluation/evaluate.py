"""Model + data set -> a score for every case and for all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.evaluation.protocols import predict_cases
from limner.evaluation.results import CaseResult, Evaluation, Part
from limner.metrics import EmptyRule, count, summarise

if TYPE_CHECKING:
    from limner.evaluation.protocols import Cases, Segmenter
    from limner.progress import Progress


def evaluate(
    predictor: Segmenter, dataset: Cases, *, part: Part = "all", empty: EmptyRule = "one", progress: Progress | None = None
) -> Evaluation:
    """Score a model's masks, at the model's own threshold and at the size of the original masks.

    Cases are loaded and predicted one at a time, and only their counts are kept. Nothing is chosen here: the threshold is the one that
    came with the model.

    Args:
        predictor: The model, a `limner.runtime.Predictor` or anything like it.
        dataset: The cases to score; the caller takes the part's subset.
        part: Which part of a split `dataset` is. It is only noted.
        empty: The rule for images in which both masks are empty (see `limner.metrics.region`).
        progress: Called with (done, total) after each case.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: The model predicts NaN, or masks of another size.
    """
    cases = []
    for sample, prediction, seconds in predict_cases(predictor, dataset, progress=progress):
        counts = count(prediction.mask, sample.mask)
        height, width = sample.mask.shape
        cases.append(CaseResult.of(sample.key, (height, width), counts, empty=empty, seconds=seconds))
    return Evaluation(
        model=predictor.metadata.name,
        source=dataset.name,
        part=part,
        n=len(cases),
        threshold=predictor.threshold,
        threshold_origin=predictor.metadata.threshold_origin,
        empty_rule=empty,
        scores=tuple(summarise([case.counts for case in cases], threshold=predictor.threshold, empty=empty)),
        cases=tuple(cases),
    )
