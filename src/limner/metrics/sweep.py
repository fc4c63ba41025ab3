"""Counts at many thresholds from one pass over the pixels.

Each pixel falls into a bin between two neighbouring thresholds; the number of pixels at or above a threshold is then a sum of bins. The
threshold's meaning is the model file's, everywhere in limner: a pixel is foreground when `probs >= threshold`, both in float32. (In
float64 the two would differ: the float32 nearest to 0.7 lies below 0.7.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.metrics.counts import Counts, check_inside, check_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.types import MaskArray, ProbArray

THRESHOLDS: tuple[float, ...] = tuple(step / 100 for step in range(1, 100))


def binarise(probs: ProbArray, threshold: float) -> MaskArray:
    """The mask at a threshold: `probs >= threshold`, compared in float32 as the model file does.

    Args:
        probs: Probabilities, float32 (H, W), in [0, 1].
        threshold: In [0, 1]. At 0 everything is foreground.

    Raises:
        TypeError: `probs` is not float32.

    Example:
        >>> binarise(np.array([[0.1, 0.7]], dtype=np.float32), 0.7)
        array([[False,  True]])
    """
    check_probs(probs)
    return probs >= np.float32(threshold)


def sweep_counts(
    probs: ProbArray, target: MaskArray, thresholds: Sequence[float] = THRESHOLDS, inside: MaskArray | None = None
) -> list[Counts]:
    """Counts at each threshold; equal to `count(binarise(probs, t), target, inside)` for each `t`, in one pass.

    Args:
        probs: Probabilities, float32 (H, W), in [0, 1].
        target: The true mask, bool, of the same shape.
        thresholds: Any number of them, in any order.
        inside: The field of view, bool, of the same shape; pixels outside are not counted. None counts all of them.

    Returns:
        One `Counts` for each threshold, in their order.

    Raises:
        TypeError: `probs` is not float32, or `target` or `inside` not bool.
        ValueError: The shapes differ, or a probability or threshold is NaN.

    Example:
        >>> probs, target = np.array([[0.2, 0.6, 0.9]], dtype=np.float32), np.array([[False, False, True]])
        >>> sweep_counts(probs, target, [0.5, 0.8])
        [Counts(tp=1, fp=1, fn=0, tn=1), Counts(tp=1, fp=0, fn=0, tn=2)]
    """
    check_probs(probs)
    check_target(probs.shape, target)
    if inside is not None:
        check_inside(inside, target.shape)
        probs, target = probs[inside], target[inside]
    edges = np.asarray(thresholds, dtype=np.float32)
    if np.isnan(edges).any() or np.isnan(probs).any():
        raise ValueError("a probability or a threshold is NaN")
    edges, place = np.unique(edges, return_inverse=True)
    # The bin of a pixel is the number of thresholds that it reaches, so that `probs >= edges[k]` is the same as `bin > k`.
    bins = np.searchsorted(edges, probs.ravel(), side="right")
    histogram = np.bincount(2 * bins + target.ravel(), minlength=2 * (len(edges) + 1)).reshape(-1, 2)
    reached = histogram[::-1].cumsum(axis=0)[::-1][1:]  # (thresholds, [background, foreground])
    background, foreground = (int(pixels) for pixels in histogram.sum(axis=0))
    return [Counts(tp, fp, foreground - tp, background - fp) for fp, tp in reached[place].tolist()]


def check_probs(probs: ProbArray) -> None:
    """Raise unless `probs` is float32, in which thresholds are compared everywhere."""
    if probs.dtype != np.float32:
        raise TypeError(f"probs must be float32, not {probs.dtype}")
