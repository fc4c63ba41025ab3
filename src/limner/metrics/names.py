"""Every metric that limner knows: what people call it, which family it is of, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Family: TypeAlias = Literal["region", "boundary", "probability", "centreline", "objects", "saliency"]
FAMILIES: tuple[Family, ...] = get_args(Family)


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What is known of a metric.

    Attributes:
        label: As people write it.
        family: Which computation it comes from.
        higher_is_better: False for errors and distances.
        is_distance: It has a unit, px or µm; all others are pure numbers.
        worst: Its lowest value (or, of errors, the highest that is drawn); None for distances and counts, which have no bound.
        best: The value of a perfect prediction.
    """

    label: str
    family: Family
    higher_is_better: bool = True
    is_distance: bool = False
    worst: float | None = 0.0
    best: float = 1.0


def _distance(label: str) -> MetricInfo:
    return MetricInfo(label, "boundary", higher_is_better=False, is_distance=True, worst=None, best=0.0)


def _error(label: str, family: Family) -> MetricInfo:
    return MetricInfo(label, family, higher_is_better=False, worst=1.0, best=0.0)


# In the order in which tables show them.
METRIC_INFO: dict[str, MetricInfo] = {
    "dice": MetricInfo("Dice", "region"),
    "iou": MetricInfo("IoU", "region"),
    "precision": MetricInfo("Precision", "region"),
    "recall": MetricInfo("Recall", "region"),
    "specificity": MetricInfo("Specificity", "region"),
    "accuracy": MetricInfo("Accuracy", "region"),
    "balanced_accuracy": MetricInfo("Balanced accuracy", "region"),
    "f2": MetricInfo("F2", "region"),
    "mcc": MetricInfo("MCC", "region", worst=-1.0),
    "kappa": MetricInfo("Cohen's kappa", "region", worst=-1.0),
    "volume_similarity": MetricInfo("Volume similarity", "region"),
    "hausdorff": _distance("Hausdorff distance"),
    "hausdorff95": _distance("Hausdorff distance, 95 %"),
    "assd": _distance("Average symmetric surface distance"),
    "nsd": MetricInfo("Normalised surface Dice", "boundary"),
    "boundary_iou": MetricInfo("Boundary IoU", "boundary"),
    "roc_auc": MetricInfo("ROC AUC", "probability", worst=0.0),
    "average_precision": MetricInfo("Average precision", "probability"),
    "soft_dice": MetricInfo("Soft Dice", "probability"),
    "brier": _error("Brier score", "probability"),
    "ece": _error("Expected calibration error", "probability"),
    "cldice": MetricInfo("clDice", "centreline"),
    "object_precision": MetricInfo("Object precision", "objects"),
    "object_recall": MetricInfo("Object detection rate", "objects"),
    "object_f1": MetricInfo("Object F1", "objects"),
    "object_ap": MetricInfo("Object AP, IoU 0.5 to 0.95", "objects"),
    "panoptic_quality": MetricInfo("Panoptic quality", "objects"),
    "aji": MetricInfo("AJI", "objects"),
    "false_positives_per_image": MetricInfo("False objects per image", "objects", higher_is_better=False, worst=None, best=0.0),
    "mae": _error("MAE", "saliency"),
    "s_measure": MetricInfo("S-measure", "saliency"),
    "e_measure_mean": MetricInfo("E-measure, mean", "saliency"),
    "e_measure_max": MetricInfo("E-measure, max", "saliency"),
    "e_measure_adaptive": MetricInfo("E-measure, adaptive", "saliency"),
    "weighted_f": MetricInfo("Weighted F-measure", "saliency"),
}

_SUFFIXES = {"_median": ", median over images", "_std": ", standard deviation over images"}


def metric_label(name: str) -> str:
    """A score's name as people write it.

    Example:
        >>> metric_label("iou_std")
        'IoU, standard deviation over images'
    """
    for suffix, words in _SUFFIXES.items():
        if name.endswith(suffix):
            return metric_label(name.removesuffix(suffix)) + words
    return METRIC_INFO[name].label if name in METRIC_INFO else name.replace("_", " ").capitalize()


def default_families(task: str) -> tuple[Family, ...]:
    """The families that a field reads: of vessels the centreline, of nuclei the objects, of polyps the measures of its tables too.

    Example:
        >>> default_families("vessel")
        ('region', 'boundary', 'probability', 'centreline')
    """
    own: dict[str, tuple[Family, ...]] = {"vessel": ("centreline",), "nucleus": ("objects",), "polyp": ("objects", "saliency")}
    return ("region", "boundary", "probability", *own.get(task, ("objects",)))
