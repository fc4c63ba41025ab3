"""Probabilities -> scores that need no threshold, and the histogram from which those of whole data sets are computed.

`roc_auc`, `average_precision`, `soft_dice` and `brier` are exact, of one image or of any pixels: for those inside a field of view alone,
pass `probs[inside]` and `target[inside]`. Over a data set the pixels are too many to sort. There `LogitHistogram` keeps how many of each
class have which logit; the histograms of all images add up, and every curve and score of probabilities follows from the sum, for any
temperature.

Sources: Brier, Monthly Weather Review 78:1-3, 1950; Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI
2015 (expected calibration error); Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (its use, temperature scaling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from limner.metrics.counts import Counts, check_inside, check_target
from limner.metrics.region import EmptyRule
from limner.metrics.region import dice as dice_of_counts
from limner.metrics.sweep import check_probs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import MaskArray, ProbArray

Pixels: TypeAlias = "NDArray[np.int64]"
Curve: TypeAlias = list[tuple[float, float]]

BINS = 4096
LOGIT_LIMIT = 16.0  # beyond it, logits are taken for it
ECE_BINS = 15
_WIDTH = 2 * LOGIT_LIMIT / BINS
_CENTRES = (np.arange(BINS) + 0.5) * _WIDTH - LOGIT_LIMIT
_TEMPERATURES = (0.05, 20.0)


def roc_auc(probs: ProbArray, target: MaskArray) -> float:
    """Area under the ROC curve: how often a pixel of the foreground has a higher probability than one of the background, ties as half.

    Args:
        probs: Probabilities, float32 in [0, 1], of any shape.
        target: The truth, bool, of the same shape.

    Returns:
        In [0, 1]; NaN where the target has one class only.

    Raises:
        TypeError: `probs` is not float32, or `target` not bool.
        ValueError: The shapes differ, or a probability is NaN or outside [0, 1].

    Example:
        >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8], dtype=np.float32), np.array([False, False, True, True]))
        0.75
    """
    return ranking_scores(probs, target)[0]


def average_precision(probs: ProbArray, target: MaskArray) -> float:
    """Mean of the precisions at each probability, weighted by the recall that it adds, with no interpolation; arguments as for `roc_auc`.

    Example:
        >>> round(average_precision(np.array([0.1, 0.4, 0.35, 0.8], dtype=np.float32), np.array([False, False, True, True])), 4)
        0.8333
    """
    return ranking_scores(probs, target)[1]


def ranking_scores(probs: ProbArray, target: MaskArray) -> tuple[float, float]:
    """`roc_auc` and `average_precision` of the same pixels, which are sorted once for both."""
    table = _sorted_table(probs, target)
    return (math.nan, math.nan) if table is None else (_roc_auc(*table), _average_precision(*table))


def soft_dice(probs: ProbArray, target: MaskArray, *, empty: EmptyRule = "one") -> float:
    """Dice of the probabilities themselves, 2 Σ p y / (Σ p + Σ y); of a mask's zeros and ones it is Dice.

    On an empty target it is 0 as soon as one probability is above 0, however little. Only where all are 0 has `empty` a say.

    Args:
        probs: Probabilities, float32 in [0, 1], of any shape.
        target: The truth, bool, of the same shape.
        empty: The rule for an empty target whose probabilities are all 0 (see `limner.metrics.region`).

    Raises:
        TypeError: `probs` is not float32, or `target` not bool.
        ValueError: The shapes differ, a probability is NaN or outside [0, 1], or the rule is unknown.

    Example:
        >>> soft_dice(np.array([0.25, 0.75], dtype=np.float32), np.array([False, True]))
        0.75
    """
    _check(probs, target)
    predicted, true = float(probs.sum(dtype=np.float64)), int(np.count_nonzero(target))
    if predicted + true == 0:
        return dice_of_counts(Counts(), empty=empty)
    return 2 * float(probs[target].sum(dtype=np.float64)) / (predicted + true)


def brier(probs: ProbArray, target: MaskArray) -> float:
    """Mean squared distance of the probabilities from the truth, in [0, 1]; 0 is best. Arguments as for `roc_auc`; NaN of no pixels.

    Example:
        >>> brier(np.array([0.25, 0.75], dtype=np.float32), np.array([False, True]))
        0.0625
    """
    _check(probs, target)
    distance = np.subtract(probs, target, dtype=np.float32)
    return float(np.square(distance, out=distance).mean(dtype=np.float64)) if distance.size else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class LogitHistogram:
    """How many pixels of each class have which logit. Histograms of several images add up with `+`.

    The logits, log(p / (1 - p)), are clipped to [-16, 16] (above lies what float32 rounds to 1) and fall into 4096 bins of width 1/128. All
    pixels of a bin are then taken to lie at its centre, which moves a probability by less than 0.001. Hence, against the pixels themselves:

    * `roc_auc` differs by at most half the share of pairs of foreground and background pixels that fall into one bin;
    * `average_precision` differs by at most the change of the precision across a bin, averaged with the recall that the bin adds as weight;
    * `brier` differs by less than 0.0012, and `nll` by less than 0.004 unless logits beyond 16 are wrong;
    * `ece` differs by less than 0.001, and twice the share of pixels in the bins through which an edge of its own bins passes.

    On real probability maps all of them come out far nearer, since the differences within a bin cancel.

    Attributes:
        counts: Pixels, int64 (4096, 2): background and foreground in each bin, the lowest logit first.
        temperature: Every logit is divided by it before it is made a probability (see `scaled`); 1 takes them as they are.

    Raises:
        ValueError: The counts have another shape, or the temperature is not above 0.

    Example:
        >>> probs, target = np.array([[0.1, 0.2, 0.9]], dtype=np.float32), np.array([[False, True, True]])
        >>> one = LogitHistogram.of(probs, target)
        >>> (one + one).total, (one + one).roc_auc(), round(one.brier(), 2)
        (6, 1.0, 0.22)
    """

    counts: Pixels = field(default_factory=lambda: np.zeros((BINS, 2), dtype=np.int64))
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.counts.shape != (BINS, 2):
            raise ValueError(f"counts must be of shape {(BINS, 2)}, not {self.counts.shape}")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be above 0, not {self.temperature}")

    @classmethod
    def of(cls, probs: ProbArray, target: MaskArray, inside: MaskArray | None = None) -> LogitHistogram:
        """The histogram of one image.

        Args:
            probs: Probabilities, float32 (H, W), in [0, 1].
            target: The true mask, bool, of the same shape.
            inside: The field of view, bool, of the same shape; pixels outside are left out. None takes all of them.

        Raises:
            TypeError: `probs` is not float32, or `target` or `inside` not bool.
            ValueError: The shapes differ, or a probability is NaN or outside [0, 1].
        """
        _check(probs, target)
        if inside is not None:
            check_inside(inside, target.shape)
            probs, target = probs[inside], target[inside]
        places = 2 * _bins(probs).ravel() + target.ravel()
        return cls(np.bincount(places, minlength=2 * BINS).reshape(BINS, 2))

    def __add__(self, other: LogitHistogram) -> LogitHistogram:
        if self.temperature != other.temperature:
            raise ValueError(f"histograms at two temperatures do not add up: {self.temperature} and {other.temperature}")
        return replace(self, counts=self.counts + other.counts)

    @property
    def total(self) -> int:
        """Number of pixels."""
        return int(self.counts.sum())

    def scaled(self, temperature: float) -> LogitHistogram:
        """The same pixels with every logit divided by `temperature` (once more): above 1 the probabilities move towards one half."""
        return replace(self, temperature=self.temperature * temperature)

    def roc_auc(self) -> float:
        """Area under the ROC curve of all pixels; no temperature changes it. NaN where one class is absent."""
        return _roc_auc(*self.counts.T) if self._has_both() else math.nan

    def average_precision(self) -> float:
        """Average precision of all pixels; no temperature changes it. NaN where one class is absent."""
        return _average_precision(*self.counts.T) if self._has_both() else math.nan

    def brier(self) -> float:
        """Brier score of all pixels; NaN of none."""
        probs = self._probs()
        return self._mean(probs**2, (1 - probs) ** 2)

    def nll(self, temperature: float = 1.0) -> float:
        """Negative log-likelihood: mean cross-entropy of a pixel, in nats; NaN of no pixels. `temperature` divides the logits once more."""
        logits = _CENTRES / (self.temperature * temperature)
        return self._mean(np.logaddexp(0, logits), np.logaddexp(0, -logits))

    def ece(self, bins: int = ECE_BINS) -> float:
        """Expected calibration error of the foreground's probability.

        The pixels are sorted into `bins` equally wide bins of their probability; of each bin, the distance between the mean probability and
        the share of foreground is taken, and averaged with the number of pixels as weight. In [0, 1], 0 is best; NaN of no pixels. (Guo et
        al. bin the confidence in the predicted class instead, which of two classes looks at the upper half alone.) Where most pixels are
        easy background the value is small whatever the model does at borders: compare it between models on the same images only.
        """
        distances = [n * abs(mean - share) for mean, share, n in self.reliability(bins)]
        return sum(distances) / self.total if distances else math.nan

    def reliability(self, bins: int = ECE_BINS) -> list[tuple[float, float, int]]:
        """(Mean probability, share of foreground, pixels) of each bin of the probability, the lowest first; empty bins are left out.

        Raises:
            ValueError: There is not one bin.
        """
        if bins < 1:
            raise ValueError(f"bins must be at least 1, not {bins}")
        probs, pixels = self._probs(), self.counts.sum(axis=1)
        place = np.minimum((probs * bins).astype(np.intp), bins - 1)
        n, expected, true = (np.bincount(place, weights, bins) for weights in (pixels, pixels * probs, self.counts[:, 1]))
        filled = n > 0
        columns = (expected[filled] / n[filled], true[filled] / n[filled], n[filled].astype(np.int64))
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def roc_points(self, n: int = 200) -> Curve:
        """At most `n` points (false-positive rate, true-positive rate) from (0, 0) to (1, 1); none where a class is absent."""
        if not self._has_both():
            return []
        reached = np.cumsum(self.counts[::-1], axis=0) / self.counts.sum(axis=0)
        return _thinned(np.vstack([np.zeros((1, 2)), reached]), n)

    def precision_recall_points(self, n: int = 200) -> Curve:
        """At most `n` points (recall, precision), recall rising to 1; none where a class is absent.

        The first is that of the highest probability that occurs: where nothing is predicted there is no precision.
        """
        if not self._has_both():
            return []
        reached = np.cumsum(self.counts[::-1], axis=0)
        reached = reached[reached.sum(axis=1) > 0]
        found = reached[:, 1]
        return _thinned(np.column_stack([found / found[-1], found / reached.sum(axis=1)]), n)

    def best_temperature(self) -> float:
        """The temperature, in [0.05, 20], at which the negative log-likelihood is least (Guo et al., section 4.2).

        Fitted on validation, never on the test part. 1 where one class is absent, since then there is nothing to calibrate on. Where the
        classes are separated without an error the least is at the lower end.
        """
        from scipy.optimize import minimize_scalar  # takes longer to import than all the rest

        if not self._has_both():
            return 1.0
        # Convex in 1 / T, so there is one minimum, and on the scale of log T it is as easily found below 1 as above.
        low, high = (math.log(end) for end in _TEMPERATURES)
        found = minimize_scalar(lambda log: self.nll(math.exp(log)), bounds=(low, high), method="bounded", options={"xatol": 1e-4})
        return float(math.exp(found.x))

    def _has_both(self) -> bool:
        return bool((self.counts.sum(axis=0) > 0).all())

    def _probs(self) -> NDArray[np.float64]:
        """The probability of each bin's centre."""
        probs: NDArray[np.float64] = np.exp(-np.logaddexp(0, -_CENTRES / self.temperature))
        return probs

    def _mean(self, of_background: NDArray[np.float64], of_foreground: NDArray[np.float64]) -> float:
        """Mean over all pixels of what each costs, given for either class and each bin."""
        total = self.total
        return float(self.counts[:, 0] @ of_background + self.counts[:, 1] @ of_foreground) / total if total else math.nan


def _check(probs: ProbArray, target: MaskArray) -> None:
    check_probs(probs)
    check_target(probs.shape, target)
    if probs.size and not (probs.min() >= 0 and probs.max() <= 1):  # also false of NaN
        raise ValueError("a probability is NaN or outside [0, 1]")


def _bins(probs: ProbArray) -> NDArray[np.intp]:
    """The bin of each probability's logit, computed in place on one copy."""
    with np.errstate(divide="ignore"):  # 0 and 1 have infinite logits, which are clipped
        logits = np.log(probs / (1 - probs))
    logits += np.float32(LOGIT_LIMIT)
    logits *= np.float32(1 / _WIDTH)
    bins: NDArray[np.intp] = np.clip(logits, 0, BINS - 1, out=logits).astype(np.intp)
    return bins


def _sorted_table(probs: ProbArray, target: MaskArray) -> tuple[Pixels, Pixels] | None:
    """Pixels of background and of foreground at each probability that occurs, the lowest first; None where one class is absent."""
    _check(probs, target)
    if not 0 < np.count_nonzero(target) < target.size:
        return None
    # Floats of one sign are ordered as their bits are, so probability and class fit into one integer, and no index need be sorted. `abs`
    # makes 0 of -0.
    keys = (np.abs(probs).ravel().view(np.uint32) << 1) | target.ravel()
    keys.sort()
    values = keys >> 1
    last = np.append(np.flatnonzero(values[1:] != values[:-1]), len(keys) - 1)
    reached = np.cumsum(keys & 1, dtype=np.int64)[last]
    foreground = np.diff(reached, prepend=0)
    return np.diff(last, prepend=-1) - foreground, foreground


def _roc_auc(background: Pixels, foreground: Pixels) -> float:
    below = np.cumsum(background) - background / 2
    # In float64, since products of the pixels of many images overflow int64.
    return float(foreground @ below) / (float(background.sum()) * float(foreground.sum()))


def _average_precision(background: Pixels, foreground: Pixels) -> float:
    found = np.cumsum(foreground[::-1])
    precision = found / np.maximum(found + np.cumsum(background[::-1]), 1)
    return float(foreground[::-1] @ precision / found[-1])


def _thinned(points: NDArray[np.float64], n: int) -> Curve:
    """At most `n` of the points, the first and the last among them, evenly spaced along the curve."""
    along = np.concatenate([[0.0], np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum()])
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], n)))
    kept = np.append(kept[:-1], len(points) - 1)
    return [(float(x), float(y)) for x, y in points[kept]]
