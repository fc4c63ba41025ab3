"""The panel of predictions: images of the train part and of the test part, each beside its truth and what the model makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.errors import DataError
from limner.evaluation.protocols import load_inside
from limner.files import atomic_path
from limner.imaging.resize import longer_side_at, resize_image
from limner.metrics import count, dice
from limner.report.style import INK, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from numpy.typing import NDArray

    from limner.evaluation import Case, Cases, Segmenter
    from limner.types import ImageArray, MaskArray, ProbArray, Sample

EACH = 4  # images of a part
_SIDE = 240  # pixels of the longer side of a picture
_COLUMNS = ("image", "truth", "probability", "prediction")
_TILE = 1.5  # inches


@dataclass(frozen=True, slots=True)
class PanelCase:
    """One row of the panel.

    Attributes:
        key: The image's key.
        image: uint8 RGB, (H, W, 3).
        target: bool, (H, W).
        probs: float32 in [0, 1], (H, W).
        preds: bool, (H, W).
        inside: The field of view, inside of which Dice is computed, bool, (H, W); None for the whole image.
    """

    key: str
    image: ImageArray
    target: MaskArray
    probs: ProbArray
    preds: MaskArray
    inside: MaskArray | None = None

    @property
    def dice(self) -> float:
        """As the evaluation has it."""
        return dice(count(self.preds, self.target, self.inside))


def predict_panel(predictor: Segmenter, dataset: Cases, each: int = EACH) -> list[PanelCase]:
    """Predict some images of a data set: as many as `each`, evenly spaced in its order, so that nobody chose them by their score.

    Raises:
        DataError: An image or a mask cannot be read any more.
    """
    items = list(dataset.items)
    shown = min(each, len(items))
    rows = []
    for index in range(shown):
        item = items[index * len(items) // shown]
        sample = item.load()
        found = predictor.predict_sample(sample)
        rows.append(PanelCase(sample.key, sample.image, sample.mask, found.probs, found.mask, _inside(item, sample)))
    return rows


def save_panel(parts: Mapping[str, Sequence[PanelCase]], path: Path) -> None:
    """Draw the panel to a PNG, atomically.

    Args:
        parts: Cases by the name of their part; the parts stand side by side, those without cases are left out.
        path: Of the file.
    """
    from matplotlib.figure import Figure

    parts = {name: cases for name, cases in parts.items() if cases}
    rows, columns = max(map(len, parts.values())), len(_COLUMNS) * len(parts)
    # Titles and scores need room that does not shrink with the number of rows.
    figure = Figure(figsize=(columns * _TILE, rows * (_TILE + 0.25) + 0.6), facecolor=PAPER, layout="constrained")
    blocks: list[SubFigure] = list(figure.subfigures(1, len(parts), squeeze=False)[0])
    for block, (name, cases) in zip(blocks, parts.items(), strict=True):
        block.suptitle(name, color=INK, fontsize=13, fontweight="bold")
        axes = block.subplots(rows, len(_COLUMNS), squeeze=False)
        for number, (line, case) in enumerate(zip(axes, [*cases, *[None] * (rows - len(cases))], strict=True)):
            _draw_row(line, case, first=number == 0)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _inside(item: Case, sample: Sample) -> MaskArray | None:
    """The field of view. One that cannot be used is no reason to end a run without its figures: most of these images are never judged."""
    try:
        return load_inside(item, sample)
    except DataError:
        return None


def _draw_row(axes: Sequence[Axes], case: PanelCase | None, *, first: bool) -> None:
    for axis in axes:
        axis.set_axis_off()
    if case is None:
        return
    pictures = (_shrunk(case.image), _fine(case.target), _fine(case.probs), _fine(case.preds))
    for axis, name, picture in zip(axes, _COLUMNS, pictures, strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        if first:
            axis.set_title(name, color=MUTED, fontsize=9)
    _write_below(axes[0], 0, case.key[-28:])
    _write_below(axes[-1], 1, f"Dice {case.dice:.3f}")


def _write_below(axis: Axes, side: int, text: str) -> None:
    """A line below a picture, from its left side (0) or up to its right one (1)."""
    axis.text(side, -0.04, text, transform=axis.transAxes, color=MUTED, fontsize=7.5, va="top", ha="right" if side else "left")


def _shrunk(image: ImageArray) -> ImageArray:
    return resize_image(image, _fit(image.shape[0], image.shape[1]))


def _fine(area: MaskArray | ProbArray) -> NDArray[Any]:
    """Shrunk so that a mask becomes grey where its vessels are thinner than a pixel, and none vanishes."""
    height, width = _fit(area.shape[0], area.shape[1])
    return cv2.resize(area.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)


def _fit(height: int, width: int) -> tuple[int, int]:
    """The size at which the longer side is `_SIDE` pixels, or as it is where that is less."""
    return longer_side_at(min(_SIDE, max(height, width)), (height, width))
