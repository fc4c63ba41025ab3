"""Metrics as pure functions: pixels -> counts per case -> a score per case -> aggregates that carry their convention.

Only the counts (true and false positives and negatives) are ever taken from pixels; every score is computed from them, so that whatever
is kept per case can be summarised again later, in another way, without the images.
"""

from __future__ import annotations

from limner.metrics.aggregate import Score, ScoreValue, pool, summarise
from limner.metrics.counts import Counts, count
from limner.metrics.region import EmptyRule, accuracy, dice, f2, iou, precision, recall, specificity
from limner.metrics.sweep import THRESHOLDS, binarise, sweep_counts

__all__ = [
    "THRESHOLDS",
    "Counts",
    "EmptyRule",
    "Score",
    "ScoreValue",
    "accuracy",
    "binarise",
    "count",
    "dice",
    "f2",
    "iou",
    "pool",
    "precision",
    "recall",
    "specificity",
    "summarise",
    "sweep_counts",
]
