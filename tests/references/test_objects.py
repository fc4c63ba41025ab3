"""Scores of objects against StarDist's and Kirillov's formulas, torchmetrics, and the definitions, object by object."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from skimage.measure import label
from torchmetrics.detection import PanopticQuality

from limner.data.phantoms import phantom
from limner.metrics.object_counts import IOU_THRESHOLDS, ObjectCounts
from limner.metrics.objects import label_objects, object_counts, object_scores

SHAPE = (40, 48)
RANDOM = np.random.default_rng(0)


def discs(seed: int, n: int) -> np.ndarray:
    """Discs that cover one another, with numbers in no order and with gaps."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, dtype=np.int32)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for number in rng.permutation(3 * n)[:n]:
        row, column, radius = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1]), rng.uniform(1, 7)
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number + 1
    return labels


def one_pixel(row: int, column: int) -> np.ndarray:
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[row, column] = 9
    return labels


MAPS = {
    "many": discs(1, 40),
    "moved": np.roll(discs(1, 40), 1, axis=1),
    "grown": np.where(discs(1, 40) > 0, discs(1, 40), np.roll(discs(1, 40), 1, axis=0)),
    "others": discs(2, 25),
    "noise": RANDOM.integers(0, 6, SHAPE).astype(np.int32),
    "empty": np.zeros(SHAPE, dtype=np.int32),
    "full": np.full(SHAPE, 3, dtype=np.int32),
    "pixel": one_pixel(3, 4),
    "corner": one_pixel(39, 47),
}
PAIRS = [pytest.param(MAPS[a], MAPS[b], id=f"{a}-{b}") for a, b in itertools.product(MAPS, MAPS)]


@st.composite
def few_pixels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Maps so small that ties, and IoUs of exactly 0.5, are common."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    numbers = arrays(np.int32, shape, elements=st.integers(0, 4))
    return draw(numbers), draw(numbers)


def parts(labels: np.ndarray) -> list[np.ndarray]:
    return [labels == number for number in sorted(set(labels.ravel().tolist()) - {0})]


def ious(preds: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(true, predicted)."""
    table = [[(t & p).sum() / (t | p).sum() for p in parts(preds)] for t in parts(target)]
    return np.array(table).reshape(len(parts(target)), len(parts(preds)))


def stardist(preds: np.ndarray, target: np.ndarray, threshold: float) -> dict[str, float]:
    """The best assignment at a threshold and what StarDist computes from it."""
    scores = ious(preds, target)
    n_true, n_pred = scores.shape
    found, total = 0, 0.0
    if scores.size:
        pairs = linear_sum_assignment(-(scores >= threshold).astype(float) - scores / (2 * min(scores.shape)))
        kept = scores[pairs][scores[pairs] >= threshold]
        found, total = len(kept), float(kept.sum())
    fp, fn = n_pred - found, n_true - found
    return {
        "tp": found,
        "precision": found / (found + fp) if found else 0.0,
        "recall": found / (found + fn) if found else 0.0,
        "accuracy": found / (found + fp + fn) if found else 0.0,
        "f1": 2 * found / (2 * found + fp + fn) if found else 0.0,
        "panoptic_quality": total / (found + fp / 2 + fn / 2) if found else 0.0,
        "matched_iou": total,
    }


def agrees_with_stardist(preds: np.ndarray, target: np.ndarray) -> None:
    c = object_counts(preds, target)
    theirs = [stardist(preds, target, threshold) for threshold in IOU_THRESHOLDS]
    assert (c.true, c.predicted) == (len(parts(target)), len(parts(preds)))
    assert c.matched == tuple(at["tp"] for at in theirs)
    assert c.matched_iou == pytest.approx(theirs[0]["matched_iou"], abs=1e-9)
    if not c.true + c.predicted:
        return
    scores = object_scores(c)
    for ours, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1")):
        assert scores[f"object_{ours}"] == pytest.approx(theirs[0][name], abs=1e-12)
    assert scores["panoptic_quality"] == pytest.approx(theirs[0]["panoptic_quality"], abs=1e-9)
    assert scores["object_ap"] == pytest.approx(math.fsum(at["accuracy"] for at in theirs) / 10, abs=1e-12)


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_the_best_assignment_agrees(preds: np.ndarray, target: np.ndarray) -> None:
    agrees_with_stardist(preds, target)


@settings(max_examples=150)
@given(few_pixels())
def test_the_best_assignment_agrees_where_pairs_tie(maps: tuple[np.ndarray, np.ndarray]) -> None:
    agrees_with_stardist(*maps)


def aggregated_jaccard(preds: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Algorithm 1 of Kumar et al. Of predicted objects that tie, the larger intersection goes first, then the earlier begin."""
    predicted = parts(preds)
    used: set[int] = set()
    intersection = union = 0
    for true in parts(target):
        ranked = []
        for j, part in enumerate(predicted):
            shared = int((true & part).sum())
            if shared:
                ranked.append((Fraction(shared, int((true | part).sum())), shared, -int(np.flatnonzero(part)[0]), j))
        if not ranked:
            union += int(true.sum())
            continue
        best = max(ranked)[3]
        intersection += int((true & predicted[best]).sum())
        union += int((true | predicted[best]).sum())
        used.add(best)
    return intersection, union + sum(int(part.sum()) for j, part in enumerate(predicted) if j not in used)


@pytest.mark.parametrize(("preds", "target"), PAIRS)
def test_the_aggregated_jaccard_index_agrees_with_the_published_algorithm(preds: np.ndarray, target: np.ndarray) -> None:
    c = object_counts(preds, target)
    assert (c.aji_intersection, c.aji_union) == aggregated_jaccard(preds, target)


@settings(max_examples=150)
@given(few_pixels())
def test_the_aggregated_jaccard_index_agrees_where_pairs_tie(maps: tuple[np.ndarray, np.ndarray]) -> None:
    c = object_counts(*maps)
    assert (c.aji_intersection, c.aji_union) == aggregated_jaccard(*maps)


def as_segments(labels: np.ndarray) -> torch.Tensor:
    """(1, H, W, [category, instance]): the background is category 0, all objects are of category 1."""
    return torch.from_numpy(np.stack([labels > 0, labels], axis=-1)[None].astype(np.int64))


def torchmetrics_agrees(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    theirs = PanopticQuality(things={1}, stuffs={0}, return_per_class=True)
    for preds, target in pairs:
        theirs.update(as_segments(preds), as_segments(target))
    pooled = sum((object_counts(*pair) for pair in pairs), ObjectCounts())
    assert object_scores(pooled)["panoptic_quality"] == pytest.approx(float(theirs.compute()[0, 0]), abs=1e-6)


@pytest.mark.parametrize("other", ["many", "moved", "others", "pixel", "corner", "full"])
def test_torchmetrics_agrees_on_the_panoptic_quality(other: str) -> None:
    pair = MAPS[other], MAPS["many"]
    assert not (ious(*pair) == 0.5).any()  # which it would not count
    torchmetrics_agrees([pair])


def test_torchmetrics_agrees_on_the_panoptic_quality_of_several_images() -> None:
    torchmetrics_agrees([(MAPS["moved"], MAPS["many"]), (MAPS["many"], MAPS["others"]), (MAPS["full"], MAPS["pixel"])])


def test_an_iou_of_exactly_a_half_counts_here_and_not_for_torchmetrics() -> None:
    target, preds = MAPS["empty"].copy(), MAPS["empty"].copy()
    target[2:4, 2:8], preds[2:4, 2:5] = 1, 1
    target[9, :], preds[9, :] = 2, 2
    theirs = PanopticQuality(things={1}, stuffs={0}, return_per_class=True)(as_segments(preds), as_segments(target))
    assert float(theirs[0, 0]) == pytest.approx(1 / 2)
    assert object_scores(object_counts(preds, target))["panoptic_quality"] == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize("mask", [RANDOM.random(SHAPE) < share for share in (0.1, 0.4, 0.6)] + [phantom("nuclei", 3, (64, 64)).mask])
def test_components_are_those_of_scikit_image(mask: np.ndarray) -> None:
    ours, theirs = label_objects(mask), label(mask, connectivity=2)
    assert ours.max() == theirs.max() == len(set(zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True))) - 1
    assert ((ours > 0) == mask).all()
