"""A run as a comparison needs it: its evaluation, and the recipe that it was trained by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from limner.errors import RunError
from limner.evaluation import Evaluation
from limner.evaluation.store import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RECIPE = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation.

    Attributes:
        folder: Where it is kept, as the user has named it.
        evaluation: Its scores and cases.
        recipe: What the model was trained by; empty where nobody knows, as of masks from another tool.
        trained_on: The name of the data that it was trained on.
    """

    folder: Path
    evaluation: Evaluation
    recipe: Mapping[str, Any]
    trained_on: str = ""

    @property
    def seed(self) -> int | None:
        """Of the training."""
        return self.recipe.get("seed")


def load_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Read what `limner train` or `limner evaluate` has left in each folder.

    Raises:
        RunError: There is no evaluation in one of them, it is damaged, or a folder is given twice.
    """
    seen: set[Path] = set()
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise RunError(
                "there is no such folder", where=folder, fix="give run folders, or folders that `limner evaluate --out` has written"
            )
        if folder.resolve() in seen:
            raise RunError("the same folder is given twice", where=folder, fix="give each run once")
        seen.add(folder.resolve())
    return [_load(folder) for folder in map(Path, folders)]


def _load(folder: Path) -> Run:
    evaluation = Evaluation.load(folder)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8-sig"))
    split = summary.get("split")
    return Run(folder, evaluation, summary.get("recipe") or _own_recipe(folder), split.get("name", "") if isinstance(split, dict) else "")


def _own_recipe(folder: Path) -> dict[str, Any]:
    """That of a run folder whose report does not repeat it."""
    try:
        found = yaml.safe_load((folder / _RECIPE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
