"""The page of a sweep, and its other files: the table as CSV and Markdown, the bars as SVG and PNG."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from limner.durations import format_duration
from limner.files import write_text
from limner.report import words
from limner.report.bars import save_sweep_bars, sweep_bars
from limner.report.html import recipe_yaml
from limner.report.sweep_table import SweepTable, render_csv, render_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.report.sweep_table import SweepRun

_TEMPLATES = files("limner.report") / "templates"


@dataclass(frozen=True, slots=True)
class SweepData:
    """Everything that the page of a sweep shows.

    Attributes:
        title: The page's title.
        about: Names and values for its head.
        recipe: What the recipes of all runs have in common.
        table: The runs.
        created: When the page was made.
    """

    title: str
    about: Mapping[str, str]
    recipe: Mapping[str, Any]
    table: SweepTable
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


def write_sweep(data: SweepData, folder: str | Path) -> Path:
    """Write `sweep.csv`, `sweep.md`, `sweep.svg`, `sweep.png` and `sweep.html` into `folder`, replacing earlier ones.

    Each file is whole or absent, and the page comes last.

    Returns:
        The path of the page.
    """
    page = Path(folder) / "sweep.html"
    write_text(page.with_suffix(".csv"), render_csv(data.table))
    write_text(page.with_suffix(".md"), render_markdown(data.table, data.title))
    save_sweep_bars(data.table, page.with_suffix(".svg"))
    write_text(page, render_sweep_page(data))
    return page


def render_sweep_page(data: SweepData) -> str:
    """The whole page as HTML; it refers to nothing outside itself but the runs' own reports beside it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("limner.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    table, best = data.table, data.table.best
    return environment.get_template("sweep.html.j2").render(
        title=data.title,
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        about={**data.about, "Runs": _progress(table), "Date": f"{data.created.day} {data.created:%B %Y}"},
        headings=table.headings(),
        axes=len(table.axes),
        rows=[{"cells": row, "best": one == best} for one, row in zip(table.combinations, table.rows(), strict=True)],
        part=table.part,
        conditions=table.conditions(),
        best=best and {"name": ", ".join(f"{label} {value}" for label, value in best.choices.items()), "runs": best},
        bars=sweep_bars(table),
        runs=[_shown(run) for run in table.runs],
        recipe=recipe_yaml(data.recipe),
    )


def _progress(table: SweepTable) -> str:
    states = [run.state for run in table.runs]
    failed = f", {states.count('failed')} failed" if "failed" in states else ""
    return f"{states.count('finished')} of {len(states)} finished{failed}"


def _shown(run: SweepRun) -> dict[str, Any]:
    """A run as a row of the table of runs."""
    scores = run.scores
    shown = {"name": run.run, "report": f"runs/{quote(run.run)}/report.html" if scores else "", "state": run.state, "reason": run.reason}
    if scores is None:
        return {**shown, "cells": [words.UNDEFINED] * 6, "origin": ""}
    cells = [words.score(value) for value in (scores.val_dice, scores.dice, scores.iou)]
    epoch = words.UNDEFINED if scores.best_epoch is None else str(scores.best_epoch)
    rest = [f"{scores.threshold:.2f}", f"{epoch} of {scores.epochs}", format_duration(scores.seconds)]
    return {**shown, "cells": [*cells, *rest], "origin": scores.threshold_origin}
