"""Figures of an evaluation beyond its masks: what the probabilities are worth, and in which images the model fails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

from limner.report.style import FIRST, GRID, INK, MUTED, PAPER, SECOND, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    Row: TypeAlias = Mapping[str, Any]
    Point: TypeAlias = Sequence[float]

_HALF = (520, 360)  # CSS pixels
_SUBGROUP_ROW, _SUBGROUP_REST = 26, 64  # height of a subgroup, and of the axis
_SHOWN_BINS = 30  # pixels of a reliability bin below which it is no more than noise


def roc_curve(points: Sequence[Point]) -> str | None:
    """True-positive rate against false-positive rate over the pixels of all images."""
    return _curve(points, name="roc", x="False-positive rate", y="True-positive rate", alt="Line chart: the ROC curve.", chance=True)


def precision_recall_curve(points: Sequence[Point]) -> str | None:
    """Precision against recall over the pixels of all images."""
    return _curve(points, name="precision-recall", x="Recall", y="Precision", alt="Line chart: precision by recall.")


def _curve(points: Sequence[Point], *, name: str, x: str, y: str, alt: str, chance: bool = False) -> str | None:
    if len(points) < 2:
        return None

    def draw(axes: list[Axes]) -> None:
        if chance:
            axes[0].plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes[0].plot([point[0] for point in points], [point[1] for point in points], color=FIRST)
        _unit_square(axes[0], x, y)

    return render(draw, name=name, alt=alt, size=_HALF)


def reliability_diagram(lines: Mapping[str, Sequence[Row]], *, name: str) -> str | None:
    """The share of pixels that are foreground against the probability that they were given; on the diagonal the two are the same.

    Args:
        lines: Label -> reliability bins, at most two of them.
        name: Unique on the page.
    """
    shown = {label: [one for one in bins if one["n"] >= _SHOWN_BINS] for label, bins in lines.items()}
    if not any(shown.values()):
        return None

    def draw(axes: list[Axes]) -> None:
        axes[0].plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        for (label, bins), colour, dashes in zip(shown.items(), (FIRST, SECOND), ("-", (0, (4, 1.6))), strict=False):
            xy = [one["mean_prob"] for one in bins], [one["share_foreground"] for one in bins]
            axes[0].plot(*xy, color=colour, linestyle=dashes, marker="o", markersize=4, label=label)
        if len(shown) > 1:
            axes[0].legend(loc="upper left", frameon=False, labelcolor=INK, handlelength=1.6, fontsize=11.5)
        _unit_square(axes[0], "Probability of a pixel", "Share that is foreground")

    return render(draw, name=name, alt=f"Line chart: reliability, {' and '.join(shown)}.", size=_HALF)


def review_curve(curve: Sequence[Point], at_random: float) -> str | None:
    """Mean Dice of the images that are kept against their share, the most doubtful ones given to a person first."""
    if len(curve) < 2:
        return None

    def draw(axes: list[Axes]) -> None:
        chart = axes[0]
        chart.axhline(at_random, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        chart.plot([100 * share for share, _ in curve], [dice for _, dice in curve], color=FIRST)
        low = min(at_random, *(dice for share, dice in curve if share >= 0.1))
        chart.set(xlim=(100, 0), ylim=(max(0.0, low - 0.05), 1.005), xlabel="Images kept, %", ylabel="Mean Dice of those kept")
        chart.annotate(
            "kept at random", (2, at_random), xytext=(0, -6), textcoords="offset points", ha="right", va="top", color=MUTED, fontsize=11.5
        )

    return render(draw, name="review", alt="Line chart: mean Dice of the images kept, by their share.", size=_HALF)


def subgroup_dots(rows: Sequence[Row]) -> str | None:
    """Mean Dice of each subgroup with its interval; those that are worse than the rest beyond chance in the second colour."""
    if not rows:
        return None
    places = _places(rows)

    def draw(axes: list[Axes]) -> None:
        chart = axes[0]
        for place, row in zip(places, rows, strict=True):
            colour = SECOND if row["worse"] else FIRST
            ends = row["interval"]
            if ends and None not in ends:
                chart.plot(ends, [place, place], color=colour, linewidth=2.2)
            chart.scatter(
                [row["dice"]], [place], s=46, color=colour, marker="D" if row["worse"] else "o", edgecolor=PAPER, linewidth=1, zorder=3
            )
        chart.set_yticks(places, [f"{row['by']}: {row['name']}" for row in rows], color=INK)
        chart.set(ylim=(places[-1] + 0.8, -0.8), xlabel="Mean Dice, per image, with 95 % interval")
        chart.set_xlim(*_limits(rows))
        chart.grid(visible=False, axis="y")
        chart.grid(visible=True, axis="x")

    alt = f"Dot chart: mean Dice of {len(rows)} subgroups; the numbers are in the table."
    return render(draw, name="subgroups", alt=alt, size=(1040, round(_SUBGROUP_REST + _SUBGROUP_ROW * (places[-1] + 1))))


def _places(rows: Sequence[Row]) -> list[float]:
    """A line for each subgroup, with a gap where another division begins."""
    places: list[float] = []
    for index, row in enumerate(rows):
        gap = 0.6 if index and row["by"] != rows[index - 1]["by"] else 0.0
        places.append(places[-1] + 1 + gap if places else 0.0)
    return places


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """From a tenth below the lowest end, up to 1."""
    ends = [value for row in rows for value in (row["dice"], *(row["interval"] or ())) if value is not None and math.isfinite(value)]
    return max(-0.01, math.floor(10 * (min(ends) - 0.02)) / 10), 1.005


def _unit_square(chart: Axes, x: str, y: str) -> None:
    chart.set(xlim=(0, 1), ylim=(0, 1.01), xlabel=x, ylabel=y, xticks=(0, 0.25, 0.5, 0.75, 1), yticks=(0, 0.25, 0.5, 0.75, 1))
    chart.set_xticklabels(["0", "0.25", "0.5", "0.75", "1"])
    chart.set_yticklabels(["0", "0.25", "0.5", "0.75", "1"])
    chart.grid(visible=True, axis="x", color=GRID)
