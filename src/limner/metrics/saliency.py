"""The measures of the polyp literature's tables, as PraNet's MATLAB script `eval/main.m` computes them from a predicted map.

Use them to stand beside those tables, and for nothing else: Dice and IoU there are means over 256 thresholds, which nobody applies. A
prediction becomes what that script reads, an 8-bit image: stretched so that its lowest value is 0 and its highest 255, and rounded. (A
prediction of one value throughout is not stretched.) The threshold runs over 1, 254/255, ... 0. All measures but the weighted F-measure
then follow from histograms of 256 levels, of the foreground and the background in each quarter of the image.

What the originals do where there is little to measure is kept, however odd:

* **Empty target**: Dice and IoU are 0 at every threshold and the weighted F-measure is 0, even for an empty prediction. The S-measure is 1
  minus the prediction's mean, the E-measure the share of the pixels that is left alone.
* **Full target**: the S-measure is the prediction's mean, the E-measure the share of the pixels that is found.
* **Empty prediction**: the adaptive threshold, twice the mean, is 0, and so everything is foreground.
* The E-measure is a sum over n pixels, divided by n - 1: a perfect one is a hair above 1.

Where implementations differ, the script is followed. For Dice and IoU it takes a pixel for foreground from the threshold on, but for the
E-measure only above it (PySODMetrics and other ports in Python: from the threshold on in both, which shifts that curve by one level, and
its mean where the target is empty or full). A centroid halfway between two pixels is rounded up (PySODMetrics: to even). Two cases have
no value there: the weighted F-measure of an empty target is 0 here, as in PySODMetrics, and a quarter of the image that holds no pixels,
whose weight is 0, adds nothing to the S-measure (PySODMetrics: NaN).

Sources: Fan et al., PraNet, MICCAI 2020; Fan et al., Structure-measure, ICCV 2017 (alpha 0.5); Fan et al., Enhanced-alignment measure,
IJCAI 2018; Margolin et al., How to evaluate foreground maps?, CVPR 2014 (beta 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from limner.metrics.counts import check_target
from limner.metrics.sweep import check_probs

if TYPE_CHECKING:
    from limner.types import MaskArray, ProbArray

Levels: TypeAlias = NDArray[np.uint8]  # (H, W), a prediction as an 8-bit image
Pixels: TypeAlias = NDArray[np.int64]  # how many there are
Curve: TypeAlias = NDArray[np.float64]  # (256,), a score at each of PRANET_THRESHOLDS

PRANET_THRESHOLDS: tuple[float, ...] = tuple(level / 255 for level in range(255, -1, -1))
_EPS = float(np.finfo(np.float64).eps)
_REACH = 3  # of the weighted F-measure's smoothing, in pixels
_SIGMA = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyScores:
    """How the prediction of one image does by the measures of the polyp literature.

    The tables' Dice and IoU are `dice.mean()` and `iou.mean()`, averaged over images; their mean E-measure is that of `e_measure`. Their
    max E-measure is the highest point of the average of the images' curves.

    Attributes:
        mae: Mean absolute error, in [0, 1].
        s_measure: Structural similarity of object and region, in [0, 1].
        weighted_f: F-measure in which an error weighs by where it lies, in [0, 1].
        e_measure_adaptive: E-measure at twice the prediction's mean.
        dice: Dice coefficient at each of `PRANET_THRESHOLDS`, 1 first: float64 (256,), in [0, 1].
        iou: Intersection over union, likewise.
        e_measure: Enhanced-alignment measure, likewise, in [0, n / (n - 1)].
    """

    mae: float
    s_measure: float
    weighted_f: float
    e_measure_adaptive: float
    dice: Curve
    iou: Curve
    e_measure: Curve


def saliency_scores(probs: ProbArray, target: MaskArray) -> SaliencyScores:
    """Every measure of the polyp literature's tables, for one image.

    Args:
        probs: Probabilities, float32 (H, W), in [0, 1]. Stretched to that range, see above.
        target: The true mask, bool, of the same shape.

    Raises:
        TypeError: `probs` is not float32, or `target` not bool.
        ValueError: The shapes differ, there are no pixels, or a probability is NaN or outside [0, 1].

    Example:
        >>> target = np.array([[False, True], [False, True]])
        >>> scores = saliency_scores(target.astype(np.float32), target)
        >>> scores.mae, scores.weighted_f, round(float(scores.dice.mean()), 4)  # at threshold 0 everything is foreground: 2/3
        (0.0, 1.0, 0.9987)
    """
    check_probs(probs)
    check_target(probs.shape, target)
    levels = _as_8_bit(probs)
    quarters = _histograms(levels, target)
    whole = quarters.sum(axis=0)
    above = _above(whole)
    return SaliencyScores(
        mae=_mae(whole),
        s_measure=_s_measure(quarters),
        weighted_f=_weighted_f(levels, target),
        e_measure_adaptive=float(_e_measure(above[:, _adaptive_level(whole), None], whole)[0]),
        dice=_dice_curve(above, whole),
        iou=_iou_curve(above, whole),
        e_measure=_e_measure(above[:, :0:-1], whole),
    )


# ------------------------------------------------------------------------------------------------------------------ histograms


def _as_8_bit(probs: ProbArray) -> Levels:
    """The prediction as the script's 8-bit image: stretched to 0 ... 255, unless it has one value only."""
    if not probs.size:
        raise ValueError("there are no pixels to measure")
    low, high = float(probs.min()), float(probs.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(f"probabilities must be in [0, 1], not {low} to {high}")
    if low == high:
        low, high = 0.0, 1.0
    return np.rint((probs.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)


def _histograms(levels: Levels, target: MaskArray) -> Pixels:
    """How many pixels have each level: (quarter, [background, foreground], 256); the quarters meet at the target's centroid."""
    codes = levels.astype(np.intp)
    codes += 256 * target
    y, x = _centroid(target)
    quarters = codes[:y, :x], codes[:y, x:], codes[y:, :x], codes[y:, x:]
    return np.stack([np.bincount(part.ravel(), minlength=512).reshape(2, 256) for part in quarters]).astype(np.int64)


def _centroid(target: MaskArray) -> tuple[int, int]:
    """Rows and columns up to and including the centroid, halves rounded up; (0, 0) of an empty target."""
    rows, columns = np.count_nonzero(target, axis=1), np.count_nonzero(target, axis=0)
    area = max(int(rows.sum()), 1)
    moments = (int(rows @ np.arange(1, rows.size + 1)), int(columns @ np.arange(1, columns.size + 1)))
    return (2 * moments[0] + area) // (2 * area), (2 * moments[1] + area) // (2 * area)


def _above(whole: Pixels) -> Pixels:
    """How many pixels have at least the level 0, 1, ... 256: ([background, foreground], 257)."""
    return np.pad(whole[:, ::-1].cumsum(axis=1)[:, ::-1], ((0, 0), (0, 1)))


def _adaptive_level(whole: Pixels) -> int:
    """The lowest level that is foreground at the adaptive threshold, twice the mean or 1."""
    total, levels = int(whole.sum()), int(whole.sum(axis=0) @ np.arange(256))
    return min(-(-2 * levels // total), 255)


# ------------------------------------------------------------------------------------------------------------------ curves


def _dice_curve(above: Pixels, whole: Pixels) -> Curve:
    found, predicted = above[1, 255::-1], above[:, 255::-1].sum(axis=0)
    return np.asarray(2 * found / np.maximum(predicted + whole[1].sum(), 1))


def _iou_curve(above: Pixels, whole: Pixels) -> Curve:
    found, ghosts = above[1, 255::-1], above[0, 255::-1]
    return np.asarray(found / np.maximum(ghosts + whole[1].sum(), 1))


def _e_measure(predicted: Pixels, whole: Pixels) -> Curve:
    """The E-measure of masks that hold `predicted` pixels of background and foreground: ([background, foreground], masks) -> (masks,)."""
    total, ghosts, found = int(whole.sum()), predicted[0], predicted[1]
    background, foreground = (int(pixels) for pixels in whole.sum(axis=1))
    if not foreground:
        aligned = np.asarray(total - ghosts, dtype=np.float64)
    elif not background:
        aligned = np.asarray(found, dtype=np.float64)
    else:
        share_predicted, share_true = (ghosts + found) / total, foreground / total
        aligned = (
            found * _alignment(1 - share_predicted, 1 - share_true)
            + ghosts * _alignment(1 - share_predicted, -share_true)
            + (foreground - found) * _alignment(-share_predicted, 1 - share_true)
            + (background - ghosts) * _alignment(-share_predicted, -share_true)
        )
    return aligned / max(total - 1, 1)


def _alignment(prediction: Curve, truth: float) -> Curve:
    """Fan 2018, equations 3 to 5, of a pixel that differs from the mean of its mask by so much."""
    return (2 * prediction * truth / (prediction**2 + truth**2 + _EPS) + 1) ** 2 / 4


# ------------------------------------------------------------------------------------------------------------------ single numbers


def _mae(whole: Pixels) -> float:
    error = int(whole[0] @ np.arange(256)) + int(whole[1] @ np.arange(255, -1, -1))
    return error / (255 * int(whole.sum()))


class _Moments(NamedTuple):
    """Sums over some pixels, in whole numbers, so that what is constant has a variance of exactly 0."""

    n: int
    level: int
    square: int

    @classmethod
    def of(cls, histogram: Pixels) -> _Moments:
        levels = np.arange(256)
        return cls(int(histogram.sum()), int(histogram @ levels), int(histogram @ levels**2))

    @property
    def mean(self) -> float:
        return self.level / (255 * self.n)

    @property
    def variance(self) -> float:
        return _per_pixel(self.n * self.square - self.level**2, self.n) / 255**2


def _per_pixel(moment: int, n: int) -> float:
    """A central moment of n pixels, given as n times their sum, over n - 1."""
    return moment / (n * max(n - 1, 1))


def _s_measure(quarters: Pixels) -> float:
    """Fan 2017, equation 1."""
    whole = quarters.sum(axis=0)
    background, foreground = _Moments.of(whole[0]), _Moments.of(whole[1])
    if not foreground.n:
        return 1 - background.mean
    if not background.n:
        return foreground.mean
    total = foreground.n + background.n
    found = foreground.n * _object_similarity(foreground.mean, foreground.variance)
    left = background.n * _object_similarity(1 - background.mean, background.variance)
    regions = sum(int(quarter.sum()) * _region_similarity(quarter) for quarter in quarters if quarter.any())
    return max(0.0, (found + left + regions) / (2 * total))


def _object_similarity(mean: float, variance: float) -> float:
    return 2 * mean / (mean**2 + 1 + math.sqrt(variance) + _EPS)


def _region_similarity(quarter: Pixels) -> float:
    """Structural similarity of prediction and target in a quarter of the image, in [-1, 1]."""
    everywhere, inside = _Moments.of(quarter.sum(axis=0)), _Moments.of(quarter[1])
    n, area = everywhere.n, inside.n
    covariance = _per_pixel(n * inside.level - everywhere.level * area, n) / 255
    numerator = 4 * everywhere.mean * (area / n) * covariance
    denominator = (everywhere.mean**2 + (area / n) ** 2) * (everywhere.variance + _per_pixel(n * area - area**2, n))
    if numerator:
        return numerator / (denominator + _EPS)
    return 0.0 if denominator else 1.0


def _weighted_f(levels: Levels, target: MaskArray) -> float:
    """Margolin 2014, equations 9 to 13."""
    area = int(np.count_nonzero(target))
    if not area:
        return 0.0
    missed = _missed(levels, target)
    ghosts = float(((levels / 255) * _weight(target))[~target].sum())
    recall = 1 - missed / area
    precision = (area - missed) / (area - missed + ghosts + _EPS)
    return 2 * recall * precision / (recall + precision + _EPS)


def _missed(levels: Levels, target: MaskArray) -> float:
    """Sum of the foreground's errors, each at most as large as the errors around it, so that scattered ones weigh less."""
    from scipy.ndimage import distance_transform_edt  # takes longer to import than all the rest

    box = _surroundings(target)
    inside = target[box]
    error = np.abs(levels[box] / 255 - inside)
    # Outside of the foreground the error of the nearest foreground pixel stands in.
    nearest = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    kernel = cv2.getGaussianKernel(2 * _REACH + 1, _SIGMA, cv2.CV_64F)
    smoothed = cv2.sepFilter2D(error[tuple(nearest)], cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    return float(np.minimum(error, smoothed)[inside].sum())


def _surroundings(target: MaskArray) -> tuple[slice, slice]:
    """The part of the image from which the smoothing sees foreground."""
    return _around(np.flatnonzero(target.any(axis=1))), _around(np.flatnonzero(target.any(axis=0)))


def _around(at: NDArray[np.intp]) -> slice:
    return slice(max(int(at[0]) - _REACH, 0), int(at[-1]) + _REACH + 1)


def _weight(target: MaskArray) -> NDArray[np.float32]:
    """Of an error in the background: from 1 at the foreground's edge to 2 far from it, halfway at 5 pixels."""
    distance = cv2.distanceTransform((~target).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(2 - np.exp(distance * np.float32(math.log(0.5) / 5)))
