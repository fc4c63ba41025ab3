"""The table of scores: a row for each metric, a column for each convention, so that no column mixes two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limner.metrics.names import METRIC_INFO, metric_label
from limner.report.words import FAMILIES, interval, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]

_SPREADS = ("_median", "_std")


def score_table(scores: Sequence[Row], n: int) -> dict[str, Any]:
    """Arrange the scores of a summary.

    Args:
        scores: The `scores` of `summarise_report`.
        n: Number of images evaluated; a cell says its own n where it rests on fewer.

    Returns:
        `conventions`: the columns, in the order in which the scores come. `groups`: the families of metrics that there are, each with
        `name` and `rows`; a row has `label` and `cells`, one for each convention, each with `text`, `interval` and `n`, or None.
    """
    conventions = list(dict.fromkeys(score["convention"] for score in scores))
    by_place = {(score["name"], score["convention"]): score for score in scores}
    names = sorted(dict.fromkeys(score["name"] for score in scores), key=_place)
    rows = [
        (_family(name), {"label": metric_label(name), "cells": [_cell(by_place.get((name, c)), n) for c in conventions]}) for name in names
    ]
    families = dict.fromkeys(family for family, _ in rows)
    groups = [{"name": FAMILIES[family], "rows": [row for of, row in rows if of == family]} for family in families]
    return {"conventions": conventions, "groups": groups}


def _place(name: str) -> tuple[int, int]:
    """Metrics in their order, the spread of one right behind it."""
    base, order = _base(name), list(METRIC_INFO)
    spread = next((1 + step for step, suffix in enumerate(_SPREADS) if name.endswith(suffix)), 0)
    return (order.index(base) if base in order else len(order), spread)


def _base(name: str) -> str:
    for suffix in _SPREADS:
        name = name.removesuffix(suffix)
    return name


def _family(name: str) -> str:
    info = METRIC_INFO.get(_base(name))
    return info.family if info else "region"


def _cell(score: Row | None, n: int) -> dict[str, Any] | None:
    if score is None:
        return None
    text = number(score["value"], score["unit"])
    return {"text": text, "interval": interval(score["interval"], score["unit"]), "n": score["n"] if score["n"] != n else None}
