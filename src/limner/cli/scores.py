"""An evaluation as a table and as JSON; every number with its convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limner.cli.console import make_table, print_table, say

if TYPE_CHECKING:
    from limner.evaluation import Evaluation

SHOWN = ("Dice", "IoU", "Precision", "Recall")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the main scores, and under which conventions they hold."""
    from limner.report.words import PARTS

    rows = [[row.metric, row.convention, row.text, str(row.n), f"{row.threshold:.2f}"] for row in evaluation.table() if row.metric in SHOWN]
    title = f"{evaluation.model} on {evaluation.source}, {PARTS[evaluation.part]}"
    print_table(make_table(title, ["metric", "convention", "value", "images", "threshold"], rows, right=["value", "images", "threshold"]))
    say(
        f"threshold {evaluation.threshold:.2f} ({evaluation.threshold_origin}); masks compared at the size of the {evaluation.resolution}; "
        f"empty masks: {evaluation.empty_rule}",
        style="dim",
    )


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """All of an evaluation but its cases, which are in cases.csv."""
    return evaluation.model_dump(mode="json", exclude={"cases"})
