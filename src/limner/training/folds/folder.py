"""The folder of a cross-validation: what it is of, its splits, its runs and what they are worth together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.training.run_folder import RunFolder
from limner.training.several import SeveralRuns

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FoldsFolder(SeveralRuns):
    """Where a cross-validation keeps what. Folds are counted from 1."""

    kind = "cross-validation"
    definition_name = "folds.json"
    defining = ("source", "folds", "budget_s")
    runs = "folds"

    @property
    def recipe_file(self) -> Path:
        """The recipe of all folds, without what each measures on its own images."""
        return self.path / "recipe.yaml"

    @property
    def plan_file(self) -> Path:
        """Why the recipe is as it is, where it was planned."""
        return self.path / "plan.json"

    @property
    def model(self) -> Path:
        """The ensemble of the folds' models, where one was asked for."""
        return self.path / "model.onnx"

    def split_file(self, fold: int) -> Path:
        """The split of a fold, with the hash of each file."""
        return self.path / "splits" / f"fold-{fold}.json"

    def fold(self, fold: int) -> RunFolder:
        """The run folder of a fold."""
        return RunFolder(self.run(f"fold-{fold}"))

    def is_finished(self, fold: int) -> bool:
        """Whether a fold is trained and evaluated."""
        run = self.fold(fold)
        return run.facts().get("state") == "finished" and (run.path / "summary.json").is_file()

    def training(self, fold: int) -> dict[str, Any]:
        """What the report of a fold says of its training."""
        summary = json.loads((self.fold(fold).path / "summary.json").read_text(encoding="utf-8"))
        return summary["training"] or {}
