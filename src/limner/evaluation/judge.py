"""One image: its mask and what was predicted -> counts and scores, at the size of the mask and inside the field of view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from limner.evaluation.case_result import PRANET, CaseResult
from limner.evaluation.protocols import load_inside
from limner.evaluation.sums import Sums
from limner.metrics import count
from limner.metrics.boundary import boundary_scores
from limner.metrics.centreline import cldice
from limner.metrics.objects import label_objects, object_counts, object_scores
from limner.metrics.probability import LogitHistogram, brier, ranking_scores, soft_dice
from limner.metrics.review import review_score
from limner.metrics.saliency import saliency_scores

if TYPE_CHECKING:
    from limner.evaluation.protocols import Case
    from limner.evaluation.results import Boundary
    from limner.metrics import EmptyRule
    from limner.metrics.names import Family
    from limner.metrics.object_counts import ObjectCounts
    from limner.types import ImageArray, LabelArray, MaskArray, Prediction, ProbArray, Sample


@dataclass(frozen=True, slots=True)
class Rules:
    """How images are judged.

    Attributes:
        families: Which families of metrics are computed; those of regions always are.
        empty: The rule for images in which both masks are empty.
        boundary: How distances are measured.
        whole_image: Judge outside the field of view too.
        split_touching: Part objects that touch, by a watershed: predicted ones, and true ones that the source does not tell apart.
        has_probs: Whether probabilities are any.
    """

    families: tuple[Family, ...]
    empty: EmptyRule
    boundary: Boundary
    whole_image: bool
    split_touching: bool
    has_probs: bool


class Judged(NamedTuple):
    """What one image adds to an evaluation."""

    case: CaseResult
    sums: Sums
    by_field: bool  # judged inside its field of view only


class _Seen(NamedTuple):
    """What is judged of an image; outside the field of view all is background."""

    preds: MaskArray
    target: MaskArray
    probs: ProbArray
    inside: MaskArray | None


def judge(case: Case, sample: Sample, prediction: Prediction, seconds: float, rules: Rules) -> Judged:
    """Judge the prediction for one image.

    Raises:
        DataError: The field of view cannot be read or is of another size, or objects cannot be told apart.
    """
    inside = None if rules.whole_image else load_inside(case, sample)
    seen = _seen(sample, prediction, inside)
    objects = _objects(case, seen, prediction, rules) if "objects" in rules.families else None
    saliency, e_measure = _saliency(seen) if "saliency" in rules.families else ({}, None)
    scores = _boundary(seen, rules) | _probability(seen, rules) | _centreline(seen, rules) | _object_scores(objects, rules) | saliency
    height, width = sample.mask.shape
    result = CaseResult.of(
        case.key,
        (height, width),
        count(prediction.mask, sample.mask, inside),
        empty=rules.empty,
        scores=scores,
        objects=objects,
        brightness=_brightness(sample.image, inside),
        review=review_score(prediction.probs, prediction.mask) if rules.has_probs else float("nan"),
        group=case.group,
        columns=dict(case.columns),
        seconds=seconds,
    )
    logits = LogitHistogram.of(prediction.probs, sample.mask, inside) if "probability" in rules.families else None
    return Judged(result, Sums.of(case.key, logits, e_measure), inside is not None)


def _seen(sample: Sample, prediction: Prediction, inside: MaskArray | None) -> _Seen:
    if inside is None:
        return _Seen(prediction.mask, sample.mask, prediction.probs, None)
    return _Seen(prediction.mask & inside, sample.mask & inside, np.where(inside, prediction.probs, np.float32(0)), inside)


def _boundary(seen: _Seen, rules: Rules) -> dict[str, float]:
    if "boundary" not in rules.families:
        return {}
    how = rules.boundary
    return boundary_scores(seen.preds, seen.target, spacing=how.spacing, tolerance=how.tolerance, empty=rules.empty)


def _probability(seen: _Seen, rules: Rules) -> dict[str, float]:
    if "probability" not in rules.families:
        return {}
    probs, target = (seen.probs, seen.target) if seen.inside is None else (seen.probs[seen.inside], seen.target[seen.inside])
    auc, precision = ranking_scores(probs, target)
    return {
        "roc_auc": auc,
        "average_precision": precision,
        "soft_dice": soft_dice(probs, target, empty=rules.empty),
        "brier": brier(probs, target),
    }


def _centreline(seen: _Seen, rules: Rules) -> dict[str, float]:
    return {"cldice": cldice(seen.preds, seen.target, empty=rules.empty)} if "centreline" in rules.families else {}


def _objects(case: Case, seen: _Seen, prediction: Prediction, rules: Rules) -> ObjectCounts:
    areas = partial(label_objects, split_touching=rules.split_touching)
    true = case.load_instances(areas)
    predicted = areas(seen.preds) if prediction.objects is None else prediction.objects
    return object_counts(_within(predicted, seen.inside), _within(true, seen.inside))


def _within(labels: LabelArray, inside: MaskArray | None) -> LabelArray:
    return labels if inside is None else np.where(inside, labels, np.int32(0))


def _object_scores(objects: ObjectCounts | None, rules: Rules) -> dict[str, float]:
    if objects is None:
        return {}
    return {**object_scores(objects, empty=rules.empty), "false_positives_per_image": float(objects.predicted - objects.matched[0])}


def _saliency(seen: _Seen) -> tuple[dict[str, float], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The scores of the polyp literature, and the E-measure at each of its thresholds, which is averaged over images before its maximum."""
    found = saliency_scores(seen.probs, seen.target)
    scores = {
        PRANET["dice"]: float(np.mean(found.dice)),
        PRANET["iou"]: float(np.mean(found.iou)),
        "mae": found.mae,
        "s_measure": found.s_measure,
        "e_measure_mean": float(np.mean(found.e_measure)),
        "e_measure_adaptive": found.e_measure_adaptive,
        "weighted_f": found.weighted_f,
    }
    return scores, np.asarray(found.e_measure, dtype=np.float64)


def _brightness(image: ImageArray, inside: MaskArray | None) -> float:
    """Mean grey level (ITU-R 601), in [0, 1]."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    return float((grey if inside is None else grey[inside]).mean()) / 255
