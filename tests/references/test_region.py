"""Every region score against scikit-learn and torchmetrics, which compute it from the pixels in their own ways."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from torchmetrics.functional import segmentation as tms

from limner.metrics import count, sweep_counts
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from limner.types import MaskArray

SHAPE = (13, 17)
RANDOM = np.random.default_rng(0)


def _one_pixel(row: int, column: int) -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row, column] = True
    return mask


MASKS: dict[str, MaskArray] = {
    "sparse": RANDOM.random(SHAPE) < 0.05,
    "half": RANDOM.random(SHAPE) < 0.5,
    "dense": RANDOM.random(SHAPE) < 0.95,
    "empty": np.zeros(SHAPE, dtype=bool),
    "full": np.ones(SHAPE, dtype=bool),
    "pixel": _one_pixel(3, 4),
    "other pixel": _one_pixel(12, 16),
}
PAIRS = [pytest.param(MASKS[a], MASKS[b], id=f"{a}-{b}") for a in MASKS for b in MASKS]

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
