"""The report as Markdown, for a place that shows no HTML: an issue, a notebook, a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from limner.report.html import recipe_yaml
from limner.report.score_table import score_table
from limner.report.words import (
    CONVENTIONS,
    EMPTY_RULES,
    agreement,
    day,
    interval,
    notice_heading,
    p_value,
    percent,
    plain,
    score,
    sentence,
    threshold,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def render_markdown(summary: Mapping[str, Any]) -> str:
    """The report's words and tables, without its pictures.

    Args:
        summary: `limner.report.summary.summarise_report(data)`.
    """
    sections = (_head, _scores, _folds, _spread, _calibration, _review, _subgroups, _gallery, _data, _facts, _recipe)
    parts = [section(summary) for section in sections]
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
    notice = [f"> **{notice_heading(s['seen_in_training'])}** {_escape(s['notice'])}."] if s["notice"] else []
    return "\n\n".join([f"# {_escape(s['title'])}", table(["", ""], about.items()), *notice, *lines])


def _conditions(row: Mapping[str, Any]) -> str:
    ends = f"95 % interval {interval(row['interval'])}, " if row["interval"] else ""
    at = f"threshold {threshold(row['threshold'])}: " if row["threshold"] is not None else ""
    return f"({row['convention']}, {ends}n = {row['n']}, {at}{_escape(row['threshold_origin'])}; pooled {score(row['pooled'])})"


def _scores(s: Mapping[str, Any]) -> str:
    arranged = score_table(s["scores"], s["n"])
    conventions = arranged["conventions"]
    parts = ["## Scores", *(f"- `{name}`: {CONVENTIONS[name]}." for name in conventions)]
    rows = [[f"{row['label']}", *(_cell(cell) for cell in row["cells"])] for group in arranged["groups"] for row in group["rows"]]
    at = f" Masks at threshold {threshold(s['threshold'])}." if s["threshold"] is not None else ""
    inside = f" {s['field_of_view']} images were judged inside their field of view only." if s["field_of_view"] else ""
    rule = (
        f"n = {s['n']} unless a cell says otherwise.{at} Empty-mask rule `{s['empty_rule']}`: {EMPTY_RULES[s['empty_rule']]}. "
        f"Masks were compared at the size of the {s['resolution']}.{inside}{_drawn(s)}"
    )
    return "\n\n".join([parts[0], "\n".join(parts[1:]), table(["Metric", *conventions], rows), rule])


def _cell(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    ends = f" ({cell['interval']})" if cell["interval"] else ""
    return f"{cell['text']}{ends}{'' if cell['n'] is None else ', n = ' + str(cell['n'])}"


def _drawn(s: Mapping[str, Any]) -> str:
    drawn = s["bootstrap"]
    return f" In brackets: 95 % intervals, {drawn['resamples']} bootstrap resamples by {drawn['by']}." if drawn else ""


def _folds(s: Mapping[str, Any]) -> str:
    if not s["folds"]:
        return ""
    rows = [[score(value) if isinstance(value, float) else plain(value) for value in row.values()] for row in s["folds"]]
    return "\n\n".join(["## Folds", table(list(s["folds"][0]), rows)])


def _calibration(s: Mapping[str, Any]) -> str:
    found = s["calibration"]
    if not found:
        return ""
    errors = f"expected calibration error {score(found['ece_before'])} before, {score(found['ece_after'])} after"
    return (
        f"## Calibration\n\n{_escape(sentence(found['origin']))}; temperature {found['temperature']:.2f}; on the validation part, {errors}."
    )


def _review(s: Mapping[str, Any]) -> str:
    if not s["review"]:
        return ""
    rows = [[percent(row["share"]), score(row["dice"])] for row in s["review"]["kept"]]
    words = "Mean Dice of the images that are kept, when the most doubtful ones are given to a person:"
    return "\n\n".join(["## Which images need a person", words, table(["Kept", "Mean Dice"], rows)])


def _subgroups(s: Mapping[str, Any]) -> str:
    if not s["subgroups"]:
        return ""
    worse = [f"> **Worse than the rest, beyond chance**: {_escape(one['sentence'])}." for one in s["subgroups"] if one["worse"]]
    rows = [
        [one["by"], one["name"], one["n"], score(one["dice"]), interval(one["interval"]), score(one["rest"]), p_value(one["p"])]
        for one in s["subgroups"]
    ]
    header = ["Divided by", "Subgroup", "n", "Mean Dice", "95 % interval", "Of the rest", "p, corrected"]
    return "\n\n".join(["## Subgroups", *worse, table(header, rows)])


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
