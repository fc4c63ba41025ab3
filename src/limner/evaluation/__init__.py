"""Evaluation on a data set: results of each case at its mask's size, scores with conventions and intervals, thresholds, calibration.

What is evaluated is a model, or a folder of masks that another tool made. A model file is run by the same code as prediction runs it, and
so PyTorch is never imported.
"""

from __future__ import annotations

from limner.evaluation.case_result import CaseResult
from limner.evaluation.evaluate import How, evaluate
from limner.evaluation.folder import FolderPredictions, MissingRule
from limner.evaluation.pooling import pool_evaluations
from limner.evaluation.postprocess import PostProcessChoice, tune_postprocess
from limner.evaluation.protocols import Case, Cases, Segmenter
from limner.evaluation.results import Bootstrap, Boundary, Evaluation, Row
from limner.evaluation.review import ReviewGain, review_curve, review_gain, review_score
from limner.evaluation.subgroups import Subgroup, subgroups
from limner.evaluation.summary import summarise_cases
from limner.evaluation.thresholds import CurvePoint, ThresholdChoice, choose_threshold
from limner.metrics.names import metric_label

__all__ = [
    "Bootstrap",
    "Boundary",
    "Case",
    "CaseResult",
    "Cases",
    "CurvePoint",
    "Evaluation",
    "FolderPredictions",
    "How",
    "MissingRule",
    "PostProcessChoice",
    "ReviewGain",
    "Row",
    "Segmenter",
    "Subgroup",
    "ThresholdChoice",
    "choose_threshold",
    "evaluate",
    "metric_label",
    "pool_evaluations",
    "review_curve",
    "review_gain",
    "review_score",
    "subgroups",
    "summarise_cases",
    "tune_postprocess",
]
