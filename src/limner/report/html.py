"""The page: the summary, the figures and the gallery, set by a template into one HTML file that needs nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from limner.evaluation import metric_label
from limner.imaging.overlay import CORRECT, EXTRA, MISSED
from limner.report import evaluation_figures, figures, words
from limner.report.data import GROUPS
from limner.report.gallery import PREDICTION_COLOUR, TRUTH_COLOUR, panels, png_uri
from limner.report.score_table import score_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from limner.report.data import GalleryCase, ReportData

_LEGEND = {"truth": TRUTH_COLOUR, "prediction": PREDICTION_COLOUR, "correct": CORRECT, "extra": EXTRA, "missed": MISSED}
_ROUND_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
_TEMPLATES = files("limner.report") / "templates"


def render_html(data: ReportData, summary: Mapping[str, Any]) -> str:
    """The whole page as HTML.

    Args:
        data: The report.
        summary: `summarise_report(data)`: every number on the page comes from it.
    """
    template = _environment().get_template("report.html.j2")
    return template.render(
        s=summary,
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        figures=_figures(data, summary),
        panel=png_uri(data.panel) if data.panel else None,
        gallery=_gallery(data.gallery, summary["gallery"]),
        score_table=score_table(summary["scores"], summary["n"]),
        recipe_yaml=recipe_yaml(summary["recipe"]),
        curve_rows=_curve_rows(summary["threshold_choice"], summary["threshold"]),
        colours={name: _hex(colour) for name, colour in _LEGEND.items()},
        words=words,
    )


def recipe_yaml(recipe: Mapping[str, Any]) -> str:
    """The recipe as it stands in its YAML file; empty when there is none."""
    import yaml

    return yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True) if recipe else ""


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("limner.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    for name in ("score", "percent", "plain", "agreement", "day", "number", "interval", "threshold", "p_value"):
        environment.filters[name] = getattr(words, name)
    environment.filters["label"] = metric_label
    return environment


def _figures(data: ReportData, summary: Mapping[str, Any]) -> dict[str, str | None]:
    """Name -> SVG; None where there is nothing to draw."""
    cases = data.evaluation.cases
    choice, training = data.threshold_choice, summary["training"]
    worst = {case.key for case in data.gallery if case.group == "worst"}
    return {
        "loss": figures.loss_curves(data.history),
        "scores": figures.score_curves(data.history, training and training["best_epoch"]),
        "rate": figures.rate_curve(data.history),
        "threshold": figures.threshold_curve(choice.curve, choice.threshold) if choice else None,
        "spread": figures.dice_spread([case.dice for case in cases], summary["spread"]["median"]),
        "size": figures.dice_by_size(
            [(case.object_share, case.dice) for case in cases],
            [(case.object_share, case.dice) for case in cases if case.key in worst],
        ),
        **_evaluation_figures(summary),
    }


def _evaluation_figures(summary: Mapping[str, Any]) -> dict[str, str | None]:
    curves, review, calibration = summary["curves"], summary["review"], summary["calibration"]
    before_and_after = {"before": calibration["reliability_before"], "after": calibration["reliability_after"]} if calibration else {}
    return {
        "roc": evaluation_figures.roc_curve(curves["roc"]) if curves else None,
        "precision_recall": evaluation_figures.precision_recall_curve(curves["precision_recall"]) if curves else None,
        "reliability": evaluation_figures.reliability_diagram({"here": curves["reliability"]}, name="reliability") if curves else None,
        "calibration": evaluation_figures.reliability_diagram(before_and_after, name="calibration"),
        "review": evaluation_figures.review_curve(review["curve"], review["at_random"]) if review else None,
        "subgroups": evaluation_figures.subgroup_dots(summary["subgroups"]),
    }


def _gallery(cases: Sequence[GalleryCase], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups in their order, each with its cases: the row of the summary and the panels."""
    drawn = [{**row, "panels": panels(case)} for case, row in zip(cases, rows, strict=True)]
    groups = [{"name": group, "cases": [case for case in drawn if case["group"] == group]} for group in GROUPS]
    return [group for group in groups if group["cases"]]


def _curve_rows(choice: Mapping[str, Any] | None, used: float | None) -> list[Mapping[str, Any]]:
    """The curve at the threshold that is used and at round ones, for readers who want the numbers."""
    wanted = {round(value, 4) for value in (used, *_ROUND_THRESHOLDS) if value is not None}
    return [point for point in choice["curve"] if round(point["threshold"], 4) in wanted] if choice else []


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
