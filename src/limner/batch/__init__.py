"""Prediction over many images: plan where each output goes, run the model, write masks, overlays, annotations, measurements and tables."""

from limner.batch.inputs import plan
from limner.batch.jobs import Clip, Job, Plan, output_names
from limner.batch.layout import OUTPUTS, Layout, TableFormat, refuse_existing
from limner.batch.run import Failure, Predictions, predict_many
from limner.batch.wanted import Wanted
from limner.batch.whole import predict_plan

__all__ = [
    "OUTPUTS",
    "Clip",
    "Failure",
    "Job",
    "Layout",
    "Plan",
    "Predictions",
    "TableFormat",
    "Wanted",
    "output_names",
    "plan",
    "predict_many",
    "predict_plan",
    "refuse_existing",
]
