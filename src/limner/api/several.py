"""One training of several that belong together, those of a sweep or of a cross-validation."""

from __future__ import annotations

import traceback
import warnings
from typing import TYPE_CHECKING

from limner.api.making import RunResult, finish_run
from limner.errors import LimnerError

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data import Dataset
    from limner.recipe import Recipe


def train_one(dataset: Dataset, recipe: Recipe, place: Path, *, split: Path, budget_s: float | None, progress: bool) -> RunResult:
    """Train, or go on where that was interrupted, and evaluate.

    Args:
        dataset: The images.
        recipe: How to train.
        place: The run folder.
        split: A saved split, whose leaks were told when it was drawn.
        budget_s: Seconds that it may take.
        progress: Show progress on standard error.

    Raises:
        Exception: Whatever ends a training.
    """
    from limner.data.splits import LeakWarning
    from limner.training.run import train_run
    from limner.training.run_folder import RunFolder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakWarning)
        begun = RunFolder(place).last.is_file()
        train_run(dataset, recipe, place, split=split, budget_s=budget_s, resume=begun, progress=progress)
        return finish_run(dataset, place, progress=progress)


def why_failed(error: Exception, traceback_file: Path) -> str:
    """Why a run failed, in a line; what limner did not foresee has its traceback in a file."""
    from limner.files import write_text

    if isinstance(error, LimnerError):
        return error.what
    write_text(traceback_file, "".join(traceback.format_exception(error)))
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {lines[0]}' if lines else ''} ({traceback_file.name})"
