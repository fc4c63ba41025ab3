"""One look for all figures, and the way from a matplotlib figure to SVG that can stand inside a page.

The SVG takes its colours from the page's CSS variables, so that one drawing serves light, dark and print; and it takes its font
from the page too. Colours of series are after Okabe and Ito (2008), told apart by people who are colour-blind; lines differ in their
dashes as well.
"""

from __future__ import annotations

import html
import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limner.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1d2429"
MUTED = "#5a656e"
GRID = "#e3e1dc"
PAPER = "#fffefc"
FIRST = "#0072b2"
SECOND = "#c4540a"

# The colours that figures are drawn in -> the CSS variables that the page gives them.
_VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", PAPER: "--panel", FIRST: "--first", SECOND: "--second"}

_NO_METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # equal for equal input

_RC: dict[Any, Any] = {  # matplotlib names its keys one by one in its type
    "axes.axisbelow": True,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelpad": 6.0,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.ymargin": 0.09,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the layout is the same on every machine
    "font.size": 12.0,
    "grid.color": GRID,
    "grid.linewidth": 1.0,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "xtick.major.size": 4.0,
    "ytick.color": GRID,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0.0,
}


def render(draw: Callable[[list[Axes]], None], *, name: str, alt: str, size: tuple[int, int], heights: tuple[int, ...] = (1,)) -> str:
    """Draw a figure and return it as SVG for a page.

    Args:
        draw: Is given the axes, one per entry of `heights`, from the top down; they share their x axis.
        name: Unique on the page: the ids inside the SVG begin with it.
        alt: What a reader who does not see the figure is told.
        size: Width and height in CSS pixels.
        heights: Relative heights of the axes.

    Returns:
        One `<svg>` element without any reference to the outside; equal for equal input.
    """
    with _drawn(draw, name=name, size=size, heights=heights) as figure:
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return _for_page(buffer.getvalue(), name=name, alt=alt)


def save_figure(draw: Callable[[list[Axes]], None], path: Path, *, size: tuple[int, int], heights: tuple[int, ...] = (1,)) -> None:
    """Draw the same to files of its own, atomically: `path` as SVG, and beside it as PNG of twice the size in pixels."""
    with _drawn(draw, name=path.stem, size=size, heights=heights) as figure:
        for suffix, metadata in ((".svg", _NO_METADATA), (".png", {})):
            with atomic_path(path.with_suffix(suffix)) as temporary:
                figure.savefig(temporary, format=suffix[1:], dpi=144, facecolor=PAPER, metadata=metadata)


@contextmanager
def _drawn(draw: Callable[[list[Axes]], None], *, name: str, size: tuple[int, int], heights: tuple[int, ...]) -> Iterator[Figure]:
    """The figure, to be saved within the context, which holds its style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_RC, "svg.hashsalt": name}):
        # At 72 units an inch, one unit of the drawing is one CSS pixel at its full width, and 12 point text is 12 pixels high.
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
        draw(list(axes[:, 0]))
        yield figure


def _for_page(svg: str, *, name: str, alt: str) -> str:
    """Keep of a stand-alone SVG file what belongs inside an HTML page."""
    box = re.search(r'viewBox="([^"]+)"', svg)
    body = re.sub(r"^.*?<svg[^>]*>|<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("xlink:href", "href").replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    for colour, variable in _VARIABLES.items():
        body = re.sub(colour, f"var({variable})", body, flags=re.IGNORECASE)
    body = re.sub(r"\n\s*", "\n", body)
    return f'<svg viewBox="{box.group(1) if box else ""}" role="img" aria-label="{html.escape(alt)}">{body.strip()}'
