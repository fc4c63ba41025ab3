"""Predict slides: pictures too large for the memory, whose outputs are written as they are made, a row of tiles after the other."""

from __future__ import annotations

import time
import warnings
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.batch.annotations import geojson_feature, geojson_stream
from limner.batch.slide_objects import MOST_CUT, MOST_TRACED, Listeners, SlideObjects
from limner.batch.slide_rows import predicted_rows
from limner.batch.slide_writer import SlideWriter
from limner.batch.waiting_rows import WaitingRows
from limner.errors import LimnerWarning
from limner.files import atomic_path
from limner.imaging.overlay import draw_outline
from limner.imaging.slide import open_slide
from limner.imaging.write import write_image
from limner.pipeline import ahead

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.imaging.contours import Outline
    from limner.imaging.slide import Slide
    from limner.measures import ObjectMeasures
    from limner.progress import Progress
    from limner.runtime import Predictor

_OVERLAY = 2048
_HELD = 2  # rows of tiles that wait to be written


@dataclass(frozen=True, slots=True)
class SlideResult:
    """What is known of a slide once it is predicted.

    Attributes:
        size: Height and width in pixels.
        foreground_share: Share of its pixels that are foreground, in [0, 1].
        mean_foreground_prob: Mean probability of the foreground; None where there is none.
        max_prob: The largest probability.
        review_score: How much it asks to be looked at by a person (see `limner.metrics.review.review_score`).
        seconds: From opening the slide to the last file written.
        spacing_um: Distance of neighbouring pixels in µm, where the file tells it.
        objects: How many there are.
    """

    size: tuple[int, int]
    foreground_share: float
    mean_foreground_prob: float | None
    max_prob: float
    review_score: float
    seconds: float
    spacing_um: float | None
    objects: int


def predict_slide(
    predictor: Predictor,
    path: str | Path,
    mask_path: str | Path,
    *,
    probs_path: str | Path | None = None,
    overlay_path: str | Path | None = None,
    geojson_path: str | Path | None = None,
    measured: Callable[[ObjectMeasures, float | None], None] | None = None,
    progress: Progress | None = None,
) -> SlideResult:
    """Predict a slide of any size and write its mask, in bounded memory.

    A model of patches, or one that was loaded with a tile size, sees the slide at its own resolution, by tiles. One that sees images whole
    gets it shrunk to at most 4096 pixels a side, and its mask is enlarged. Post-processing gives what it would give for the whole mask.

    Args:
        predictor: The model.
        path: A slide (see `limner.imaging.slide`).
        mask_path: The mask, a tiled BigTIFF of 0 and 255 with smaller copies. What is already there is replaced, as with the other outputs.
        probs_path: The probabilities, likewise, times 65535.
        overlay_path: The slide at 2048 pixels with the mask's outline, as JPEG or PNG.
        geojson_path: The outlines of all objects, in the slide's pixels, as QuPath has them.
        measured: Called with what is measured of each object, and the distance of pixels in µm that the file tells. In another thread.
        progress: Called with the rows of pixels that are done, and all of them.

    Raises:
        DataError: The slide cannot be read, or several models see it in tiles of different sizes.
        MissingExtraError: It needs the extra `slides`.
        OSError: An output cannot be written.

    Warns:
        LimnerWarning: Objects are so large that they are outlined or measured on a smaller copy, or not cut.
    """
    start = time.perf_counter()
    with (
        open_slide(path) as slide,
        atomic_path(mask_path) as mask_file,  # the mask comes last: where there is one, the rest is there too
        WaitingRows(Path(mask_path).parent) as waiting,
    ):
        seen = predicted_rows(predictor, slide)
        with ExitStack() as files:
            told = Listeners(
                _add_outlines(files, geojson_path, predictor.metadata.task) if geojson_path is not None else None,
                (lambda one: measured(one, slide.spacing_um)) if measured is not None else None,
            )
            objects = SlideObjects(told, cut=seen.cut, read=lambda top, height: slide.read(top, 0, height, slide.size[1]))
            writer = SlideWriter(files, slide, mask_file, probs_path, seen=seen, objects=objects, waiting=waiting)
            with closing(ahead(writer.add, seen.rows, depth=_HELD)) as kept:
                for done in kept:
                    if progress is not None:
                        progress(done, slide.size[0])
            writer.finish()
        if overlay_path is not None:
            _write_overlay(slide, mask_file, overlay_path)
        _warn_of_large(objects, slide)
        return SlideResult(
            size=slide.size,
            **writer.summary(),
            seconds=time.perf_counter() - start,
            spacing_um=slide.spacing_um,
            objects=objects.count,
        )


def _add_outlines(files: ExitStack, path: str | Path, task: str) -> Callable[[Outline, int, float], None]:
    """A function that writes an object's outline, given with its area and mean probability."""
    add = files.enter_context(geojson_stream(path))
    return lambda one, area, score: add(geojson_feature(one, task, area=area, score=score))


def _warn_of_large(objects: SlideObjects, slide: Slide) -> None:
    cut, traced = MOST_CUT // 10**6, MOST_TRACED // 10**6
    said = [
        (
            objects.coarse,
            f"are outlined (where their box has more than {traced} megapixels) or measured (more than {cut}) on a smaller copy",
        ),
        (objects.uncut, f"whose box has more than {cut} megapixels are not cut where they touch"),
    ]
    if any(count for count, _ in said):
        what = "; ".join(f"{count} objects {words}" for count, words in said if count)
        warnings.warn(f"{slide.path.name}: {what}", LimnerWarning, stacklevel=3)


def _write_overlay(slide: Slide, mask_file: Path, path: str | Path) -> None:
    with open_slide(mask_file) as mask:
        write_image(path, draw_outline(slide.thumbnail(_OVERLAY), mask.thumbnail(_OVERLAY)[..., 0] >= 128))
