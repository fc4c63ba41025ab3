"""Intervals of scores that are computed over the pixels of all images: how far they move when the images are drawn anew.

For that the pixels of each image are kept apart, in a histogram of 512 logits, each of eight bins of `LogitHistogram`. What is lost by
that is taken off again: the interval is moved by the difference between the score of all images so computed and their own, but not
beyond 0 and 1, between which all these scores lie. Where all probabilities are nearly the same, as those of a network that has learnt
nothing, so few logits are left that ranks mean nothing, and there is no interval of what is made of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from limner.metrics.probability import BINS, ECE_BINS, LOGIT_LIMIT
from limner.metrics.statistics import interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.metrics.probability import LogitHistogram
    from limner.metrics.statistics import Interval, Weights

CoarseHistogram: TypeAlias = NDArray[np.int32]  # (512, 2), background and foreground

_COARSE = 512
_PROBS = expit((np.arange(_COARSE) + 0.5) * (2 * LOGIT_LIMIT / _COARSE) - LOGIT_LIMIT)
_IN_BIN = np.eye(ECE_BINS)[np.minimum((_PROBS * ECE_BINS).astype(np.intp), ECE_BINS - 1)]  # (512, 15)
_BLOCK = 100  # resamples at a time
_OF_RANKS = ("roc_auc", "average_precision")
_FEWEST = 16  # logits with pixels, below which ranks are too coarse


def coarse(logits: LogitHistogram) -> CoarseHistogram:
    """The pixels of one image in wider bins."""
    wide: CoarseHistogram = logits.counts.reshape(_COARSE, BINS // _COARSE, 2).sum(axis=1).astype(np.int32)
    return wide


def pooled_prob_intervals(
    images: NDArray[np.int32], weights: Weights, values: Mapping[str, float], *, level: float = 0.95
) -> dict[str, Interval]:
    """Interval of each pooled score of probabilities.

    Args:
        images: One histogram for each image, (n, 512, 2).
        weights: From `limner.metrics.statistics.resample`, (B, n).
        values: The scores of all images together; any of ROC AUC, average precision, Brier score and calibration error.
        level: Share of the resamples that an interval holds.
    """
    flat = images.reshape(len(images), -1).astype(np.float64)
    blocks = np.array_split(weights, max(1, len(weights) // _BLOCK))
    drawn = [_scores((block.astype(np.float64) @ flat).reshape(-1, _COARSE, 2)) for block in blocks]
    whole = _scores(images.sum(axis=0, dtype=np.float64)[None])
    found = {}
    for name, value in values.items():
        low, high = interval(np.concatenate([block[name] for block in drawn]), level)
        shift = value - float(whole[name][0])
        found[name] = (_bounded(low + shift), _bounded(high + shift))
    if np.count_nonzero(images.any(axis=(0, 2))) < _FEWEST:
        found |= {name: (math.nan, math.nan) for name in _OF_RANKS if name in found}
    return found


def _bounded(value: float) -> float:
    return value if math.isnan(value) else min(1.0, max(0.0, value))


def _scores(tables: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The scores of several histograms (B, 512, 2), by the formulas of `limner.metrics.probability`; NaN where a class is absent."""
    background, foreground = tables[..., 0], tables[..., 1]
    both = background + foreground
    total, negatives, positives = both.sum(axis=1), background.sum(axis=1), foreground.sum(axis=1)
    below = np.cumsum(background, axis=1) - background / 2
    found = np.cumsum(foreground[:, ::-1], axis=1) / np.maximum(np.cumsum(both[:, ::-1], axis=1), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "roc_auc": (foreground * below).sum(axis=1) / (negatives * positives),
            "average_precision": np.where(negatives > 0, (foreground[:, ::-1] * found).sum(axis=1) / positives, np.nan),
            "brier": (background @ _PROBS**2 + foreground @ (1 - _PROBS) ** 2) / total,
            "ece": np.abs((both * _PROBS - foreground) @ _IN_BIN).sum(axis=1) / total,
        }
