"""Which metrics images can be compared by, and what people call them."""

from __future__ import annotations

import re

from limner.errors import RunError, nearest
from limner.metrics.names import METRIC_INFO

_OF_ALL_IMAGES = frozenset({"ece", "e_measure_max"})  # computed over all images together: no single image has one
PER_IMAGE = tuple(name for name in METRIC_INFO if name not in _OF_ALL_IMAGES)
_OTHER_NAMES = {
    "hd": "hausdorff",
    "hd95": "hausdorff95",
    "asd": "assd",
    "f1": "dice",
    "dsc": "dice",
    "jaccard": "iou",
    "sensitivity": "recall",
    "auc": "roc_auc",
}


def read_metric(text: str) -> str:
    """The name of a metric that images have, from its name or its label in any spelling of case, spaces and dashes.

    Raises:
        RunError: There is no such metric, or only one value of it for all images together.

    Example:
        >>> read_metric("Dice"), read_metric("boundary iou"), read_metric("clDice")
        ('dice', 'boundary_iou', 'cldice')
    """
    known = {_plain(word): name for name, info in METRIC_INFO.items() for word in (info.label, name)}
    name = known.get(_plain(text))
    if name in PER_IMAGE:
        return name
    if name is not None:
        label = METRIC_INFO[name].label
        raise RunError(
            f"{label} is computed over all images together, so there is none of each image to compare",
            fix=f"allowed: {', '.join(PER_IMAGE)}",
        )
    other = _OTHER_NAMES.get(_plain(text))
    raise RunError(f"there is no metric '{text}'", fix=f"did you mean '{other}'?" if other else nearest(text.lower(), PER_IMAGE))


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
