"""All inputs of one call together: images, slides and videos."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from limner.batch.clips import place_clips, predict_clips, refuse_existing_clips
from limner.batch.layout import COLLECTED_OF_SLIDES, OF_SLIDES, USUAL, Layout, refuse_existing, refuse_to_replace_inputs
from limner.batch.run import Predictions, predict_many
from limner.errors import LimnerWarning
from limner.progress import show_progress

if TYPE_CHECKING:
    from pathlib import Path

    from limner.batch.jobs import Plan
    from limner.batch.wanted import Wanted
    from limner.runtime import Predictor


def predict_plan(predictor: Predictor, plan: Plan, out: Path, wanted: Wanted, *, progress: bool = True) -> Predictions:
    """Predict all that is planned, images before videos, and write what is wanted.

    Raises:
        OutputExistsError: An output is already there, and that is not wanted; or there is no resuming. Nothing has been written then.
        DataError: The inputs do not fit the output, or the only video cannot be read.
        OSError: An output cannot be written.

    Warns:
        LimnerWarning: Not all that is wanted can be had of slides, or of videos.
    """
    metadata = predictor.metadata
    layout = Layout(out, wanted.outputs, wanted.table, vessels="vessel" in metadata.task.lower())
    places = place_clips(plan, out, layout)
    refuse_to_replace_inputs(plan.images, layout)
    if not (wanted.resume or wanted.overwrite):
        refuse_existing(plan.images, layout)
    if not wanted.overwrite:
        refuse_existing_clips(places, resume=wanted.resume)
    _warn_of_slides(plan, wanted)
    _warn_of_clips(plan, wanted)
    result = Predictions(metadata.name, predictor.threshold, out, layout.table)
    if plan.images:
        with show_progress("predicting", enabled=progress) as tick:
            result = predict_many(predictor, plan.images, layout, spacing=wanted.spacing, resume=wanted.resume, progress=tick)
    result.left_out = plan.left_out
    predict_clips(predictor, places, result, wanted, show=lambda label: show_progress(label, enabled=progress))
    return result


def _warn_of_slides(plan: Plan, wanted: Wanted) -> None:
    slides = [job for job in plan.images if job.kind == "slide"]
    possible = sorted([*OF_SLIDES, *COLLECTED_OF_SLIDES])
    without = sorted(wanted.outputs - set(possible))
    if slides and without:
        what = f"of slides only {', '.join(possible)} are written, not {', '.join(without)}: {slides[0].image.display}"
        warnings.warn(what, LimnerWarning, stacklevel=4)


def _warn_of_clips(plan: Plan, wanted: Wanted) -> None:
    without = sorted(wanted.outputs - USUAL)
    if plan.clips and without:
        what = f"of videos a copy with outlines and a table of its frames are written, not {', '.join(without)}: {plan.clips[0].source}"
        warnings.warn(what, LimnerWarning, stacklevel=4)
