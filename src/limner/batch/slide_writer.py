"""The rows of a slide's prediction on their way into its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from limner.batch.slide_cleaning import Cleaning
from limner.imaging.tiled_tiff import tiled_tiff

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from limner.batch.slide_objects import SlideObjects
    from limner.batch.slide_rows import SlideRows
    from limner.batch.waiting_rows import WaitingRows
    from limner.imaging.slide import Slide
    from limner.types import MaskArray, ProbArray

_BAND = 8_000_000  # pixels that are worked on at once; a row of tiles may hold more


class Summary(TypedDict):
    """What is said of a slide's mask and probabilities (see `limner.batch.slides.SlideResult`)."""

    foreground_share: float
    mean_foreground_prob: float | None
    max_prob: float
    review_score: float


class SlideWriter:
    """Takes rows from the top down: writes the probabilities at once, the mask when it is final, and hands both on to the objects.

    Args:
        files: Opens the files, and closes them in the end.
        slide: The slide.
        mask_path: The file of the mask.
        probs_path: That of the probabilities, if it is wanted.
        seen: What is to be done to the mask.
        objects: Finds the objects.
        waiting: For the probabilities of rows whose mask is not final.
    """

    def __init__(
        self,
        files: ExitStack,
        slide: Slide,
        mask_path: Path,
        probs_path: str | Path | None,
        *,
        seen: SlideRows,
        objects: SlideObjects,
        waiting: WaitingRows,
    ) -> None:
        self._mask = files.enter_context(tiled_tiff(mask_path, slide.size, np.uint8, spacing_um=slide.spacing_um))
        self._probs = None
        if probs_path is not None:
            self._probs = files.enter_context(tiled_tiff(probs_path, slide.size, np.uint16, spacing_um=slide.spacing_um))
        self._cleaning, self._objects = Cleaning(seen.postprocess, seen.scale, waiting), objects
        self._sums = _Sums()
        self._taken = self._written = 0

    def add(self, rows: tuple[ProbArray, MaskArray]) -> int:
        """Take rows of probabilities and of the mask as the threshold gives it; how many there are so far."""
        probs, mask = rows
        if self._probs is not None:
            self._probs.append(np.round(probs * 65535).astype(np.uint16))
        step = max(1, _BAND // probs.shape[1])
        for top in range(0, len(probs), step):
            for done in self._cleaning.add(probs[top : top + step], mask[top : top + step]):
                self._write(*done)
        self._taken += len(probs)
        return self._taken

    def finish(self) -> None:
        """There are no more rows: write what has waited."""
        for done in self._cleaning.finish():
            self._write(*done)
        self._objects.finish()

    def summary(self) -> Summary:
        """What is said of all rows."""
        return self._sums.summary()

    def _write(self, probs: ProbArray, mask: MaskArray) -> None:
        self._sums.add(probs, mask)
        self._mask.append(mask.astype(np.uint8) * np.uint8(255))
        self._objects.add(mask, probs, self._written)
        self._written += len(mask)


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

    def summary(self) -> Summary:
        return {
            "foreground_share": self.inside / self.pixels,
            "mean_foreground_prob": self.total_inside / self.inside if self.inside else None,
            "max_prob": self.highest,
            "review_score": 1 - 2 * self.total_inside / (self.total + self.inside) if self.inside else self.highest,
        }
