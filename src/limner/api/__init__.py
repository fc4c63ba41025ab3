"""The verbs. The command line calls these and nothing else.

Each imports what it needs when it is called: predicting and evaluating never import PyTorch.
"""

from limner.api.common import require_training
from limner.api.comparing import compare
from limner.api.describing import card
from limner.api.looking import AugmentationSheet, preview_augmentation
from limner.api.making import NoSourceError, RunResult, export_model, finish_run, new_run_folder, train
from limner.api.timing import bench
from limner.api.tuning import RANGE_TEST_FILES, LearningRates, SweepResult, find_learning_rate, new_folder, sweep
from limner.api.using import EVALUATION_FILES, evaluate, load, predict
from limner.api.validating import CrossValidation, cross_validate

__all__ = [
    "EVALUATION_FILES",
    "RANGE_TEST_FILES",
    "AugmentationSheet",
    "CrossValidation",
    "LearningRates",
    "NoSourceError",
    "RunResult",
    "SweepResult",
    "bench",
    "card",
    "compare",
    "cross_validate",
    "evaluate",
    "export_model",
    "find_learning_rate",
    "finish_run",
    "load",
    "new_folder",
    "new_run_folder",
    "predict",
    "preview_augmentation",
    "require_training",
    "sweep",
    "train",
]
