"""How much an image asks to be looked at by a person, from what the model itself says of it; the truth plays no part.

The score is one minus the soft Dice confidence, which foretells the Dice of the mask where the probabilities are calibrated.

Source: Borges et al., Soft Dice Confidence: A Near-Optimal Confidence Estimator for Selective Prediction in Semantic Segmentation,
arXiv:2402.10665, 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.metrics.sweep import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from limner.types import MaskArray, ProbArray


def review_score(probs: ProbArray, mask: MaskArray) -> float:
    """How doubtful a mask is: 0 where the model is sure of every pixel, towards 1 where it is sure of none.

    It is 1 - 2 Σ p m / Σ (p + m). Of an empty mask that would always be 1; there it is the largest probability, which is what
    the model would have to be wrong about.

    Args:
        probs: Probabilities, float32 (H, W), in [0, 1].
        mask: The mask that was made of them, bool, of the same shape.

    Returns:
        In [0, 1].

    Example:
        >>> sure, unsure = np.array([[0.0, 1.0]], np.float32), np.array([[0.25, 0.75]], np.float32)
        >>> review_score(sure, sure >= 0.5), review_score(unsure, unsure >= 0.5), review_score(unsure, unsure >= 0.9)
        (0.0, 0.25, 0.75)
    """
    inside = probs[mask]
    if not inside.size:
        return float(probs.max(initial=0.0))
    return _doubt(float(inside.sum(dtype=np.float64)), inside.size, float(probs.sum(dtype=np.float64)))


def sweep_review(probs: ProbArray, thresholds: Sequence[float] = THRESHOLDS) -> list[float]:
    """`review_score` of the mask at each threshold, in one pass.

    Args:
        probs: Probabilities, float32 (H, W), in [0, 1].
        thresholds: In any order.

    Example:
        >>> sweep_review(np.array([[0.25, 0.75]], np.float32), [0.5, 0.9])
        [0.25, 0.75]
    """
    edges, place = np.unique(np.asarray(thresholds, dtype=np.float32), return_inverse=True)
    flat = probs.ravel()
    bins = np.searchsorted(edges, flat, side="right")  # the number of thresholds that a pixel reaches, as in `sweep_counts`
    pixels, sums = _from_above(np.bincount(bins, minlength=len(edges) + 1)), _from_above(np.bincount(bins, flat, len(edges) + 1))
    largest, total = float(flat.max(initial=0.0)), float(sums[0])
    return [_doubt(float(sums[k]), int(pixels[k]), total) if pixels[k] else largest for k in place + 1]


def _from_above(values: NDArray[np.float64] | NDArray[np.intp]) -> NDArray[np.float64]:
    """Of each bin, the sum of it and all above."""
    return values[::-1].cumsum(dtype=np.float64)[::-1]


def _doubt(inside: float, size: int, total: float) -> float:
    """From the sum of the probabilities in the mask, the mask's pixels, and the sum of all probabilities."""
    return max(0.0, 1 - 2 * inside / (total + size))
