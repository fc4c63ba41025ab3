"""The report as Markdown, for a place that shows no HTML: an issue, a notebook, a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from limner.report.html import recipe_yaml
from limner.report.words import EMPTY_RULES, agreement, day, percent, plain, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def render_markdown(summary: Mapping[str, Any]) -> str:
    """The report's words and tables, without its pictures.

    Args:
        summary: `limner.report.summary.summarise_report(data)`.
    """
    parts = [_head(summary), _scores(summary), _spread(summary), _gallery(summary), _data(summary), _facts(summary), _recipe(summary)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A Markdown table; cells are escaped.

    Example:
        >>> print(table(["key", "n"], [["a|b", 1]]))
        | key | n |
        | --- | --- |
        | a\|b | 1 |
    """
    lines = [header, ["---"] * len(header), *([_escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escape(cell: object) -> str:
    return re.sub(r"([\\|<>`*_])", r"\\\1", " ".join(str(cell).split()))


def _head(s: Mapping[str, Any]) -> str:
    about = {"Model": s["model"], "Data": s["source"], "Task": s["task"], "Part": s["part"], "Images": s["n"], "Date": day(s["created"])}
    lines = [f"**{row['label']} {score(row['value'])}** {_conditions(row)}" for row in s["headline"]]
    notice = [f"> **These scores are not a test.** {_escape(s['notice'])}."] if s["notice"] else []
    return "\n\n".join([f"# {_escape(s['title'])}", table(["", ""], about.items()), *notice, *lines])


def _conditions(row: Mapping[str, Any]) -> str:
    origin = _escape(row["threshold_origin"])
    return f"({row['convention']}, n = {row['n']}, threshold {row['threshold']:.2f}: {origin}; pooled {score(row['pooled'])})"


def _scores(s: Mapping[str, Any]) -> str:
    rows = [[r["label"], r["convention"], score(r["value"]), r["n"], f"{r['threshold']:.2f}", r["empty"]] for r in s["scores"]]
    rule = f"Empty-mask rule `{s['empty_rule']}`: {EMPTY_RULES[s['empty_rule']]}. Masks were compared at the size of the {s['resolution']}."
    return "\n\n".join(["## Scores", table(["Metric", "Convention", "Value", "n", "Threshold", "Empty masks"], rows), rule])


def _spread(s: Mapping[str, Any]) -> str:
    spread = s["spread"]
    low, middle, high, lowest = (score(spread[name]) for name in ("lower_quartile", "median", "upper_quartile", "lowest"))
    return (
        f"Dice per image: median {middle}, half of the images between {low} and {high}, lowest {lowest}; "
        f"{spread['n_low']} of {spread['n']} below {spread['low_dice']}."
    )


def _gallery(s: Mapping[str, Any]) -> str:
    rows = [[c["group"], c["key"], score(c["dice"]), score(c["iou"]), percent(c["object_share"])] for c in s["gallery"]]
    return "\n\n".join(["## Best, median and worst", table(["Group", "Image", "Dice", "IoU", "Object's share"], rows)]) if rows else ""


def _data(s: Mapping[str, Any]) -> str:
    split, parts = s["split"], []
    if split:
        counts = ", ".join(f"{part} {n}" for part, n in split["counts"].items())
        of = f" ({_escape(split['name'])})" if split["name"] else ""
        parts = [f"Split of the training data{of}: {counts}; {_escape(split['origin'])}; SHA-256 `{split['sha256']}`."]
    if s["problems"] is not None:
        parts.append("\n".join(f"- {_escape(problem)}" for problem in s["problems"]) or "No problem was found in the data set.")
    return "\n\n".join(["## Data", *parts]) if parts else ""


def _facts(s: Mapping[str, Any]) -> str:
    sections = [
        f"## {_escape(name)}\n\n" + table(["", ""], [(fact, plain(value)) for fact, value in facts.items()])
        for name, facts in s["facts"].items()
    ]
    if s["parity"]:
        sections.append(_parity(s["parity"]))
    return "\n\n".join(sections)


def _parity(parity: Mapping[str, Any]) -> str:
    return (
        f"## Exported file\n\nAgainst the network, on {parity['n']} images: largest difference of a probability "
        f"{plain(parity['max_prob_difference'])}, masks equal on {agreement(parity['mask_agreement'])} of the pixels or more."
    )


def _recipe(s: Mapping[str, Any]) -> str:
    return f"## Recipe\n\n```yaml\n{recipe_yaml(s['recipe'])}```" if s["recipe"] else ""
