"""The report's figures, each from plain numbers to one `<svg>` element; None when there is nothing to draw.

Matplotlib is imported inside functions, and only its object-oriented interface is used: no window, no global state.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from limner.report.style import FIRST, INK, MUTED, PAPER, SECOND, render, save_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from limner.evaluation import CurvePoint

    Row: TypeAlias = Mapping[str, float]
    Point: TypeAlias = tuple[float, float]

THIRD_OF_PAGE = (340, 250)  # CSS pixels
HALF_OF_PAGE = (520, 310)
CURVES = (680, 760)
BINS = 20  # of the histogram: 0.05 wide


def loss_curves(history: Sequence[Row]) -> str | None:
    """Training and validation loss by epoch."""
    lines = _columns(history, train_loss="training", val_loss="validation")
    return _by_epoch(lines, name="loss", alt="Line chart: training and validation loss by epoch.")


def score_curves(history: Sequence[Row], best_epoch: int | None) -> str | None:
    """Training and validation IoU by epoch, with the epoch that was kept marked. Runs of an earlier limner have none of the training."""
    lines = _columns(history, train_iou="training", val_iou="validation")
    return _by_epoch(lines, name="scores", alt="Line chart: training and validation IoU by epoch.", marked=best_epoch)


def rate_curve(history: Sequence[Row]) -> str | None:
    """Learning rate by epoch."""
    return _by_epoch(_columns(history, learning_rate=""), name="rate", alt="Line chart: learning rate by epoch.")


def save_curves(history: Sequence[Row], path: Path) -> None:
    """Draw loss, IoU and learning rate by epoch, one above the other, to files of their own: `path` as SVG, and as PNG beside it."""
    charts = {
        "Loss": _columns(history, train_loss="training", val_loss="validation"),
        "IoU, per image": _columns(history, train_iou="training", val_iou="validation"),
        "Learning rate": _columns(history, learning_rate=""),
    }

    def draw(axes: list[Axes]) -> None:
        for chart, (name, lines) in zip(axes, charts.items(), strict=True):
            _draw_by_epoch(chart, lines)
            chart.set_ylabel(name)
            chart.set_xlabel("Epoch" if chart is axes[-1] else "")

    save_figure(draw, path, size=CURVES, heights=(3, 3, 2))


def threshold_curve(curve: Sequence[CurvePoint], chosen: float) -> str | None:
    """Mean per-image Dice and IoU on the validation part against the threshold, with the chosen one marked."""
    lines = {
        "Dice": _finite((point.threshold, point.dice) for point in curve),
        "IoU": _finite((point.threshold, point.iou) for point in curve),
    }
    if not any(lines.values()):
        return None

    def draw(axes: list[Axes]) -> None:
        _draw_lines(axes[0], lines)
        axes[0].axvline(chosen, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
        left = chosen > 0.8
        _label(axes[0], f"used: {chosen:.2f}", (chosen, 0.03), above=True, left=left, data_y=False)
        axes[0].set(xlim=(0, 1), xlabel="Threshold", ylabel="Validation score, per image")

    return render(draw, name="threshold", alt=f"Line chart: validation Dice and IoU by threshold; {chosen:.2f} is used.", size=HALF_OF_PAGE)


def dice_spread(dice: Sequence[float], median: float | None) -> str | None:
    """Histogram of the per-image Dice, with a strip of one dot for each image beneath it."""
    values = sorted(value for value in dice if math.isfinite(value))
    if not values or median is None:
        return None

    def draw(axes: list[Axes]) -> None:
        from matplotlib.ticker import MaxNLocator

        bars, strip = axes
        bars.hist(values, bins=BINS, range=(0, 1), color=FIRST, edgecolor=PAPER, linewidth=1.0)
        bars.axvline(median, color=INK, linewidth=1.0)
        _label(bars, f"median {median:.3f}", (median, 0.9), left=median > 0.3, above=True, data_y=False)
        bars.set(ylabel="Images", xlim=(-0.01, 1.01))
        bars.tick_params(axis="x", length=0)
        bars.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        strip.scatter(values, _jitter(len(values)), s=14, color=FIRST, alpha=0.55, linewidth=0)
        strip.set(yticks=[], ylim=(-0.15, 1.15), xlabel="Dice of one image")

    alt = f"Histogram of the Dice of {len(values)} images; the median is {median:.3f}."
    return render(draw, name="spread", alt=alt, size=HALF_OF_PAGE, heights=(5, 1))


def dice_by_size(points: Sequence[Point], worst: Sequence[Point] = ()) -> str | None:
    """Dice of each image against the share of it that the true object covers, on a logarithmic axis.

    Args:
        points: Pairs (share in [0, 1], Dice); those without an object or a Dice are left out.
        worst: The same of the gallery's worst cases, which are ringed.
    """
    shown = _finite((100 * share, dice) for share, dice in points if share > 0)
    ringed = _finite((100 * share, dice) for share, dice in worst if share > 0)
    if not shown:
        return None

    def draw(axes: list[Axes]) -> None:
        chart = axes[0]
        chart.scatter(*_xy(shown), s=22, color=FIRST, alpha=0.6, linewidth=0)
        if ringed:
            chart.scatter(*_xy(ringed), s=80, facecolor="none", edgecolor=SECOND, linewidth=1.6)
        _size_axis(chart, [share for share, _ in shown])
        chart.set(ylim=(-0.03, 1.03), ylabel="Dice of one image", xlabel="Object’s share of the image")

    alt = f"Scatter chart: Dice against the object's share of the image, {len(shown)} images."
    return render(draw, name="size", alt=alt, size=HALF_OF_PAGE)


def _by_epoch(lines: Mapping[str, Sequence[Point]], *, name: str, alt: str, marked: int | None = None) -> str | None:
    if not any(lines.values()):
        return None
    return render(lambda axes: _draw_by_epoch(axes[0], lines, marked), name=name, alt=alt, size=THIRD_OF_PAGE)


def _draw_by_epoch(chart: Axes, lines: Mapping[str, Sequence[Point]], marked: int | None = None) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    _draw_lines(chart, lines)
    if marked is not None:
        _mark(chart, list(lines.values())[-1], marked)
    chart.set_xlabel("Epoch")
    chart.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    chart.yaxis.set_major_locator(MaxNLocator(5))
    chart.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_lines(chart: Axes, lines: Mapping[str, Sequence[Point]]) -> None:
    """Up to two lines, each labelled beside it in its own colour: no legend to look up."""
    ends = [points[-1][1] for points in lines.values() if points]
    for (name, points), colour, dashes in zip(lines.items(), (FIRST, SECOND), ("-", (0, (4, 1.6))), strict=False):
        if not points:
            continue
        chart.plot(*_xy(points), color=colour, linestyle=dashes, marker="o" if len(points) == 1 else "")
        if name:
            above = points[-1][1] >= max(ends)
            _label(chart, name, _beside(points, above=above), above=above, colour=colour, centred=True)


def _beside(points: Sequence[Point], *, above: bool) -> Point:
    """Where the label of a line goes: about two thirds along it, clear of the line's own noise there."""
    middle, reach = round((len(points) - 1) * 0.66), max(1, len(points) // 14)
    near = [y for _, y in points[max(0, middle - reach) : middle + reach + 1]]
    return points[middle][0], max(near) if above else min(near)


def _mark(chart: Axes, points: Sequence[Point], epoch: int) -> None:
    for x, y in points:
        if x == epoch:
            chart.scatter([x], [y], s=46, facecolor=PAPER, edgecolor=SECOND, linewidth=2, zorder=5, clip_on=False)


def _label(
    chart: Axes, text: str, at: Point, *, above: bool, left: bool = False, centred: bool = False, data_y: bool = True, colour: str = INK
) -> None:
    """Text beside a point; with `data_y=False` the height is a share of the chart's."""
    side = 0 if centred else (-6 if left else 6)
    chart.annotate(
        text,
        at,
        xycoords="data" if data_y else ("data", "axes fraction"),
        xytext=(side, 7 if above else -7),
        textcoords="offset points",
        ha="center" if centred else ("right" if left else "left"),
        va="bottom" if above else "top",
        color=colour,
        fontsize=11.5,
    )


def _size_axis(chart: Axes, percents: Sequence[float]) -> None:
    """Logarithmic percent, with ticks at 1, 2 and 5 times the powers of ten and room on both sides."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = min(percents) / 1.4, min(max(percents) * 1.4, 110.0)
    ticks = [step * 10.0**power for power in range(-5, 3) for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    sparse = [tick for tick in ticks if f"{tick:.0e}".startswith("1")]
    chart.set_xscale("log")
    chart.set_xlim(low, high)
    chart.xaxis.set_major_locator(FixedLocator(ticks if len(ticks) <= 7 else sparse))
    chart.xaxis.set_minor_locator(NullLocator())
    chart.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _jitter(n: int) -> list[float]:
    """Heights in [0, 1) that keep neighbours apart, the same each time: multiples of the golden ratio."""
    return [(index * 0.6180339887498949) % 1.0 for index in range(n)]


def _columns(history: Sequence[Row], **names: str) -> dict[str, list[Point]]:
    """Label -> points of a column of the history over its epochs."""
    nan = math.nan
    return {label: _finite((row.get("epoch", nan), row.get(column, nan)) for row in history) for column, label in names.items()}


def _xy(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _finite(points: Iterable[Point]) -> list[Point]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
