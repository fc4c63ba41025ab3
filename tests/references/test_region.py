"""Every region score against scikit-learn, torchmetrics, MONAI and MedPy, which compute it from the pixels in their own ways."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from medpy.metric import binary as medpy
from monai.metrics import compute_confusion_matrix_metric, get_confusion_matrix
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from torchmetrics.functional import segmentation as tms

from limner.metrics import count, f_beta, sweep_counts
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from limner.types import MaskArray

SHAPE = (13, 17)
RANDOM = np.random.default_rng(0)


def _one_pixel(row: int, column: int) -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row, column] = True
    return mask


def _frame() -> MaskArray:
    """Foreground along the upper and the left edge."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:3] = mask[:, :2] = True
    return mask


MASKS: dict[str, MaskArray] = {
    "sparse": RANDOM.random(SHAPE) < 0.05,
    "half": RANDOM.random(SHAPE) < 0.5,
    "dense": RANDOM.random(SHAPE) < 0.95,
    "empty": np.zeros(SHAPE, dtype=bool),
    "full": np.ones(SHAPE, dtype=bool),
    "pixel": _one_pixel(3, 4),
    "other pixel": _one_pixel(12, 16),
    "border": _frame(),
}
PAIRS = [pytest.param(MASKS[a], MASKS[b], id=f"{a}-{b}") for a in MASKS for b in MASKS]
OF_TWO_CLASSES = [pair for pair in PAIRS if not {"empty", "full"} & set(str(pair.id).split("-"))]

SCIKIT: dict[str, Any] = {
    "dice": sk.f1_score,
    "iou": sk.jaccard_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "specificity": partial(sk.recall_score, pos_label=0),
    "f2": partial(sk.fbeta_score, beta=2),
}
TORCHMETRICS: dict[str, Any] = {
    "dice": tm.binary_f1_score,
    "iou": tm.binary_jaccard_index,
    "precision": tm.binary_precision,
    "recall": tm.binary_recall,
    "f2": partial(tm.binary_fbeta_score, beta=2.0),
}


def _nothing_to_measure(name: str, preds: MaskArray, target: MaskArray) -> bool:
    measured = ~preds | ~target if name == "specificity" else preds | target
    return not measured.any()


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_scikit_learn_agrees(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    for name, reference in SCIKIT.items():
        rule = 1.0 if _nothing_to_measure(name, preds, target) else 0.0
        expected = reference(target.ravel(), preds.ravel(), zero_division=rule)
        assert METRICS[name](counts) == pytest.approx(expected, abs=1e-12), name
    assert METRICS["accuracy"](counts) == pytest.approx(sk.accuracy_score(target.ravel(), preds.ravel()), abs=1e-12)


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_torchmetrics_agrees(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    tensors = torch.from_numpy(preds.astype(np.int64)), torch.from_numpy(target.astype(np.int64))
    for name, reference in TORCHMETRICS.items():
        rule = 1.0 if _nothing_to_measure(name, preds, target) else 0.0
        assert METRICS[name](counts) == pytest.approx(float(reference(*tensors, zero_division=rule)), abs=1e-6), name
    assert METRICS["accuracy"](counts) == pytest.approx(float(tm.binary_accuracy(*tensors)), abs=1e-6)


def _constant(mask: MaskArray) -> bool:
    return bool(mask.all() or not mask.any())


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_scikit_learn_agrees_on_agreement_beyond_chance(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(A single label|y_pred contains|`y1`, `y2`)")  # on masks of one class
        found = [score(target.ravel(), preds.ravel()) for score in (sk.balanced_accuracy_score, sk.matthews_corrcoef, sk.cohen_kappa_score)]
    both_of_one_class = _constant(preds) and np.array_equal(preds, target)
    expected = [found[0], 1.0, 1.0] if both_of_one_class else found
    ours = [METRICS[name](counts) for name in ("balanced_accuracy", "mcc", "kappa")]
    assert ours == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("preds", "target"), OF_TWO_CLASSES)  # of 0/0 torchmetrics has rules of its own
def test_torchmetrics_agrees_on_agreement_beyond_chance(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    tensors = torch.from_numpy(preds.astype(np.int64)), torch.from_numpy(target.astype(np.int64))
    assert METRICS["mcc"](counts) == pytest.approx(float(tm.binary_matthews_corrcoef(*tensors)), abs=1e-6)
    assert METRICS["kappa"](counts) == pytest.approx(float(tm.binary_cohen_kappa(*tensors)), abs=1e-6)


MONAI = {
    "dice": "f1 score",
    "iou": "threat score",
    "precision": "precision",
    "recall": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "matthews correlation coefficient",
}


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_monai_agrees_wherever_it_has_a_value(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    matrix = get_confusion_matrix(*(torch.from_numpy(mask[None, None].astype(np.float64)) for mask in (preds, target)))
    for name, theirs in MONAI.items():
        expected = float(compute_confusion_matrix_metric(theirs, matrix.double()))
        if np.isfinite(expected):
            assert METRICS[name](counts) == pytest.approx(expected, abs=1e-9), name


MEDPY: dict[str, Any] = {
    "dice": medpy.dc,
    "iou": medpy.jc,
    "precision": medpy.precision,
    "recall": medpy.recall,
    "specificity": medpy.specificity,
}


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_medpy_agrees_wherever_there_is_something_to_measure(preds: MaskArray, target: MaskArray) -> None:
    counts = count(preds, target)
    for name, reference in MEDPY.items():
        if _nothing_to_measure(name, preds, target):
            continue
        with np.errstate(invalid="ignore"):
            expected = float(reference(preds, target))
        assert METRICS[name](counts) == pytest.approx(0.0 if np.isnan(expected) else expected, abs=1e-12), name


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_volume_similarity_follows_from_the_relative_volume_difference_of_medpy(preds: MaskArray, target: MaskArray) -> None:
    ours = METRICS["volume_similarity"](count(preds, target))
    if target.any():
        difference = medpy.ravd(preds, target)  # (|preds| - |target|) / |target|
        assert ours == pytest.approx(1 - abs(difference) / (2 + difference), abs=1e-12)
    else:
        assert ours == (0.0 if preds.any() else 1.0)


@pytest.mark.parametrize("beta", [0.5, 3.0])
@pytest.mark.parametrize(("preds", "target"), OF_TWO_CLASSES)
def test_scikit_learn_agrees_on_any_beta(preds: MaskArray, target: MaskArray, beta: float) -> None:
    expected = sk.fbeta_score(target.ravel(), preds.ravel(), beta=beta)
    assert f_beta(count(preds, target), beta) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_the_field_of_view_is_the_sample_weight_of_scikit_learn(preds: MaskArray, target: MaskArray) -> None:
    inside = MASKS["half"]
    c = count(preds, target, inside)
    expected = sk.confusion_matrix(target.ravel(), preds.ravel(), labels=[False, True], sample_weight=inside.ravel())
    assert [[c.tn, c.fp], [c.fn, c.tp]] == expected.tolist()


def test_the_segmentation_metrics_of_torchmetrics_agree() -> None:
    preds, target = MASKS["half"], MASKS["sparse"]
    one_hot = [torch.from_numpy(np.stack([~mask, mask])[None].astype(np.int64)) for mask in (preds, target)]
    counts = count(preds, target)
    expected = float(tms.dice_score(*one_hot, num_classes=2, include_background=False))
    assert METRICS["dice"](counts) == pytest.approx(expected, abs=1e-6)
    assert METRICS["iou"](counts) == pytest.approx(float(tms.mean_iou(*one_hot, num_classes=2, include_background=False)), abs=1e-6)


def test_the_sweep_agrees_with_the_precision_recall_curve_of_scikit_learn() -> None:
    probs = RANDOM.random(SHAPE, dtype=np.float32)
    target = MASKS["half"]
    precisions, recalls, thresholds = sk.precision_recall_curve(target.ravel(), probs.ravel())
    swept = sweep_counts(probs, target, thresholds)
    assert [METRICS["precision"](c) for c in swept] == pytest.approx(precisions[:-1].tolist())
    assert [METRICS["recall"](c) for c in swept] == pytest.approx(recalls[:-1].tolist())
