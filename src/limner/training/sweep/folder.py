"""The folder of a sweep: what it is of, its one split, its runs and its results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.errors import RunError
from limner.files import remove_leftovers, write_json

if TYPE_CHECKING:
    from pathlib import Path

_DEFINING = ("source", "split", "recipe", "grid", "seeds", "budget_s")  # what makes it this sweep and no other


@dataclass(frozen=True)
class SweepFolder:
    """Where a sweep keeps what.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def definition_file(self) -> Path:
        """What the sweep is of; where it is, the split is settled."""
        return self.path / "sweep.json"

    @property
    def split_file(self) -> Path:
        """The split of all runs, with the hash of each file."""
        return self.path / "split.json"

    @property
    def leaks_file(self) -> Path:
        """What the leak check of the split found."""
        return self.path / "leaks.json"

    @property
    def results_file(self) -> Path:
        """How each run went, at full precision."""
        return self.path / "results.json"

    def run(self, name: str) -> Path:
        """The run folder of a run."""
        return self.path / "runs" / name

    def traceback_file(self, name: str) -> Path:
        """Where the traceback of a run goes that ended by something unforeseen; not into its folder, where a new attempt begins."""
        return self.path / "runs" / f"{name}.error.txt"

    def refuse_to_overwrite(self) -> None:
        """Make sure that a new sweep may begin here.

        Raises:
            RunError: The folder holds a sweep, or something else.
        """
        if self.definition_file.is_file():
            fix = "add --resume to go on with it, or choose another folder with --out"
            raise RunError("the folder already holds a sweep", where=self.path, fix=fix)
        ours = {self.split_file, self.leaks_file}  # written before the definition is
        if self.path.exists() and (not self.path.is_dir() or set(self.path.iterdir()) - ours):
            raise RunError("the folder for the sweep is not empty", where=self.path, fix="choose another folder with --out")

    def begin(self, definition: dict[str, Any]) -> None:
        """Mark the folder as a sweep's, which may be resumed from now on."""
        write_json(self.definition_file, definition)

    def go_on(self, definition: dict[str, Any]) -> None:
        """Make sure that the sweep in the folder is the one that is asked for.

        Raises:
            RunError: There is none, or it is another one.
        """
        if not self.definition_file.is_file():
            fix = "check --out, or leave out --resume to begin a new sweep"
            raise RunError("there is no sweep to resume", where=self.path, fix=fix)
        remove_leftovers(self.path)
        present = self._read()
        asked = json.loads(json.dumps(definition))  # as it would come back from the file
        if differing := [name for name in _DEFINING if present.get(name) != asked[name]]:
            raise RunError(
                f"the sweep in the folder is another one: it differs in {', '.join(differing)}",
                where=self.definition_file,
                fix="repeat the command that it was begun with, or choose another folder with --out",
            )

    def _read(self) -> dict[str, Any]:
        try:
            definition: dict[str, Any] = json.loads(self.definition_file.read_text(encoding="utf-8"))
        except ValueError:
            fix = "choose another folder with --out"
            raise RunError("the definition of the sweep is damaged", where=self.definition_file, fix=fix) from None
        return definition
