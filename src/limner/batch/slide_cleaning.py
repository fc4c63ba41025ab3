"""What a model asks to be done to its masks, done to a slide's as its rows come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from limner.imaging.mask_stream import Filled, Kept, Largest, Local, run_steps
from limner.runtime.postprocess import PostProcess, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.batch.waiting_rows import WaitingRows
    from limner.imaging.mask_stream import Step
    from limner.types import MaskArray, ProbArray


class Cleaning:
    """Changes a mask as `limner.runtime.postprocess.clean` changes the whole of it, and keeps the probabilities beside it.

    Args:
        settings: What is done; None for nothing.
        scale: As there.
        waiting: For the probabilities of rows that are not done.
    """

    def __init__(self, settings: PostProcess | None, scale: float, waiting: WaitingRows) -> None:
        self._steps = [] if settings is None else cleaning_steps(settings, scale)
        self._waiting = waiting

    def add(self, probs: ProbArray, mask: MaskArray) -> Iterator[tuple[ProbArray, MaskArray]]:
        """Take rows (h, W), and give those that are done."""
        if not self._steps:
            yield probs, mask
            return
        self._waiting.append(probs)
        for rows in run_steps(self._steps, [mask]):
            yield self._waiting.take(len(rows)), rows

    def finish(self) -> Iterator[tuple[ProbArray, MaskArray]]:
        """Give the rest: there are no more rows."""
        for rows in run_steps(self._steps, [], end=True):
            yield self._waiting.take(len(rows)), rows


def cleaning_steps(settings: PostProcess, scale: float) -> list[Step]:
    """What changes a mask, in its order.

    Args:
        settings: What is asked for.
        scale: By which its lengths are multiplied; areas by its square.
    """
    steps: list[Step] = []
    if settings.opening * scale >= 1:
        steps.append(_opening(PostProcess(opening=settings.opening), scale))
    if settings.max_hole:
        steps.append(Filled(math.floor(settings.max_hole * scale**2)))
    if settings.min_area:
        steps.append(Kept(math.ceil(settings.min_area * scale**2)))
    if settings.largest_only:
        steps.append(Largest())
    return steps


def _opening(alone: PostProcess, scale: float) -> Local:
    """Opening is an erosion, then a dilation, each of which reaches as far as the disc."""
    return Local(lambda rows: clean(rows, alone, scale=scale), 2 * math.ceil(alone.opening * scale))
