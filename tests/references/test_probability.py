"""Scores of probabilities against scikit-learn and torchmetrics: exact ones to the last digits, the histogram's within its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from scipy.special import expit, logit
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from torchmetrics.functional import classification as tm

from limner.data.phantoms import phantom
from limner.metrics import LogitHistogram, average_precision, brier, roc_auc, soft_dice

if TYPE_CHECKING:
    from limner.types import MaskArray, ProbArray

SHAPE = (48, 64)
HALF_BIN = 1 / 256  # of a logit
RANDOM = np.random.default_rng(0)


def _noisy(mask: MaskArray, *, sure: float) -> ProbArray:
    """What a network may say of a mask: `sure` of itself, here and there wrong."""
    return expit(sure * (2.0 * mask - 1) + RANDOM.normal(0, 2, mask.shape)).astype(np.float32)


def _one_pixel() -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[0, 5] = True
    return mask


POLYP, VESSEL = phantom("polyp", 0, SHAPE).mask, phantom("vessel", 1, SHAPE).mask
NOISE = RANDOM.random(SHAPE) < 0.3
CASES: dict[str, tuple[ProbArray, MaskArray]] = {
    "polyp": (_noisy(POLYP, sure=1.5), POLYP),
    "polyp, too sure": (expit(4 * logit(_noisy(POLYP, sure=1.0).astype(float))).astype(np.float32), POLYP),
    "vessel": (_noisy(VESSEL, sure=3.0), VESSEL),
    "random": (RANDOM.random(SHAPE, dtype=np.float32), NOISE),
    "random, 8 bits": ((RANDOM.integers(0, 256, SHAPE) / 255).astype(np.float32), NOISE),
    "a mask": ((RANDOM.random(SHAPE) < 0.4).astype(np.float32), NOISE),
    "constant": (np.full(SHAPE, 0.3, dtype=np.float32), NOISE),
    "one pixel": (_noisy(_one_pixel(), sure=2.0), _one_pixel()),
    "all but one pixel": (_noisy(~_one_pixel(), sure=2.0), ~_one_pixel()),
}
EMPTY, FULL = np.zeros(SHAPE, dtype=bool), np.ones(SHAPE, dtype=bool)
ONE_CLASS = {"empty": (_noisy(EMPTY, sure=1.0), EMPTY), "full": (_noisy(FULL, sure=1.0), FULL)}

cases = pytest.mark.parametrize(("probs", "target"), CASES.values(), ids=CASES)
all_cases = pytest.mark.parametrize(("probs", "target"), (CASES | ONE_CLASS).values(), ids=CASES | ONE_CLASS)


def tensors(probs: ProbArray, target: MaskArray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(probs.ravel().astype(np.float64)), torch.from_numpy(target.ravel().astype(np.int64))


# ------------------------------------------------------------------------------------------------------------------ exact


@cases
def test_ranking_against_scikit_learn(probs: ProbArray, target: MaskArray) -> None:
    assert roc_auc(probs, target) == pytest.approx(sk.roc_auc_score(target.ravel(), probs.ravel()), abs=1e-12)
    assert average_precision(probs, target) == pytest.approx(sk.average_precision_score(target.ravel(), probs.ravel()), abs=1e-12)


@cases
def test_ranking_against_torchmetrics(probs: ProbArray, target: MaskArray) -> None:
    assert roc_auc(probs, target) == pytest.approx(float(tm.binary_auroc(*tensors(probs, target))), abs=1e-5)
    assert average_precision(probs, target) == pytest.approx(float(tm.binary_average_precision(*tensors(probs, target))), abs=1e-5)


@all_cases
def test_brier_against_scikit_learn(probs: ProbArray, target: MaskArray) -> None:
    expected = sk.brier_score_loss(target.ravel(), probs.ravel().astype(np.float64), labels=[False, True], pos_label=True)
    assert brier(probs, target) == pytest.approx(expected, rel=1e-6)


@all_cases
def test_soft_dice_against_monai(probs: ProbArray, target: MaskArray) -> None:
    batch = [torch.from_numpy(side[None, None].astype(np.float64)) for side in (probs, target)]
    expected = 1 - float(DiceLoss(smooth_nr=0, smooth_dr=0)(*batch))
    assert soft_dice(probs, target) == pytest.approx(expected, rel=1e-9)


# ------------------------------------------------------------------------------------------------------------------ the histogram


@cases
def test_roc_auc_of_the_histogram_within_half_of_the_tied_pairs(probs: ProbArray, target: MaskArray) -> None:
    histogram = LogitHistogram.of(probs, target)
    pairs = np.prod(histogram.counts.sum(axis=0))
    tied = histogram.counts.prod(axis=1).sum() / pairs
    expected = sk.roc_auc_score(target.ravel(), probs.ravel())
    assert abs(histogram.roc_auc() - expected) <= tied / 2 + 1e-12
    assert histogram.roc_auc() == pytest.approx(expected, abs=1e-4)  # on images it comes out nearer than that


@cases
def test_average_precision_of_the_histogram_within_the_change_of_precision_across_a_bin(probs: ProbArray, target: MaskArray) -> None:
    histogram = LogitHistogram.of(probs, target)
    background, foreground = histogram.counts[::-1].T
    found, alarms = np.cumsum(foreground), np.cumsum(background)
    highest = found / np.maximum(found + alarms - background, 1)
    lowest = (found - foreground) / np.maximum(found - foreground + alarms, 1)
    bound = float(foreground @ (highest - lowest)) / found[-1]
    expected = sk.average_precision_score(target.ravel(), probs.ravel())
    assert abs(histogram.average_precision() - expected) <= bound + 1e-12
    assert histogram.average_precision() == pytest.approx(expected, abs=2e-3)


@all_cases
def test_brier_and_nll_of_the_histogram_within_their_bounds(probs: ProbArray, target: MaskArray) -> None:
    histogram = LogitHistogram.of(probs, target)
    assert histogram.brier() == pytest.approx(brier(probs, target), abs=0.0012)
    clipped = np.clip(probs.ravel().astype(np.float64), expit(-16), expit(16))
    assert histogram.nll() == pytest.approx(sk.log_loss(target.ravel(), clipped, labels=[False, True]), abs=HALF_BIN)


@all_cases
@pytest.mark.parametrize("bins", [10, 15])
def test_calibration_error_against_torchmetrics_within_its_bound(probs: ProbArray, target: MaskArray, bins: int) -> None:
    expected = float(tm.binary_calibration_error(*tensors(probs, target), n_bins=bins, norm="l1"))
    edges = logit(np.arange(1, bins) / bins)
    near = np.abs(logit(probs.astype(np.float64)).reshape(-1, 1) - edges).min(axis=1) < 2 * HALF_BIN
    bound = 0.25 * HALF_BIN + 2 * near.mean() + 1e-6
    assert abs(LogitHistogram.of(probs, target).ece(bins) - expected) <= bound


@cases
def test_reliability_against_scikit_learn(probs: ProbArray, target: MaskArray) -> None:
    # The probabilities of the bins' centres, so that no pixel lies in another bin there than here.
    counts = LogitHistogram.of(probs, target).counts
    centres = np.repeat(expit((np.arange(4096) + 0.5) / 128 - 16), counts.sum(axis=1))
    truth = np.concatenate([np.repeat([False, True], pair) for pair in counts])
    share, mean = calibration_curve(truth, centres, n_bins=15)
    ours = LogitHistogram.of(probs, target).reliability(15)
    assert [bin_[0] for bin_ in ours] == pytest.approx(mean.tolist(), abs=1e-9)
    assert [bin_[1] for bin_ in ours] == pytest.approx(share.tolist(), abs=1e-9)


@cases
def test_every_point_of_the_curves_lies_on_those_of_scikit_learn(probs: ProbArray, target: MaskArray) -> None:
    histogram = LogitHistogram.of(probs, target)
    bins = np.clip((logit(probs.astype(np.float64)) + 16) * 128, 0, 4095).astype(int)
    flat, scores = target.ravel(), bins.ravel()
    x, y, _ = sk.roc_curve(flat, scores, drop_intermediate=False)
    theirs = np.column_stack([x, y])
    distance = [np.abs(theirs - point).max(axis=1).min() for point in histogram.roc_points()]
    assert max(distance) < 2e-3  # a pixel whose logit float32 rounds over the edge of a bin
    precision, recall, _ = sk.precision_recall_curve(flat, scores)
    theirs = np.column_stack([recall, precision])
    distance = [np.abs(theirs - point).max(axis=1).min() for point in histogram.precision_recall_points()]
    assert max(distance) < 1e-2


def test_the_stated_bounds_hold_in_the_worst_case() -> None:
    # Every pixel at one edge of a bin, where the probability moves most with the logit.
    for place in (0.0, 0.7):
        edge = np.full(SHAPE, expit(np.floor(place * 128) / 128 + 1e-5), dtype=np.float32)
        for target in (EMPTY, FULL, NOISE):
            histogram = LogitHistogram.of(edge, target)
            assert abs(histogram.brier() - brier(edge, target)) < 0.0012
            mean, share, n = histogram.reliability(1)[0]
            assert (share, n) == (pytest.approx(target.mean()), target.size)
            assert 0.0008 < mean - edge[0, 0] < 0.001
