"""The measures of the polyp literature: against PySODMetrics on stored values, and against the formulas, computed slowly pixel by pixel."""

from __future__ import annotations

import json
import math
import statistics
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.references.make_saliency_values import EVERY, FILE, as_8_bit, cases

from limner.metrics.saliency import PRANET_THRESHOLDS, saliency_scores

STORED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
CASES = cases()
EPS = np.finfo(np.float64).eps
SOME = range(0, 256, 5)  # of the thresholds, the first and the last among them


@pytest.fixture(params=CASES)
def case(request):
    return *CASES[request.param], STORED["cases"][request.param]


# ------------------------------------------------------------------------------------------------------------------ PySODMetrics


def test_the_values_are_of_the_version_that_they_say():
    assert STORED["made_with"] == "PySODMetrics 1.6.2"
    assert list(STORED["cases"]) == list(CASES)


@pytest.mark.parametrize("name", ["mae", "s_measure", "weighted_f", "e_measure_adaptive"])
def test_pysodmetrics_agrees(name, case):
    probs, target, stored = case
    assert getattr(saliency_scores(probs, target), name) == pytest.approx(stored[name], abs=1e-7)


@pytest.mark.parametrize("name", ["dice", "iou"])
def test_pysodmetrics_agrees_on_the_curve_over_thresholds(name, case):
    probs, target, stored = case
    curve = getattr(saliency_scores(probs, target), name)
    assert curve.shape == (256,)
    assert curve[::EVERY].tolist() == pytest.approx(stored[name], abs=1e-12)
    assert curve.mean() == pytest.approx(stored[f"{name}_mean"], abs=1e-12)


def test_pysodmetrics_agrees_on_the_e_measure_one_level_on(case):
    probs, target, stored = case
    curve = saliency_scores(probs, target).e_measure
    assert curve[1::EVERY].tolist() == pytest.approx(stored["e_measure"][:-1], abs=1e-12)
    # At threshold 1 nothing lies above it; PySODMetrics has a mask of everything at threshold 0 instead.
    assert curve.mean() == pytest.approx(stored["e_measure_mean"] + (curve[0] - stored["e_measure"][-1]) / 256, abs=1e-12)
    if 0 < target.mean() < 1:
        assert curve.mean() == pytest.approx(stored["e_measure_mean"], abs=1e-12)


# ------------------------------------------------------------------------------------------------------------------ slowly


def tiny(name):
    """Predictions and targets of a few pixels; every background pixel has one nearest foreground pixel only."""
    rng = np.random.default_rng(7)
    shape = (9, 11)
    target = np.zeros(shape, dtype=bool)
    where = {
        "inside": np.s_[3:6, 2:8],
        "at the border": np.s_[5:, 8:],
        "one pixel": np.s_[4:5, 5:6],
        "in the corner": np.s_[8:, 10:],
        "full": np.s_[:, :],
        "empty": np.s_[:0, :0],
    }
    target[where[name.removesuffix(", sure")]] = True
    probs = rng.integers(0, 256, shape) / 255
    probs.flat[:2] = 0, 1
    if name.endswith(", sure"):
        probs = np.roll(target, (1, 1), axis=(0, 1))
    return probs.astype(np.float32), target


SPOTS = ["inside", "at the border", "one pixel", "in the corner", "full", "empty"]
TINY = [*SPOTS, *(f"{spot}, sure" for spot in SPOTS[:4])]


@pytest.fixture(params=TINY)
def small(request):
    probs, target = tiny(request.param)
    return probs, target, saliency_scores(probs, target)


def pixels(array):
    return list(product(*map(range, array.shape)))


def test_the_thresholds_are_those_of_the_script():
    assert pytest.approx([1 - i / 255 for i in range(256)], abs=1e-15) == list(PRANET_THRESHOLDS)


def test_mae_slowly(small):
    probs, target, scores = small
    assert scores.mae == pytest.approx(statistics.fmean(abs(probs[at] - target[at]) for at in pixels(probs)), abs=1e-7)


def test_dice_and_iou_slowly(small):
    probs, target, scores = small
    levels = as_8_bit(probs)
    for i in SOME:
        chosen = levels >= 255 - i
        found = sum(chosen[at] and target[at] for at in pixels(target))
        either = sum(chosen[at] or target[at] for at in pixels(target))
        sizes = chosen.sum() + target.sum()
        assert scores.dice[i] == pytest.approx(2 * found / sizes if found else 0, abs=1e-12)
        assert scores.iou[i] == pytest.approx(found / either if found else 0, abs=1e-12)


def e_measure_slowly(mask, target):
    n = target.size
    if not target.any() or target.all():
        return sum(mask[at] == target[at] for at in pixels(mask)) / (n - 1)
    total = 0.0
    for at in pixels(mask):
        a, b = mask[at] - mask.mean(), target[at] - target.mean()
        total += (2 * a * b / (a * a + b * b + EPS) + 1) ** 2 / 4
    return total / (n - 1)


def test_e_measure_slowly(small):
    probs, target, scores = small
    levels = as_8_bit(probs)
    curve = [e_measure_slowly(levels > 255 - i, target) for i in SOME]
    assert scores.e_measure[SOME].tolist() == pytest.approx(curve, abs=1e-12)
    adaptive = levels / 255 >= min(2 * (levels / 255).mean(), 1) - 1e-12
    assert scores.e_measure_adaptive == pytest.approx(e_measure_slowly(adaptive, target), abs=1e-12)


def object_slowly(values):
    mean, spread = statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread)


def ssim_slowly(x, y):
    """As the authors simplify it: without constants, and 1 where both are even."""
    n = len(x)
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / max(n - 1, 1)
    spread_x = sum((a - mean_x) ** 2 for a in x) / max(n - 1, 1)
    spread_y = sum((b - mean_y) ** 2 for b in y) / max(n - 1, 1)
    above = 4 * mean_x * mean_y * covariance
    below = (mean_x**2 + mean_y**2) * (spread_x + spread_y)
    if above:
        return above / below
    return float(below == 0)


def s_measure_slowly(probs, target):
    share = target.mean()
    if share in {0, 1}:
        return probs.mean() if share else 1 - probs.mean()
    objects = share * object_slowly(probs[target].tolist()) + (1 - share) * object_slowly((1 - probs)[~target].tolist())
    # MATLAB counts from 1 and rounds halves up; its slice 1:Y holds Y rows.
    rows, columns = (math.floor(statistics.fmean(axis + 1) + 0.5) for axis in np.nonzero(target))
    regions = 0.0
    for part in (np.s_[:rows, :columns], np.s_[:rows, columns:], np.s_[rows:, :columns], np.s_[rows:, columns:]):
        if target[part].size:
            values, truth = probs[part].ravel().tolist(), target[part].ravel().astype(float).tolist()
            regions += len(values) / target.size * ssim_slowly(values, truth)
    return max(0.0, 0.5 * objects + 0.5 * regions)


def test_s_measure_slowly(small):
    probs, target, scores = small
    assert scores.s_measure == pytest.approx(s_measure_slowly(as_8_bit(probs) / 255, target), abs=1e-12)


def weighted_f_slowly(probs, target):
    inside, outside = np.argwhere(target).tolist(), np.argwhere(~target).tolist()
    error = np.abs(probs - target)
    spread, weight = error.copy(), np.ones(target.shape)
    for y, x in outside:
        nearest = min(inside, key=lambda at: math.dist(at, (y, x)))
        spread[y, x] = error[*nearest]
        weight[y, x] = 2 - math.exp(math.log(0.5) / 5 * math.dist(nearest, (y, x)))
    gauss = np.array([[math.exp(-(i * i + j * j) / 50) for i in range(-3, 4)] for j in range(-3, 4)])
    padded = np.pad(spread, 3)
    capped = error.copy()
    for y, x in inside:
        capped[y, x] = min(error[y, x], (gauss / gauss.sum() * padded[y : y + 7, x : x + 7]).sum())
    missed, ghosts = (capped * weight)[target].sum(), (capped * weight)[~target].sum()
    recall, precision = 1 - missed / target.sum(), (target.sum() - missed) / (target.sum() - missed + ghosts)
    return 2 * recall * precision / (recall + precision + EPS)


def test_weighted_f_slowly(small):
    probs, target, scores = small
    expected = weighted_f_slowly(as_8_bit(probs) / 255, target) if target.any() else 0.0
    assert scores.weighted_f == pytest.approx(expected, abs=1e-7)
