"""Metrics as pure functions: pixels -> counts per case -> a score per case -> aggregates that carry their convention.

Of a region only the counts (true and false positives and negatives) are taken from pixels, of objects how many are matched, and of the
probabilities over a data set a histogram; every score is computed from these. So whatever is kept can be summarised again later, in another
way, without the images. Boundaries, centrelines and the measures of the polyp literature are scores of one image from the start.
"""

from __future__ import annotations

from limner.metrics.aggregate import Score, ScoreValue, pool, possible_pair, summarise
from limner.metrics.boundary import SurfaceDistances, assd, boundary_iou, boundary_scores, hausdorff, nsd, surface_distances
from limner.metrics.centreline import cldice
from limner.metrics.counts import Counts, count
from limner.metrics.object_counts import ObjectCounts
from limner.metrics.objects import label_objects, object_scores
from limner.metrics.probability import LogitHistogram, average_precision, brier, roc_auc, soft_dice
from limner.metrics.region import (
    EmptyRule,
    accuracy,
    balanced_accuracy,
    dice,
    f2,
    f_beta,
    iou,
    kappa,
    mcc,
    precision,
    recall,
    specificity,
    volume_similarity,
)
from limner.metrics.review import review_score
from limner.metrics.saliency import SaliencyScores, saliency_scores
from limner.metrics.statistics import Difference, holm, mean_interval, paired_difference, pooled_interval, resample, wilcoxon
from limner.metrics.sweep import THRESHOLDS, binarise, sweep_counts

__all__ = [
    "THRESHOLDS",
    "Counts",
    "Difference",
    "EmptyRule",
    "LogitHistogram",
    "ObjectCounts",
    "SaliencyScores",
    "Score",
    "ScoreValue",
    "SurfaceDistances",
    "accuracy",
    "assd",
    "average_precision",
    "balanced_accuracy",
    "binarise",
    "boundary_iou",
    "boundary_scores",
    "brier",
    "cldice",
    "count",
    "dice",
    "f2",
    "f_beta",
    "hausdorff",
    "holm",
    "iou",
    "kappa",
    "label_objects",
    "mcc",
    "mean_interval",
    "nsd",
    "object_scores",
    "paired_difference",
    "pool",
    "pooled_interval",
    "possible_pair",
    "precision",
    "recall",
    "resample",
    "review_score",
    "roc_auc",
    "saliency_scores",
    "soft_dice",
    "specificity",
    "summarise",
    "surface_distances",
    "sweep_counts",
    "volume_similarity",
    "wilcoxon",
]
