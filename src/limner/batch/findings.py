"""What is found in one image beside its files: the numbers of the tables, and its objects for files that hold all images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from limner.batch.annotations import coco_annotations
from limner.imaging.contours import trace_objects
from limner.imaging.instances import connected_areas
from limner.measures import field_of_view, measure_objects, measure_vessels
from limner.metrics.review import review_score

if TYPE_CHECKING:
    from limner.batch.jobs import Job
    from limner.batch.layout import Layout
    from limner.batch.tables import Cells
    from limner.imaging.contours import Outline
    from limner.measures import ObjectMeasures
    from limner.prediction_table import Row
    from limner.runtime.format import ReviewRule
    from limner.types import ImageArray, LabelArray, Prediction

OBJECT_COLUMNS: Final[dict[str, type]] = {
    "file": str,
    "mask": str,
    "object": int,  # its number in labels/
    "x": float,  # of the centroid, in pixels from the image's left edge
    "y": float,
    "left": int,
    "top": int,
    "width": int,
    "height": int,
    "area_px": int,
    "perimeter_px": float,
    "feret_px": float,
    "eccentricity": float,
    "circularity": float,
    "mean_intensity": float,
    "mean_prob": float,
    "spacing_um": float,  # empty, and with it all that follows, where it is not known
    "area_um2": float,
    "perimeter_um": float,
    "feret_um": float,
}
VESSEL_COLUMNS: Final[dict[str, type]] = {
    "file": str,
    "mask": str,
    "field_px": int,
    "density": float,
    "length_px": float,
    "tortuosity": float,
    "segments": int,
    "branch_points": int,
    "end_points": int,
    "spacing_um": float,
    "length_um": float,
    "length_mm_per_mm2": float,  # mm of vessel for each mm² of the field
}


class Look:
    """One image with its prediction, and what follows from both; each is computed once, and only if it is asked for.

    Args:
        job: The image's name and place.
        image: The image.
        prediction: What the model says of it.
        task: What is outlined.
        spacing: Side of a pixel in µm; None where it is not known.
    """

    def __init__(self, job: Job, image: ImageArray, prediction: Prediction, *, task: str, spacing: float | None = None) -> None:
        self.job, self.image, self.prediction, self.task, self.spacing = job, image, prediction, task, spacing

    @cached_property
    def objects(self) -> LabelArray:
        """A number for each object."""
        return connected_areas(self.prediction.mask) if self.prediction.objects is None else self.prediction.objects

    @cached_property
    def outlines(self) -> list[Outline]:
        """The outlines of the objects."""
        return list(trace_objects(self.objects))


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tables say of one image.

    Attributes:
        row: Its row in predictions.csv, but for what is told by the job.
        collected: What goes into the files that hold all images, by their names.
    """

    row: Row
    collected: dict[str, Any] = field(default_factory=dict)


def find(look: Look, layout: Layout, rule: ReviewRule | None) -> Finding:
    """All that is to be said of an image."""
    collected: dict[str, Any] = {}
    wanted = layout.collected
    if "coco" in wanted:
        collected["coco"] = _coco_entry(look, layout)
    if "measurements" in wanted:
        measured = measure_objects(look.objects, look.image, look.prediction.probs)
        collected["measurements"] = [object_row(one, look.job, layout, look.spacing) for one in measured]
    if "vessels" in wanted:
        collected["vessels"] = _vessel_row(look, layout)
    score = review_score(look.prediction.probs, look.prediction.mask)
    return Finding(_numbers(look) | doubt(score, rule), collected)


def _numbers(look: Look) -> Row:
    prediction = look.prediction
    height, width = prediction.mask.shape
    inside = prediction.probs[prediction.mask]
    return {
        "width": str(width),
        "height": str(height),
        "foreground_share": f"{prediction.foreground_share:.6f}",
        "objects": str(np.count_nonzero(np.bincount(look.objects.ravel())[1:])),
        "mean_foreground_prob": f"{inside.mean():.4f}" if inside.size else "",
        "max_prob": f"{prediction.probs.max():.4f}",
    }


def doubt(score: float, rule: ReviewRule | None) -> Row:
    """What the table says of how doubtful a mask is."""
    flagged = "" if rule is None else "yes" if score > rule.threshold else "no"
    return {"needs_review": f"{score:.4f}", "flagged": flagged}


def _coco_entry(look: Look, layout: Layout) -> dict[str, Any]:
    height, width = look.prediction.mask.shape
    place = {"file_name": file_name(look.job), "mask": layout.mask_name(look.job), "width": width, "height": height}
    return place | {"annotations": coco_annotations(look.outlines, look.prediction.probs)}


def file_name(job: Job) -> str:
    """The image's name as its outputs have it, with its own suffix."""
    suffix = PurePosixPath(job.image.name).suffix
    return job.name if job.name.endswith(suffix) else job.name + suffix


def object_row(one: ObjectMeasures, job: Job, layout: Layout, step: float | None) -> Cells:
    """An object in the table of measurements, where neighbouring pixels are so many µm apart."""
    of_length = (step, one.area * step * step, one.perimeter * step, one.feret * step) if step else (None,) * 4
    shape = (one.area, one.perimeter, one.feret, one.eccentricity, one.circularity, one.mean_intensity, one.mean_prob)
    return (job.image.display, layout.mask_name(job), one.label, *one.centroid, *one.box, *shape, *of_length)


def _vessel_row(look: Look, layout: Layout) -> Cells:
    found = measure_vessels(look.prediction.mask, field_of_view(look.image))
    step = look.spacing
    of_length = (step, found.length * step, 1000 * found.length / (found.field * step)) if step and found.field else (step, None, None)
    counted = (found.segments, found.branch_points, found.end_points)
    names = (look.job.image.display, layout.mask_name(look.job))
    return (*names, found.field, found.density, found.length, found.tortuosity, *counted, *of_length)
