"""The folds' models together: every image predicted by the one that has not seen it, their scores, and the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.evaluation import pool_evaluations
from limner.evaluation.pooling import OWN_THRESHOLDS
from limner.metrics.aggregate import nan_to_none
from limner.metrics.statistics import mean_std
from limner.report import ReportData, build_gallery, write_report
from limner.runtime import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from limner.data import Dataset
    from limner.evaluation import CaseResult, Evaluation
    from limner.recipe import Recipe
    from limner.runtime import Predictor
    from limner.training.folds.folder import FoldsFolder
    from limner.types import Prediction, Sample

COLUMN = "fold"  # of a case, beside what a manifest says of it
SPREAD = "mean ± standard deviation over the folds"


def pool_folds(evaluations: Mapping[int, Evaluation], recipe: Recipe, dataset: Dataset) -> Evaluation:
    """Join the test evaluations of all folds; each case says of which it is.

    Args:
        evaluations: Fold -> the evaluation of its model on its test part.
        recipe: Of all folds.
        dataset: All images.
    """
    marked = [one.model_copy(update={"cases": tuple(_marked(case, fold) for case in one.cases)}) for fold, one in evaluations.items()]
    pooled = pool_evaluations(marked, model=f"{recipe.name}, {len(marked)} folds", source=dataset.name, part="all")
    known = {"threshold_origin": OWN_THRESHOLDS, "problems": tuple(map(str, dataset.problems))}  # even where all chose the same threshold
    return pooled.model_copy(update=known)


def fold_rows(folder: FoldsFolder, evaluations: Mapping[int, Evaluation]) -> list[dict[str, Any]]:
    """A row for each fold, and one of how they spread."""
    total = len(evaluations)
    rows = [_row(f"{fold} of {total}", one, folder.training(fold).get("best_epoch")) for fold, one in evaluations.items()]
    spread = {name: _spread([row[name] for row in rows]) for name in ("Dice", "IoU", "threshold")}
    return [*rows, {"fold": SPREAD, "images": sum(row["images"] for row in rows), **spread, "best epoch": None}]


@dataclass(frozen=True)
class FoldsMetadata:
    """What the models of a cross-validation say of themselves, together."""

    name: str
    task: str
    threshold_origin: str = OWN_THRESHOLDS


class FoldSegmenter:
    """Predicts each image with the model of the fold that it was tested in.

    Args:
        folder: The cross-validation.
        evaluation: Of all folds together; its cases say of which fold they are.
        task: What is outlined.
    """

    def __init__(self, folder: FoldsFolder, evaluation: Evaluation, task: str) -> None:
        self.metadata = FoldsMetadata(evaluation.model, task)
        self._folder = folder
        self._fold_of = {case.key: int(case.columns[COLUMN]) for case in evaluation.cases}
        self._predictors: dict[int, Predictor] = {}

    @property
    def threshold(self) -> None:
        """Each model has its own."""
        return

    @property
    def has_probs(self) -> bool:
        """The models give probabilities."""
        return True

    def predict_sample(self, sample: Sample, /) -> Prediction:
        """Predict the image of a sample by the model that has not seen it."""
        fold = self._fold_of[sample.key]
        if fold not in self._predictors:
            self._predictors[fold] = load(self._folder.fold(fold).model)
        return self._predictors[fold].predict_sample(sample)


def report_folds(folder: FoldsFolder, evaluation: Evaluation, rows: list[dict[str, Any]], *, recipe: Recipe, dataset: Dataset) -> Path:
    """Write report.html, report.md, summary.json and cases.csv of all folds together.

    Args:
        folder: Where to; the folds' runs are in it.
        evaluation: Of all folds together.
        rows: Of the folds.
        recipe: Of all folds.
        dataset: All images.

    Returns:
        The path of the page.
    """
    folds = len(rows) - 1
    data = ReportData(
        title=f"{recipe.task.capitalize()} segmentation: {recipe.name} on {evaluation.source}, {folds}-fold cross-validation",
        evaluation=evaluation,
        task=recipe.task,
        facts=_facts(folder, folds),
        recipe=recipe.model_dump(mode="json"),
        folds=rows,
        gallery=build_gallery(FoldSegmenter(folder, evaluation, recipe.task), dataset, evaluation),
    )
    return write_report(data, folder.path)


def _marked(case: CaseResult, fold: int) -> CaseResult:
    return case.model_copy(update={"columns": {**case.columns, COLUMN: str(fold)}})


def _row(name: str, evaluation: Evaluation, best_epoch: int | None) -> dict[str, Any]:
    dice, iou = (nan_to_none(evaluation.score(score).value) for score in ("dice", "iou"))
    return {"fold": name, "images": evaluation.n, "Dice": dice, "IoU": iou, "threshold": evaluation.threshold, "best epoch": best_epoch}


def _spread(values: list[float | None]) -> str | None:
    """As text, since it is two numbers; None where a fold has no value."""
    mean, std = mean_std([math.nan if value is None else value for value in values])
    return None if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def _facts(folder: FoldsFolder, folds: int) -> dict[str, Mapping[str, Any]]:
    runs = [folder.fold(fold).facts() for fold in range(1, folds + 1)]
    begun = folder.begun()
    training = {
        "source": begun["source"],
        "started": begun["created"],
        "finished": max(run["finished"] for run in runs),
        "seconds": round(sum(run.get("seconds", 0.0) for run in runs), 1),
        "budget_s": begun["budget_s"],
        "seed": runs[0].get("seed"),
        "leak_check": begun["leak_check"],
    }
    known = {name: value for name, value in training.items() if value is not None}
    return {"training": known, "machine": runs[-1].get("machine", {}), "versions": runs[-1].get("versions", {})}
