"""The bars of a sweep: Dice and IoU of each combination, with the points of its seeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from limner.report.style import FIRST, INK, MUTED, PAPER, SECOND, render, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from limner.report.sweep_table import Combination, Spread, SweepTable

_WIDTH = 1080  # CSS pixels
_ROW, _REST = 62, 84  # height of one combination, and of what is above and below them
_BAR = 0.34  # of a row's height
_SCORES = (("dice", "Dice", FIRST, -0.5), ("iou", "IoU", SECOND, 0.5))  # above and below the middle of the row
_BEST = "best by validation Dice"


def sweep_bars(table: SweepTable) -> str | None:
    """The bars for a page; None while nothing is finished."""
    if not table.finished:
        return None
    alt = f"Bar chart: per-image {table.part} Dice and IoU of {len(table.combinations)} combinations; the numbers are in the table."
    return render(partial(_draw, table=table), name="bars", alt=alt, size=_size(table))


def save_sweep_bars(table: SweepTable, path: Path) -> None:
    """The bars as files of their own, SVG and PNG."""
    save_figure(partial(_draw, table=table), path, size=_size(table))


def _size(table: SweepTable) -> tuple[int, int]:
    return _WIDTH, _REST + _ROW * len(table.combinations)


def _draw(axes: list[Axes], *, table: SweepTable) -> None:
    chart, combinations = axes[0], table.combinations
    for row, one in enumerate(combinations):
        for name, label, colour, side in _SCORES:
            _draw_bar(chart, row + side * _BAR, one.spread(name), colour=colour, label=label if row == 0 else "")
    chart.set(xlim=(0, 1), ylim=(len(combinations) - 0.4, -0.6), xlabel=f"{table.part.capitalize()} score, mean of the images")
    chart.set_yticks(range(len(combinations)), [_tick(one, best=one == table.best) for one in combinations], color=INK)
    chart.grid(visible=False, axis="y")
    chart.grid(visible=True, axis="x")
    chart.legend(*chart.get_legend_handles_labels(), loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, labelcolor=INK)


def _draw_bar(chart: Axes, y: float, spread: Spread, *, colour: str, label: str) -> None:
    """A bar with its number; of several seeds, the standard deviation as a line and each as a point."""
    mean = spread.mean or 0.0
    chart.barh(y, mean, height=0.9 * _BAR, color=colour, label=label, linewidth=0)
    if spread.std is not None:
        chart.plot([mean - spread.std, mean + spread.std], [y, y], color=INK, linewidth=1.4, solid_capstyle="butt")
        chart.scatter(spread.values, [y] * len(spread.values), s=26, facecolor=PAPER, edgecolor=INK, linewidth=1.2, zorder=4)
    end = max([mean + (spread.std or 0.0), *spread.values])
    inside = end > 0.85  # there is no room beside it
    chart.annotate(
        spread.text if spread.values else "no finished run",
        (0.0 if inside else end, y),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=PAPER if inside else MUTED,
        fontsize=11.5,
    )


def _tick(one: Combination, *, best: bool) -> str:
    """The values of a combination, one below the other, since they may be long."""
    lines = [f"{label} {value}" for label, value in one.choices.items()]
    return "\n".join([*_paired(lines), *([f"({_BEST})"] if best else [])])


def _paired(lines: Sequence[str]) -> list[str]:
    """Two to a line, so that a row does not grow with the grid."""
    return [", ".join(lines[start : start + 2]) for start in range(0, len(lines), 2)]
