"""Evaluation of a model file on a data set: counts per case at the original mask's size, scores with their conventions, thresholds.

It runs the same file through the same code as prediction does, and so never imports PyTorch.
"""

from __future__ import annotations

from limner.evaluation.evaluate import evaluate
from limner.evaluation.protocols import Case, Cases, Segmenter
from limner.evaluation.results import CaseResult, Evaluation, Row, metric_label
from limner.evaluation.thresholds import CurvePoint, ThresholdChoice, choose_threshold

__all__ = [
    "Case",
    "CaseResult",
    "Cases",
    "CurvePoint",
    "Evaluation",
    "Row",
    "Segmenter",
    "ThresholdChoice",
    "choose_threshold",
    "evaluate",
    "metric_label",
]
