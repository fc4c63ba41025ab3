"""The files of one image: which writer makes which output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from limner.batch.annotations import compact_json, geojson_file, labelme_file
from limner.batch.findings import file_name
from limner.files import write_text
from limner.imaging.overlay import draw_outline
from limner.imaging.write import write_image, write_labels, write_mask, write_probs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.batch.findings import Look
    from limner.batch.layout import Layout


def write_outputs(look: Look, layout: Layout) -> None:
    """Write all files of an image that are wanted, its mask last.

    Raises:
        OSError: A file cannot be written.
        DataError: The image has too many pixels for a format.
    """
    for output in layout.per_image(look.job):
        _WRITERS[output](layout.file(output, look.job), look)


def _overlay(path: Path, look: Look) -> None:
    prediction = look.prediction
    write_image(path, draw_outline(look.image, prediction.mask, objects=prediction.objects))


def _disagreement(path: Path, look: Look) -> None:
    found = look.prediction.disagreement
    write_probs(path, np.zeros_like(look.prediction.probs) if found is None else found)


def _labelme(path: Path, look: Look) -> None:
    image = look.job.path or file_name(look.job)
    _write_compact(path, labelme_file(look.outlines, look.task, look.prediction.mask.shape, image, path.parent))


def _geojson(path: Path, look: Look) -> None:
    _write_compact(path, geojson_file(look.outlines, look.task, look.prediction.probs))


def _write_compact(path: Path, value: object) -> None:
    write_text(path, compact_json(value) + "\n")


_WRITERS: Final[dict[str, Callable[[Path, Look], None]]] = {
    "masks": lambda path, look: write_mask(path, look.prediction.mask),
    "overlays": _overlay,
    "probs": lambda path, look: write_probs(path, look.prediction.probs),
    "disagreement": _disagreement,
    "labels": lambda path, look: write_labels(path, look.objects),
    "labelme": _labelme,
    "geojson": _geojson,
}
