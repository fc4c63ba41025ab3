"""The page of a comparison, and its other files: the tables as Markdown and JSON, the images as CSV, the figures as SVG and PNG."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.files import write_json, write_text
from limner.report import compare_figures
from limner.report.compare_table import (
    Comparison,
    model_headings,
    model_rows,
    pair_headings,
    pair_rows,
    render_csv,
    signed,
    span_of,
)
from limner.report.compare_words import conditions, render_markdown, sentence
from limner.report.words import PARTS

if TYPE_CHECKING:
    from limner.report.compare_table import ModelRow, PairRow

COMPARISON_FILES = ("compare.html", "compare.md", "compare.csv", "compare.json", "bars.svg", "bars.png", "scatter.svg", "scatter.png")
_TEMPLATES = files("limner.report") / "templates"
_WIDTHS = {"wide": compare_figures.WIDE, "narrow": compare_figures.NARROW}
_EXTREMES = 12  # images in the table beside the scatter of a single pair
_VERDICTS = {"better": "better", "mixed": "not clear", "none": "no difference"}


@dataclass(frozen=True, slots=True)
class ComparisonData:
    """Everything that the page shows.

    Attributes:
        comparison: The numbers.
        created: When the page was made.
    """

    comparison: Comparison
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def title(self) -> str:
        """Of the page."""
        models = self.comparison.models
        what = " and ".join(model.name for model in models) if len(models) == 2 else f"{len(models)} models"
        return f"{what} compared on {self.comparison.source}"


def write_comparison(data: ComparisonData, folder: str | Path) -> Path:
    """Write all of `COMPARISON_FILES` into `folder`, replacing earlier ones. Each is whole or absent, and the page comes last.

    Returns:
        The path of the page.
    """
    page, comparison = Path(folder) / "compare.html", data.comparison
    write_json(page.with_suffix(".json"), as_json(comparison))
    write_text(page.with_suffix(".csv"), render_csv(comparison))
    write_text(page.with_suffix(".md"), render_markdown(comparison, data.title))
    compare_figures.save_bars(comparison, page.with_name("bars.svg"))
    compare_figures.save_scatters(comparison, page.with_name("scatter.svg"))
    write_text(page, render_compare_page(data))
    return page


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Every number but those of single images, which are in compare.csv; and the sentence of each pair."""
    values = comparison.model_dump(mode="json", exclude={"images"})
    for row, pair in zip(values["pairs"], comparison.pairs, strict=True):
        row |= {"verdict": comparison.verdict(pair), "sentence": sentence(pair, comparison)}
    return values


def render_compare_page(data: ComparisonData) -> str:
    """The whole page as HTML; it refers to nothing outside itself."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("limner.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    comparison = data.comparison
    return environment.get_template("compare.html.j2").render(
        title=data.title,
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        about=_about(data),
        c=comparison,
        findings=[_finding(pair, comparison) for pair in comparison.pairs],
        model_headings=model_headings(comparison),
        model_rows=model_rows(comparison),
        pair_headings=pair_headings(comparison),
        pair_rows=list(zip(pair_rows(comparison), comparison.pairs, strict=True)),
        bars={size: compare_figures.bars(comparison, width=width) for size, width in _WIDTHS.items()},
        differences={size: compare_figures.differences(comparison, width=width) for size, width in _WIDTHS.items()},
        scatters=_scatters(comparison),
        extremes=_extremes(comparison) if len(comparison.pairs) == 1 else [],
        hidden=len(comparison.pairs) - len(compare_figures.shown_pairs(comparison)),
        conditions=conditions(comparison),
        runs=[run for model in comparison.models for run in _runs(model)],
    )


def _about(data: ComparisonData) -> dict[str, str]:
    comparison = data.comparison
    groups = f", in {comparison.units} groups" if comparison.by == "group" else ""
    return {
        "Data": comparison.source,
        "Part": PARTS[comparison.part],
        "Images": f"{comparison.n}{groups}",
        "Metric": comparison.info.label,
        "Models": str(len(comparison.models)),
        "Date": f"{data.created.day} {data.created:%B %Y}",
    }


def _finding(pair: PairRow, comparison: Comparison) -> dict[str, Any]:
    verdict = comparison.verdict(pair)
    first, second = (100 * count / comparison.n for count in (pair.first_better, pair.second_better))
    return {
        "verdict": verdict,
        "word": _VERDICTS[verdict],
        "sentence": sentence(pair, comparison).replace("p = ", "p\u00a0=\u00a0").replace("p < ", "p\u00a0<\u00a0"),
        "shares": (first, 100 - first - second, second),
        "pair": pair,
    }


def _scatters(comparison: Comparison) -> list[dict[str, Any]]:
    drawn = {size: compare_figures.scatters(comparison, width=width) for size, width in _WIDTHS.items()}
    pairs = compare_figures.shown_pairs(comparison)
    return [
        {"pair": pair, "wide": wide, "narrow": narrow} for pair, wide, narrow in zip(pairs, drawn["wide"], drawn["narrow"], strict=True)
    ]


def _extremes(comparison: Comparison) -> list[list[str]]:
    """The images on which a pair differs most: key, both values, their difference."""
    pair = comparison.pairs[0]
    return [
        [key, comparison.number(first), comparison.number(second), signed(first - second, comparison)]
        for key, first, second in comparison.outliers(pair, _EXTREMES)
    ]


def _runs(model: ModelRow) -> list[dict[str, Any]]:
    """A line for each run of a model."""
    rows = zip(model.runs, model.thresholds, model.origins, model.per_image.seeds, strict=True)
    return [
        {"model": model.name, "folder": folder, "threshold": span_of([threshold]), "origin": origin, "value": value}
        for folder, threshold, origin, value in rows
    ]
