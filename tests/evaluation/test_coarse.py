"""Intervals of pooled scores of probabilities, against scores of the pixels that were drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limner.evaluation.coarse import coarse, pooled_prob_intervals
from limner.metrics.probability import LogitHistogram
from limner.metrics.statistics import resample

RNG = np.random.default_rng(0)
MASKS = [RNG.random((40, 40)) < share for share in (0.1, 0.3, 0.5, 0.2, 0.4)]
PROBS = [np.clip(0.3 * mask + RNG.normal(0.35, 0.2, mask.shape), 0.001, 0.999).astype(np.float32) for mask in MASKS]
IMAGES = [LogitHistogram.of(probs, mask) for probs, mask in zip(PROBS, MASKS, strict=True)]
NAMES = ("roc_auc", "average_precision", "brier", "ece")


def scores(images: list[LogitHistogram]) -> dict[str, float]:
    whole = sum(images[1:], images[0])
    return {name: getattr(whole, name)() for name in NAMES}


def test_an_interval_is_that_of_the_images_drawn() -> None:
    weights = resample(len(IMAGES), resamples=150)
    drawn = [scores([IMAGES[i] for i, times in enumerate(row) for _ in range(times)]) for row in weights]
    found = pooled_prob_intervals(np.stack([coarse(image) for image in IMAGES]), weights, scores(IMAGES))
    for name in NAMES:
        expected = np.quantile([sample[name] for sample in drawn], [0.025, 0.975])
        assert found[name] == pytest.approx(tuple(expected), abs=2e-3), name


def test_resamples_without_a_class_are_left_out() -> None:
    empty = LogitHistogram.of(PROBS[0], np.zeros_like(MASKS[0]))
    images = [IMAGES[0], empty]
    found = pooled_prob_intervals(np.stack([coarse(image) for image in images]), resample(2, resamples=50), scores(images))
    assert all(not math.isnan(end) for end in (*found["roc_auc"], *found["average_precision"], *found["brier"]))
    nothing = [empty, empty]
    found = pooled_prob_intervals(np.stack([coarse(image) for image in nothing]), resample(2, resamples=50), scores(nothing))
    assert all(math.isnan(end) for end in (*found["roc_auc"], *found["average_precision"]))


def test_no_interval_reaches_beyond_what_a_score_can_be() -> None:
    """All scores of the images are perfect, and the coarse ones are a little less: the shift must not lift the upper end above 1."""
    rng = np.random.default_rng(0)
    masks = [rng.random((64, 64)) < 0.3 for _ in range(12)]
    logits = [(2.0 * mask - 1) * 0.8 + rng.normal(0, 0.2, mask.shape) for mask in masks]
    images = [LogitHistogram.of((1 / (1 + np.exp(-z))).astype(np.float32), mask) for z, mask in zip(logits, masks, strict=True)]
    found = pooled_prob_intervals(np.stack([coarse(image) for image in images]), resample(12), scores(images))
    assert all(0 <= low <= high <= 1 for low, high in found.values())


def test_probabilities_that_are_nearly_all_the_same_have_no_interval_of_ranks() -> None:
    probs = [np.clip(0.58 + 0.002 * image, 0.578, 0.584).astype(np.float32) for image in PROBS]
    images = [LogitHistogram.of(one, mask) for one, mask in zip(probs, MASKS, strict=True)]
    found = pooled_prob_intervals(np.stack([coarse(image) for image in images]), resample(len(images), resamples=50), scores(images))
    assert all(math.isnan(end) for end in (*found["roc_auc"], *found["average_precision"]))
    assert not any(math.isnan(end) for end in (*found["brier"], *found["ece"]))
