"""What a sweep has found so far: its table, written anew with each run, and where a row of it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from limner.data import load_split
from limner.evaluation import Evaluation, ThresholdChoice
from limner.files import write_json
from limner.metrics.aggregate import nan_to_none
from limner.outcome import evaluate_selection
from limner.report.sweep_page import SweepData, write_sweep
from limner.report.sweep_table import SweepRun, SweepScores, SweepTable
from limner.runtime import load
from limner.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.data import Dataset
    from limner.recipe import Recipe
    from limner.training.sweep.folder import SweepFolder
    from limner.training.sweep.grid import PlannedRun


class SweepLog:
    """The table of a sweep in the making.

    Args:
        folder: Where it is written, and where an earlier session has left it.
        base: What the recipes of all runs have in common.
        dataset: What they are trained on.
        runs: All that are planned.
        parameters: Weights of the network of each.
    """

    def __init__(self, folder: SweepFolder, base: Recipe, dataset: Dataset, runs: Sequence[PlannedRun], parameters: Sequence[int]) -> None:
        self.folder, self.base, self.dataset = folder, base, dataset
        known = self._read()
        planned = [
            SweepRun(run=run.name, choices=run.choices, seed=run.seed, parameters=count)
            for run, count in zip(runs, parameters, strict=True)
        ]
        self.rows: dict[str, SweepRun] = {row.run: known.get(row.run, row) for row in planned}

    @property
    def table(self) -> SweepTable:
        """All runs as they are now."""
        return SweepTable(tuple(self.rows.values()))

    def is_finished(self, run: PlannedRun) -> bool:
        """Whether a run needs nothing more."""
        return self.rows[run.name].state == "finished"

    def note(self, run: PlannedRun, **changes: Any) -> None:  # noqa: ANN401 - fields of a row
        """Change a run's row, and write everything."""
        self.rows[run.name] = self.rows[run.name].model_copy(update={"reason": "", "scores": None, **changes})
        self.write()

    def write(self) -> Path:
        """Write the results; returns the page's path."""
        write_json(self.folder.results_file, [row.model_dump(mode="json") for row in self.rows.values()])
        about = {"Recipe": self.base.name, "Data": self.dataset.name}
        data = SweepData(f"Sweep: {self.base.name} on {self.dataset.name}", about, self.base.model_dump(mode="json"), self.table)
        return write_sweep(data, self.folder.path)

    def _read(self) -> dict[str, SweepRun]:
        """The rows of an earlier session; where the file is damaged, the runs' own folders still know what is finished."""
        file = self.folder.results_file
        try:
            return {row["run"]: SweepRun.model_validate(row) for row in json.loads(file.read_bytes())} if file.is_file() else {}
        except (ValueError, KeyError, TypeError):
            return {}


def read_scores(place: Path, dataset: Dataset, *, progress: bool) -> SweepScores:
    """What a finished run has brought, from its own folder."""
    evaluation = Evaluation.load(place)
    training = json.loads((place / "summary.json").read_text(encoding="utf-8"))["training"]
    val_dice, val_n = _validation(place, dataset, progress=progress)
    assert evaluation.threshold is not None  # a run's own model has one
    return SweepScores(
        val_dice=val_dice,
        val_n=val_n,
        part="test" if evaluation.part == "test" else "val",
        n=evaluation.n,
        threshold=evaluation.threshold,
        threshold_origin=evaluation.threshold_origin,
        best_epoch=training["best_epoch"],
        epochs=training["epochs"],
        seconds=json.loads((place / "run.json").read_text(encoding="utf-8"))["seconds"],
        dice=nan_to_none(evaluation.score("dice").value),
        iou=nan_to_none(evaluation.score("iou").value),
        dice_pooled=nan_to_none(evaluation.score("dice", "pooled").value),
        iou_pooled=nan_to_none(evaluation.score("iou", "pooled").value),
    )


def _validation(place: Path, dataset: Dataset, *, progress: bool) -> tuple[float | None, int]:
    """Mean per-image Dice of the exported model on the validation part, and its images; known where the threshold was chosen."""
    choice_file = place / "threshold.json"
    if choice_file.is_file():
        choice = ThresholdChoice.model_validate_json(choice_file.read_bytes())
        return nan_to_none(choice.dice), choice.n
    part = dataset.subset(load_split(place / "split.json").val)
    found = evaluate_selection(load(place), Selection(part, "val"), progress=progress, families=("region",), bootstrap=None)
    score = found.score("dice")
    return nan_to_none(score.value), len(part)
