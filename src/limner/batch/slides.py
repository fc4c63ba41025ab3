"""Predict slides: pictures too large for the memory, whose masks are written as they are made, a row of tiles after the other."""

from __future__ import annotations

import time
import warnings
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.errors import DataError, LimnerWarning
from limner.files import atomic_path
from limner.imaging.overlay import draw_outline
from limner.imaging.resize import longer_side_at
from limner.imaging.slide import open_slide
from limner.imaging.slide_enlarge import enlarged_rows
from limner.imaging.tiled_tiff import tiled_tiff
from limner.imaging.write import write_image
from limner.pipeline import ahead
from limner.runtime.rows import blended_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from limner.imaging.slide import Slide
    from limner.progress import Progress
    from limner.runtime import Predictor
    from limner.types import MaskArray, ProbArray

_WHOLE = 4096  # longer side at which a model that sees images whole gets a slide
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
    """

    size: tuple[int, int]
    foreground_share: float
    mean_foreground_prob: float | None
    max_prob: float
    review_score: float
    seconds: float
    spacing_um: float | None


def predict_slide(
    predictor: Predictor,
    path: str | Path,
    mask_path: str | Path,
    *,
    probs_path: str | Path | None = None,
    overlay_path: str | Path | None = None,
    progress: Progress | None = None,
) -> SlideResult:
    """Predict a slide of any size and write its mask, in memory that depends on its width alone.

    A model of patches, or one that was loaded with a tile size, sees the slide at its own resolution, by tiles. One that sees images whole
    gets it shrunk to at most 4096 pixels a side, and its mask is enlarged.

    Args:
        predictor: The model.
        path: A slide (see `limner.imaging.slide`).
        mask_path: The mask, a tiled BigTIFF of 0 and 255 with smaller copies. What is already there is replaced, as with the other outputs.
        probs_path: The probabilities, likewise, times 65535.
        overlay_path: The slide at 2048 pixels with the mask's outline, as JPEG or PNG.
        progress: Called with the rows of pixels that are done, and all of them.

    Raises:
        DataError: The slide cannot be read, or several models see it in tiles of different sizes.
        MissingExtraError: It needs the extra `slides`.
        OSError: An output cannot be written.

    Warns:
        LimnerWarning: The model's post-processing is left out, since it would need the whole mask in memory.
    """
    start = time.perf_counter()
    with open_slide(path) as slide, atomic_path(mask_path) as mask_file:  # the mask comes last: where there is one, the rest is there too
        sums = _Sums()
        with ExitStack() as files:
            keep = _writer(files, slide, mask_file, probs_path, sums)
            with closing(ahead(keep, _predicted(predictor, slide), depth=_HELD)) as kept:
                for done in kept:
                    if progress is not None:
                        progress(done, slide.size[0])
        if overlay_path is not None:
            _write_overlay(slide, mask_file, overlay_path)
        return sums.result(slide, time.perf_counter() - start)


class _Sums:
    """What can be said of a slide from its rows, one after the other."""

    def __init__(self) -> None:
        self.pixels = self.inside = 0
        self.total = self.total_inside = self.highest = 0.0

    def add(self, probs: ProbArray, mask: MaskArray) -> None:
        self.pixels += mask.size
        self.inside += int(np.count_nonzero(mask))
        self.total += float(probs.sum(dtype=np.float64))
        self.total_inside += float(probs.sum(dtype=np.float64, where=mask))
        self.highest = max(self.highest, float(probs.max(initial=0.0)))

    def result(self, slide: Slide, seconds: float) -> SlideResult:
        return SlideResult(
            size=slide.size,
            foreground_share=self.inside / self.pixels,
            mean_foreground_prob=self.total_inside / self.inside if self.inside else None,
            max_prob=self.highest,
            review_score=1 - 2 * self.total_inside / (self.total + self.inside) if self.inside else self.highest,
            seconds=seconds,
            spacing_um=slide.spacing_um,
        )


def _writer(
    files: ExitStack, slide: Slide, mask_path: Path, probs_path: str | Path | None, sums: _Sums
) -> Callable[[tuple[ProbArray, MaskArray]], int]:
    """A function that writes rows (probabilities, mask), and says how many are written."""
    mask_file = files.enter_context(tiled_tiff(mask_path, slide.size, np.uint8, spacing_um=slide.spacing_um))
    probs_file = None
    if probs_path is not None:
        probs_file = files.enter_context(tiled_tiff(probs_path, slide.size, np.uint16, spacing_um=slide.spacing_um))

    def keep(rows: tuple[ProbArray, MaskArray]) -> int:
        probs, mask = rows
        sums.add(probs, mask)
        mask_file.append(mask.astype(np.uint8) * np.uint8(255))
        if probs_file is not None:
            probs_file.append(np.round(probs * 65535).astype(np.uint16))
        return sums.pixels // slide.size[1]

    return keep


def _predicted(predictor: Predictor, slide: Slide) -> Iterator[tuple[ProbArray, MaskArray]]:
    """Probabilities and mask of the slide's rows, from the top down."""
    if predictor.tile_size is None:
        _refuse_different_tiles(predictor)
        yield from _seen_whole(predictor, slide)
        return
    if predictor.postprocess is not None:
        what = f"the model's post-processing is left out: it would need the whole mask of {slide.path.name} in memory"
        warnings.warn(what, LimnerWarning, stacklevel=3)
    rows = blended_rows(slide.read, slide.size, predictor.run_tiles, predictor.tile_size, predictor.overlap, read_ahead=True)
    for _, probs in rows:
        yield probs, probs >= np.float32(predictor.threshold)


def _refuse_different_tiles(predictor: Predictor) -> None:
    if predictor.metadata.sampling == "patches":
        what = "the models see images in pieces of different sizes, and cannot predict a slide together"
        raise DataError(what, where=predictor.path, fix="predict with one of them, or with models of one size")


def _seen_whole(predictor: Predictor, slide: Slide) -> Iterator[tuple[ProbArray, MaskArray]]:
    """One prediction of the slide shrunk, enlarged."""
    small = slide.shrunk(longer_side_at(min(_WHOLE, max(slide.size)), slide.size))
    seen = predictor.predict(small)
    at = np.float32(predictor.threshold)
    if np.array_equal(seen.mask, seen.probs >= at):
        for probs in enlarged_rows(seen.probs, slide.size):
            yield probs, probs >= at
    else:  # it was post-processed
        both = zip(enlarged_rows(seen.probs, slide.size), enlarged_rows(seen.mask.astype(np.float32), slide.size), strict=True)
        for probs, mask in both:
            yield probs, mask >= np.float32(0.5)


def _write_overlay(slide: Slide, mask_file: Path, path: str | Path) -> None:
    with open_slide(mask_file) as mask:
        write_image(path, draw_outline(slide.thumbnail(_OVERLAY), mask.thumbnail(_OVERLAY)[..., 0] >= 128))
