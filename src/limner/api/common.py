"""What several verbs need."""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import LimnerError, LimnerWarning, MissingExtraError, OutputExistsError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from limner.data import Dataset
    from limner.recipe.schema import DataPart

_TRAINING_PACKAGES = ("torch", "lightning", "timm", "onnx", "onnxscript")


def require_training(needed_for: str) -> None:
    """Make sure that the workshop half is installed.

    Raises:
        MissingExtraError: It is not; the message has the command that installs it.
    """
    if any(find_spec(package) is None for package in _TRAINING_PACKAGES):
        raise MissingExtraError("train", needed_for=needed_for)


def open_data(source: str | Path, data: DataPart) -> Dataset:
    """Open a source, and say what is wrong with it: images that are left out should not be missed unawares."""
    from limner.data import open_source

    dataset = open_source(source, options=data.source_options())
    if dataset.problems:
        warnings.warn(f"{dataset.say_problems()} (all of them are in the report)", LimnerWarning, stacklevel=3)
    return dataset


def refuse_existing(paths: Iterable[Path]) -> None:
    """Make sure that nothing would be replaced.

    Raises:
        OutputExistsError: Something is there.
    """
    for path in paths:
        if path.exists():
            raise OutputExistsError("the output is already there", where=path, fix="add --overwrite to replace it, or choose another --out")


def make_folder(path: Path) -> None:
    """Make the folder for results that take long: to be told afterwards that it cannot be is too late."""
    fix = "choose another folder with --out"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise OutputExistsError("there is a file where the folder should be", where=path, fix=fix) from None
    except OSError as error:
        raise LimnerError(f"the folder cannot be made: {error.strerror}", where=path, fix=fix) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise LimnerError("the folder cannot be written to", where=path, fix=fix)


def as_paths(split: Mapping[str, str | Path] | str | Path | None) -> dict[str, Path] | Path | None:
    """A split as the lower layers take it."""
    if split is None or isinstance(split, (str, Path)):
        return None if split is None else Path(split)
    return {part: Path(file) for part, file in split.items()}


def as_seconds(budget: float | str | None) -> float | None:
    """A budget in seconds.

    Raises:
        RunError: It is no time.
    """
    from limner.durations import parse_duration

    try:
        return parse_duration(budget) if isinstance(budget, str) else budget
    except ValueError as error:
        raise RunError(str(error)) from None
