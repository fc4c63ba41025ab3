"""The figures of a comparison: bars of the models with their intervals, the differences, and each image under two models."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from limner.report.compare_names import lines_of, short_keys, wrap
from limner.report.compare_table import with_seeds
from limner.report.style import FIRST, GRID, INK, MUTED, PAPER, SECOND, render, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from limner.report.compare_table import Comparison, Measured, PairRow

WIDE, NARROW = 1080, 320  # CSS pixels: for a screen and for a phone
MOST_SCATTERS = 12  # pictures of more pairs are too many to look at
_BARS, _REST = 66, 84  # height of one model's bars, and of what is above and below them all
_DOT, _FRAME = 36, 92  # the same of the differences
_LINE = 16  # height of a line of a name
_BAR = 25  # height of a bar
_NUMBERS = {WIDE: 270, NARROW: 64}  # width of the numbers behind a bar
_CHARACTER = 8.6  # width of one in bold
_SCATTER = {WIDE: 460, NARROW: NARROW}  # width of a scatter
_THIN = 7.6  # width of a character that is not bold, with what stands beside the line
_LABELLED = 4  # images of a scatter that are named
_LONGEST = {WIDE: 26, NARROW: 16}  # characters of an image's name
_GAP = 0.052  # between two labels, of the chart's height


def bars(comparison: Comparison, *, width: int = WIDE) -> str:
    """Bars of the models, per image and pooled, with intervals and the points of the seeds."""
    alt = f"Bar chart: {comparison.info.label} of {len(comparison.models)} models with intervals; the numbers are in the table."
    draw = partial(_draw_bars, comparison=comparison, width=width)
    return render(draw, name=f"bars{width}", alt=alt, size=_bars_size(comparison, width))


def differences(comparison: Comparison, *, width: int = WIDE) -> str:
    """The mean difference of each pair with its interval, and where 0 is."""
    alt = f"Dot chart: mean difference in {comparison.info.label} of {len(comparison.pairs)} pairs of models with intervals."
    size = (width, _FRAME + (_DOT + _LINE * lines_of(_pair_names(comparison, width))) * len(comparison.pairs))
    return render(partial(_draw_differences, comparison=comparison, width=width), name=f"differences{width}", alt=alt, size=size)


def scatters(comparison: Comparison, *, width: int = WIDE) -> list[str]:
    """Each image under the two models of a pair, a drawing for each of `shown_pairs`."""
    return [_scatter(comparison, pair, f"scatter{width}-{number}", width) for number, pair in enumerate(shown_pairs(comparison))]


def save_bars(comparison: Comparison, path: Path) -> None:
    """The bars as files of their own, SVG and PNG."""
    save_figure(partial(_draw_bars, comparison=comparison, width=WIDE), path, size=_bars_size(comparison, WIDE))


def save_scatters(comparison: Comparison, path: Path) -> None:
    """All scatters in one picture, SVG and PNG."""
    columns = min(len(shown_pairs(comparison)), 3)
    rows = -(-len(shown_pairs(comparison)) // columns)
    height = max(_scatter_height(pair, WIDE) for pair in shown_pairs(comparison))
    size = (_SCATTER[WIDE] * columns, height * rows)
    save_figure(partial(_draw_grid, comparison=comparison, rows=rows, columns=columns), path, size=size)


def shown_pairs(comparison: Comparison) -> list[PairRow]:
    """The pairs whose scatters are drawn: all, or those with the lowest p where there are many."""
    chosen = sorted(comparison.pairs, key=lambda pair: pair.p)[:MOST_SCATTERS]
    return [pair for pair in comparison.pairs if pair in chosen]


def _bars_size(comparison: Comparison, width: int) -> tuple[int, int]:
    return width, _REST + _row(_model_names(comparison, width)) * len(comparison.models)


def _row(names: Sequence[str]) -> int:
    """Height of a model's name and bars."""
    return _BARS + _LINE * lines_of(names)


def _model_names(comparison: Comparison, width: int) -> list[str]:
    return [wrap(model.name, int(width / _CHARACTER)) for model in comparison.models]


def _pair_names(comparison: Comparison, width: int) -> list[str]:
    longest = int(width / _CHARACTER)
    return [_pair_name(pair.first, f"− {pair.second}", longest) for pair in comparison.pairs]


def _pair_name(first: str, second: str, longest: int) -> str:
    """Both on one line, or the second on lines of its own."""
    whole = f"{first} {second}"
    return whole if len(whole) <= longest else "\n".join(wrap(name, longest) for name in (first, second))


class _Series(NamedTuple):
    """The bars of one convention."""

    label: str
    colour: str
    y: float  # of the bar, from the first in its row
    height: float  # of a bar and the gap below it, of a row's
    measured: Sequence[Measured | None]


def _draw_bars(axes: list[Axes], *, comparison: Comparison, width: int) -> None:
    chart, models, names = axes[0], comparison.models, _model_names(comparison, width)
    bar = _BAR / _row(names)
    series = [
        _Series(f"{comparison.convention} mean", FIRST, 0.0, bar, [model.per_image for model in models]),
        _Series("pooled", SECOND, bar, bar, [model.pooled for model in models]),
    ]
    for one in series:
        for row, measured in enumerate(one.measured):
            if measured is not None:
                _draw_bar(chart, row + one.y, measured, one, label=one.label if row == 0 else "")
                _write_numbers(chart, row + one.y, measured, comparison, width)
    known = [measured for one in series for measured in one.measured if measured is not None]
    low, high = min(0.0, *(one.interval[0] for one in known)), max(comparison.info.best, *(one.interval[1] for one in known))
    chart.set(
        xlim=(1.02 * low, high * width / (width - _numbers(comparison, width))),
        ylim=(len(models) - 1 + 2 * bar, bar - 1),
        xlabel=wrap(_axis(comparison), int(width / _CHARACTER)),
    )
    chart.set_xticks([tick for tick in chart.get_xticks() if low <= tick <= high])
    _name_rows(chart, names, -0.56 * bar)
    chart.legend(*chart.get_legend_handles_labels(), loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, labelcolor=INK)


def _numbers(comparison: Comparison, width: int) -> int:
    """Room for the numbers behind a bar, of which those of seeds and distances are longer."""
    several = any(model.per_image.std is not None for model in comparison.models)
    return _NUMBERS[width] + (60 if several and width == NARROW else 0) + (28 if comparison.unit and width == NARROW else 0)


def _name_rows(chart: Axes, names: Sequence[str], y: float) -> None:
    """The name of each row above what is drawn in it, its last line ending at `y`: beside it there is no room on a phone."""
    for row, name in enumerate(names):
        at, box = (0, row + y), {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
        chart.annotate(name, at, xycoords=("axes fraction", "data"), va="bottom", color=INK, fontweight="bold", bbox=box, zorder=5)
    chart.set_yticks([])
    chart.grid(visible=True, axis="x")


def _draw_bar(chart: Axes, y: float, measured: Measured, series: _Series, *, label: str) -> None:
    """A bar, its interval as a line with ends, and the seeds as rings."""
    low, high = measured.interval
    chart.barh(y, measured.value, height=0.9 * series.height, color=series.colour, label=label, linewidth=0)
    arms = [[max(0.0, measured.value - low)], [max(0.0, high - measured.value)]]  # by a rounding step the score may lie outside
    chart.errorbar(measured.value, y, xerr=arms, color=INK, linewidth=1.6, capsize=4, capthick=1.6)
    if len(measured.seeds) > 1:
        chart.scatter(measured.seeds, [y] * len(measured.seeds), s=26, facecolor=PAPER, edgecolor=INK, linewidth=1.2, zorder=4)


def _write_numbers(chart: Axes, y: float, measured: Measured, comparison: Comparison, width: int) -> None:
    """The score behind its bar, with the interval where there is room for it."""
    score = with_seeds(measured, comparison)
    text = f"{score}  ({comparison.span(measured.interval)})" if width == WIDE else score
    end = max(measured.interval[1], measured.value, *measured.seeds, 0.0)
    chart.annotate(text, (end, y), xytext=(9, 0), textcoords="offset points", va="center", color=MUTED, fontsize=11.5)


def _draw_differences(axes: list[Axes], *, comparison: Comparison, width: int) -> None:
    chart, names = axes[0], _pair_names(comparison, width)
    row_height = _DOT + _LINE * lines_of(names)
    chart.axvline(0, color=INK, linewidth=1.2)
    for row, pair in enumerate(comparison.pairs):
        colour = MUTED if comparison.verdict(pair) == "none" else FIRST
        chart.plot(pair.interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
        chart.scatter(
            [pair.difference], [row], s=60, color=colour if comparison.verdict(pair) == "better" else PAPER, edgecolor=colour, zorder=4
        )
    ends = [end for pair in comparison.pairs for end in (*pair.interval, pair.difference)]
    low, high = 1.1 * min(0.0, *ends), 1.1 * max(0.0, *ends)
    least = 0.25 * (high - low) or 0.01  # of either side
    unit = f", {comparison.unit}" if comparison.unit else ""
    chart.set(
        xlim=(min(low, -least), max(high, least)),
        ylim=(len(comparison.pairs) - 1 + 24 / row_height, 12 / row_height - 1),
        xlabel=wrap(f"Mean difference in {comparison.info.label}{unit}", int(width / _CHARACTER)),
    )
    _name_rows(chart, names, -10 / row_height)
    sides = ("second is better", "first is better") if comparison.info.higher_is_better else ("first is better", "second is better")
    for text, x, alignment in zip(sides, (0.0, 1.0), ("left", "right"), strict=True):
        arrow = f"← {text}" if x == 0.0 else f"{text} →"
        chart.annotate(arrow, (x, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points", ha=alignment, color=MUTED)


def _scatter(comparison: Comparison, pair: PairRow, name: str, width: int) -> str:
    alt = f"Scatter chart: {comparison.info.label} of each of {comparison.n} images, {pair.first} against {pair.second}."
    size = (_SCATTER[width], _scatter_height(pair, width))
    return render(lambda axes: _draw_scatter(axes[0], comparison, pair, width), name=name, alt=alt, size=size)


def _scatter_line(width: int) -> int:
    """Characters of a line along a side of the square."""
    return int((_SCATTER[width] - 60) / _THIN)


def _scatter_height(pair: PairRow, width: int) -> int:
    """With room for the lines of the names above and below the square."""
    lines = sum(lines_of([wrap(name, _scatter_line(width))]) for name in (pair.first, pair.second))
    return _SCATTER[width] + 2 * _LINE * lines


def _draw_grid(axes: list[Axes], *, comparison: Comparison, rows: int, columns: int) -> None:
    figure = axes[0].get_figure(root=True)
    axes[0].remove()
    if figure is None:
        raise ValueError("the axes belong to no figure")
    charts = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for chart, pair in zip_longest(charts, shown_pairs(comparison)):
        if pair is None:
            chart.remove()
        else:
            _draw_scatter(chart, comparison, pair, WIDE)


def _draw_scatter(chart: Axes, comparison: Comparison, pair: PairRow, width: int) -> None:
    line = _scatter_line(width)
    x, y = comparison.values(pair.second), comparison.values(pair.first)
    low, high = _limits([*x, *y], comparison)
    chart.plot([low, high], [low, high], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    chart.scatter(x, y, s=24, color=FIRST, alpha=0.55, linewidth=0, zorder=3)
    chart.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    xlabel, ylabel = (wrap(f"{comparison.info.label}, {name}", line) for name in (pair.second, pair.first))
    chart.set(xlabel=xlabel, ylabel=ylabel)
    chart.grid(visible=True, axis="both", color=GRID)
    if width == NARROW:
        chart.locator_params(nbins=4)
    chart.yaxis.set_major_locator(chart.xaxis.get_major_locator())
    above, below = (pair.first, pair.second) if comparison.info.higher_is_better else (pair.second, pair.first)
    told = (f"above the line: {above} is better", f"below the line: {below} is better")
    sides = "\n".join(wrap(side, line) for side in told)
    chart.annotate(sides, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", color=MUTED, fontsize=11)
    _name_outliers(chart, [(key, x, y) for key, y, x in comparison.outliers(pair, _LABELLED)], (low, high), _LONGEST[width])


def _name_outliers(chart: Axes, points: Sequence[tuple[str, float, float]], limits: tuple[float, float], longest: int) -> None:
    """Rings round some points, with their names beside them, on the side where there is room and none upon another."""
    low, high = limits
    taken: list[float] = []
    names = short_keys([key for key, _, _ in points], longest)
    named = [(name, x, y) for name, (_, x, y) in zip(names, points, strict=True)]
    for name, x, y in sorted(named, key=lambda point: -point[2]):
        chart.scatter([x], [y], s=70, facecolor="none", edgecolor=SECOND, linewidth=1.4, zorder=4)
        height = min([y, *(other - _GAP * (high - low) for other in taken)])
        taken.append(height)
        left = x > (low + high) / 2
        chart.annotate(
            name,
            (x, y),
            xytext=(x + (-1 if left else 1) * 0.03 * (high - low), max(height, low + 0.01 * (high - low))),
            ha="right" if left else "left",
            va="center",
            fontsize=10.5,
            color=INK,
            zorder=5,
        )


def _limits(values: Sequence[float], comparison: Comparison) -> tuple[float, float]:
    """All values with some room, but no more of it than a point needs beyond what the metric can be."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.05 * (abs(high) or 1.0)
    best, worst = comparison.info.best, comparison.info.worst
    bottom, top = (worst, best) if comparison.info.higher_is_better else (best, worst)
    low = low - room if bottom is None else max(low - room, bottom - 0.3 * room)
    return low, high + room if top is None else min(high + room, top + 0.3 * room)


def _axis(comparison: Comparison) -> str:
    better = "higher is better" if comparison.info.higher_is_better else "lower is better"
    return f"{comparison.info.label}{f', {comparison.unit}' if comparison.unit else ''} ({better})"
