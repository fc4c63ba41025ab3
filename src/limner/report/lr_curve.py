"""The curve of a learning-rate range test: loss over learning rate, with what is suggested."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from limner.report.style import FIRST, INK, MUTED, SECOND, save_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

_SIZE = (760, 420)  # CSS pixels


@dataclass(frozen=True, slots=True)
class RangeCurve:
    """What is drawn of a test.

    Attributes:
        rates: The learning rate of each step.
        losses: Its loss; what is not finite is left out.
        smoothed: The losses without their noise.
        suggestions: Learning rates by the name of their rule.
        recommended: The rule whose rate is recommended.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    suggestions: Mapping[str, float]
    recommended: str


def save_lr_curve(curve: RangeCurve, path: Path) -> None:
    """Draw a test to `path`, which ends in .svg, and beside it as PNG."""
    save_figure(partial(_draw, curve=curve), path, size=_SIZE)


def _draw(axes: list[Axes], *, curve: RangeCurve) -> None:
    chart = axes[0]
    shown = [(rate, loss) for rate, loss in zip(curve.rates, curve.losses, strict=True) if math.isfinite(loss)]
    low, high = _heights([loss for _, loss in shown], curve.smoothed)
    chart.scatter([rate for rate, _ in shown], [loss for _, loss in shown], s=12, color=MUTED, alpha=0.5, linewidth=0)
    chart.plot(curve.rates, curve.smoothed, color=FIRST)
    chart.set(xscale="log", xlabel="Learning rate", ylabel="Loss of the step", ylim=(low, high))
    for rule, rate in sorted(curve.suggestions.items(), key=lambda one: one[1]):
        _mark(chart, f"{rule}: {rate:.1e}", rate, chosen=rule == curve.recommended)
    if curve.suggestions:
        chart.legend(loc="lower left", frameon=False, labelcolor=INK)  # where the loss has not fallen yet


def _mark(chart: Axes, label: str, rate: float, *, chosen: bool) -> None:
    """A line at a suggestion; the recommended one is told from the others by colour and by its stroke."""
    colour, width, stroke = (SECOND, 2.2, "-") if chosen else (MUTED, 1.2, (0, (3, 2)))
    chart.axvline(rate, color=colour, linewidth=width, linestyle=stroke, label=f"{label}, recommended" if chosen else label)


def _heights(losses: Sequence[float], smoothed: Sequence[float]) -> tuple[float, float]:
    """What is worth seeing: not how far up a diverging loss goes."""
    low, first = min([*losses, *smoothed]), smoothed[0]
    room = max(first - low, 0.05 * abs(first), 1e-6)
    return low - 0.1 * room, min(max([*losses, *smoothed]), first + room) + 0.2 * room
