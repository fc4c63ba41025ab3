"""An evaluation as a table and as JSON; every number with its convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limner.cli.console import make_table, note, print_table, say

if TYPE_CHECKING:
    from limner.evaluation import Evaluation, Row

# The main scores; all others are in summary.json and in the report. Dice and IoU stand beside each other under each convention.
_SHOWN = (
    *("Dice", "IoU", "Precision", "Recall", "Specificity"),
    *("Hausdorff distance, 95 %", "Normalised surface Dice", "Boundary IoU"),
    *("ROC AUC", "Average precision", "Expected calibration error", "clDice"),
    *("Object detection rate", "Object F1", "Object AP, IoU 0.5 to 0.95", "Panoptic quality", "AJI", "False objects per image"),
    *("MAE", "S-measure", "E-measure, mean", "E-measure, max", "Weighted F-measure"),
)
_COLUMNS = ("metric", "convention", "value", "95 % interval", "images", "threshold")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the main scores, under which conventions they hold, and where the model is worse than elsewhere."""
    from limner.report.words import PARTS

    rows = [_cells(row) for row in evaluation.table() if row.metric in _SHOWN]
    title = f"{evaluation.model} on {evaluation.source}, {PARTS[evaluation.part]}"
    print_table(make_table(title, _COLUMNS, rows, right=["value", "images", "threshold"]))
    say("; ".join(_conditions(evaluation)), style="dim")
    for sentence in worse_subgroups(evaluation):
        note(f"worse beyond chance: {sentence}", style="yellow")


def worse_subgroups(evaluation: Evaluation) -> list[str]:
    """A sentence for each subgroup of images on which the model is worse than on the rest beyond chance."""
    from limner.evaluation import subgroups

    return [one.sentence() for one in subgroups(evaluation) if one.worse]


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """All of an evaluation but its cases, which are in cases.csv."""
    return evaluation.model_dump(mode="json", exclude={"cases"})


def _cells(row: Row) -> list[str]:
    threshold = "" if row.threshold is None else f"{row.threshold:.2f}"
    return [row.metric, row.convention, row.text, _interval(row), str(row.n), threshold]


def _interval(row: Row) -> str:
    if row.interval is None or None in row.interval:
        return ""
    places = 2 if row.unit else 4
    return " to ".join(f"{end:.{places}f}" for end in row.interval)


def _conditions(evaluation: Evaluation) -> list[str]:
    """Under what the scores hold, in words."""
    origin, value = evaluation.threshold_origin, evaluation.threshold
    said = [
        f"threshold: {origin}" if value is None else f"threshold {value:.2f} ({origin})",
        f"masks compared at the size of the {evaluation.resolution}",
        f"empty masks: {evaluation.empty_rule}",
    ]
    if evaluation.field_of_view:
        said.append(f"{evaluation.field_of_view} of {evaluation.n} images judged inside their field of view only")
    if "boundary" in evaluation.families:
        said.append(f"surface Dice at {evaluation.boundary.tolerance:g} {evaluation.boundary.unit}")
    if evaluation.bootstrap is not None:
        said.append(f"intervals: {evaluation.bootstrap.resamples} resamples of {evaluation.bootstrap.by}s")
    return said
