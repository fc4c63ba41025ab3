"""The run folder: everything about one training, in one place."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.errors import RunError
from limner.files import remove_leftovers, write_json
from limner.recipe import load_recipe, save_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from limner.recipe import Recipe


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def recipe_file(self) -> Path:
        """The fully resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def split_file(self) -> Path:
        """The split, with the hash of each file."""
        return self.path / "split.json"

    @property
    def leaks_file(self) -> Path:
        """What the leak check of the split found."""
        return self.path / "leaks.json"

    @property
    def plan_file(self) -> Path:
        """Why the recipe is as it is, where it was planned."""
        return self.path / "plan.json"

    @property
    def facts_file(self) -> Path:
        """Versions, seed, source, machine, times, and the state of the run."""
        return self.path / "run.json"

    @property
    def metrics_file(self) -> Path:
        """One row per epoch."""
        return self.path / "metrics.csv"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best validation Dice."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def last(self) -> Path:
        """The whole state after the last complete epoch; training resumes from it."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.path / "model.onnx"

    @property
    def threshold_file(self) -> Path:
        """The threshold chosen on the validation part, and the curve that it was chosen from."""
        return self.path / "threshold.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it lasts, no other process (nor thread) trains into the folder, which is made where there is none.

        The system ends the lock of a process that dies. Windows cannot lock a folder, and some file systems have no locks: there, nothing
        is held.

        Raises:
            RunError: Another is in it already.
        """
        made = not self.path.exists()
        if made:
            self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path):
            try:
                yield
            finally:
                with suppress(OSError):  # where something has come into it
                    if made:
                        self.path.rmdir()

    @property
    def calibration_file(self) -> Path:
        """How the probabilities were calibrated on the validation part, or why they were not."""
        return self.path / "calibration.json"

    @property
    def postprocess_file(self) -> Path:
        """The post-processing tuned on the validation part, and all that was tried."""
        return self.path / "postprocess.json"

    def begin(self, recipe: Recipe) -> None:
        """Mark the folder as a run's, which may be resumed from now on: the split and the facts are written before."""
        save_recipe(recipe, self.recipe_file)

    def settle(self, recipe: Recipe) -> Recipe:
        """Write the recipe again where something was filled in; returns it."""
        if recipe != load_recipe(self.recipe_file):
            save_recipe(recipe, self.recipe_file)
        return recipe

    def resume(self) -> Recipe:
        """The recipe of the run in the folder, after what a kill may have left half written is removed.

        Raises:
            RunError: There is no run.
        """
        if not self.recipe_file.is_file():
            raise RunError("there is no run to resume", where=self.path, fix="check --out, or leave out --resume to start a new run")
        self._sweep()
        return load_recipe(self.recipe_file)

    def clear(self) -> None:
        """Make room for a new run; only an attempt that never completed an epoch is removed.

        Raises:
            RunError: See `refuse_to_overwrite`.
        """
        self.refuse_to_overwrite()
        self._sweep()
        for attempt in (self.recipe_file, self.plan_file, self.split_file, self.leaks_file, self.metrics_file, self.best, self.facts_file):
            attempt.unlink(missing_ok=True)

    def refuse_to_overwrite(self) -> None:
        """Make sure that a new run may start here. One of which no epoch is complete has nothing to lose, and may be started over.

        It is known by its facts, which are written before all else: a recipe, a plan or a split may be what somebody keeps there.

        Raises:
            RunError: The folder holds a run, or something else.
        """
        if self.last.is_file() or self.model.is_file():
            raise RunError(
                "the folder already holds a run", where=self.path, fix="add --resume to go on with it, or choose another folder with --out"
            )
        occupied = self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))
        if occupied and not self.facts_file.is_file():
            raise RunError("the folder for the run is not empty", where=self.path, fix="choose another folder with --out")

    def _sweep(self) -> None:
        remove_leftovers(self.path)
        remove_leftovers(self.best.parent)

    def facts(self) -> dict[str, Any]:
        """What run.json holds; empty before it is written.

        Raises:
            RunError: The file is damaged.
        """
        if not self.facts_file.is_file():
            return {}
        try:
            facts: dict[str, Any] = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except ValueError:
            raise RunError("the run's facts are damaged", where=self.facts_file, fix="delete the file and resume the run") from None
        return facts

    def add_facts(self, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Add to run.json, or replace there."""
        write_json(self.facts_file, {**self.facts(), **facts})


if sys.platform == "win32":

    @contextmanager
    def _locked(_folder: Path) -> Iterator[None]:
        yield

else:
    import fcntl

    @contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        handle = os.open(folder, os.O_RDONLY)
        try:
            _lock(handle, folder)
            yield
        finally:
            os.close(handle)

    def _lock(handle: int, folder: Path) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "wait until that has ended, or choose another folder with --out"
            raise RunError("another process trains into this folder at this moment", where=folder, fix=fix) from None
        except OSError:
            return  # a file system without locks
