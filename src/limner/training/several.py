"""What a sweep and a cross-validation have in common: a folder of several runs, and what says which they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from limner.errors import RunError
from limner.files import remove_leftovers, write_json

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class SeveralRuns:
    """A folder of several runs that belong together; each kind of it is a class of its own.

    Attributes:
        path: The folder.
        kind: What they are together, in a word.
        definition_name: Of the file that says what they are of.
        defining: What in it makes them these and no others.
        runs: The folder of the runs' folders, below it.
    """

    path: Path
    kind: ClassVar[str]
    definition_name: ClassVar[str]
    defining: ClassVar[tuple[str, ...]]
    runs: ClassVar[str]

    @property
    def definition_file(self) -> Path:
        """What the runs are of; where it is, the split is settled."""
        return self.path / self.definition_name

    def run(self, name: str) -> Path:
        """The run folder of a run."""
        return self.path / self.runs / name

    def traceback_file(self, name: str) -> Path:
        """Where the traceback of a run goes that ended by something unforeseen; not into its folder, where a new attempt begins."""
        return self.path / self.runs / f"{name}.error.txt"

    def refuse_to_overwrite(self) -> None:
        """Make sure that new runs may begin here.

        Raises:
            RunError: The folder holds some, or something else.
        """
        if self.definition_file.is_file():
            fix = "add --resume to go on with it, or choose another folder with --out"
            raise RunError(f"the folder already holds a {self.kind}", where=self.path, fix=fix)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"the folder for the {self.kind} is not empty", where=self.path, fix="choose another folder with --out")

    def begin(self, definition: dict[str, Any]) -> None:
        """Mark the folder as one of several runs, which may be resumed from now on."""
        write_json(self.definition_file, definition)

    def begun(self) -> dict[str, Any]:
        """What the runs in the folder are of.

        Raises:
            RunError: There are none, or it cannot be read.
        """
        if not self.definition_file.is_file():
            fix = f"check --out, or leave out --resume to begin a new {self.kind}"
            raise RunError(f"there is no {self.kind} to resume", where=self.path, fix=fix)
        try:
            definition: dict[str, Any] = json.loads(self.definition_file.read_text(encoding="utf-8"))
        except ValueError:
            fix = "choose another folder with --out"
            raise RunError(f"the definition of the {self.kind} is damaged", where=self.definition_file, fix=fix) from None
        return definition

    def go_on(self, definition: dict[str, Any]) -> None:
        """Make sure that what is in the folder is what is asked for.

        Raises:
            RunError: There is nothing, or something else.
        """
        present = self.begun()
        remove_leftovers(self.path)
        asked = json.loads(json.dumps(definition))  # as it would come back from the file
        if differing := [name for name in self.defining if present.get(name) != asked[name]]:
            raise RunError(
                f"the {self.kind} in the folder is another one: it differs in {', '.join(differing)}",
                where=self.definition_file,
                fix="repeat the command that it was begun with, or choose another folder with --out",
            )
