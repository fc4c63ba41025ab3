"""What a report is made of: one object that the caller fills and `write_report` turns into files."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from limner.evaluation import Evaluation, ThresholdChoice
    from limner.evaluation.calibration import Calibration
    from limner.types import ImageArray, MaskArray, ProbArray

Group: TypeAlias = Literal["best", "median", "worst"]
GROUPS: tuple[Group, ...] = ("best", "median", "worst")


@dataclass(frozen=True, slots=True)
class GalleryCase:
    """One image of the gallery, at the size in which it is stored.

    Attributes:
        key: The image's key in its data set.
        image: uint8 RGB, (H, W, 3).
        target: The true mask, bool (H, W).
        preds: The predicted mask, bool (H, W).
        dice: Dice of this image.
        iou: IoU of this image.
        group: Why it is shown.
        probs: Foreground probabilities, float32 (H, W) in [0, 1]; shown as one more panel when given.
    """

    key: str
    image: ImageArray
    target: MaskArray
    preds: MaskArray
    dice: float
    iou: float
    group: Group
    probs: ProbArray | None = None


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """How the images that a model was made of were divided.

    Attributes:
        counts: Images per part, in the order in which they are to be shown ("train", "val", "test").
        origin: Where the split came from, in words.
        sha256: Hash of the saved split, which holds every file's own hash.
        name: The data that was divided, which is not always what was evaluated.
    """

    counts: Mapping[str, int]
    origin: str
    sha256: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ParityFacts:
    """How closely the exported file agrees with the network it came from.

    Attributes:
        max_prob_difference: Largest difference of any pixel's probability.
        mask_agreement: Share of the pixels whose mask is the same, in [0, 1]; that of the worst image.
        n: Images compared.
    """

    max_prob_difference: float
    mask_agreement: float
    n: int


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything a report shows. All but the title and the evaluation may be left out; its section is then left out too.

    Attributes:
        title: The page's title.
        evaluation: Scores and cases (see `limner.evaluation.evaluate`).
        task: What is outlined: "polyp", "nucleus", "vessel" or any other word.
        created: When the report was made; shown as its date.
        facts: Named sections of names and values, such as machine, time and versions; shown in the order given.
        recipe: The fully resolved recipe.
        history: One row per epoch, as `read_history` returns them.
        threshold_choice: How the threshold was chosen on the validation part, with the curve.
        calibration: What calibration on the validation part has changed.
        folds: One row for each fold of a cross-validation, with its name and what is to be said of it.
        gallery: Cases to show, as `build_gallery` returns them.
        split: How the images that the model was made of were divided.
        parity: How closely the exported file agrees with the network.
        panel: Predictions on the train and on the test part, a PNG as `save_panel` draws it.
    """

    title: str
    evaluation: Evaluation
    task: str = "object"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, float]] = ()
    threshold_choice: ThresholdChoice | None = None
    calibration: Calibration | None = None
    folds: Sequence[Mapping[str, Any]] = ()
    gallery: Sequence[GalleryCase] = ()
    split: SplitFacts | None = None
    parity: ParityFacts | None = None
    panel: bytes | None = None


def read_history(path: Path) -> list[dict[str, float]]:
    """Read a run's `metrics.csv`; none when the file is absent, since a bare model file has no history.

    An empty or unreadable cell becomes NaN: a run that was cut off may have left one, and it must not cost the report.

    Returns:
        One row per epoch, in the file's order.
    """
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        return [{name: _to_float(cell) for name, cell in row.items() if name} for row in csv.DictReader(lines)]


def _to_float(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        return math.nan
