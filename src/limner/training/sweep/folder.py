"""The folder of a sweep: what it is of, its one split, its runs and its results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limner.training.several import SeveralRuns

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class SweepFolder(SeveralRuns):
    """Where a sweep keeps what."""

    kind = "sweep"
    definition_name = "sweep.json"
    defining = ("source", "split", "recipe", "grid", "seeds", "budget_s")
    runs = "runs"

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
