"""A learning-rate range test without the training: which rates are tried, and what follows from the losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_STEPS = 20
DIVERGED = 4.0  # times the lowest loss, as in fastai
_LAG = 0.9  # of the running mean by which divergence is noticed
_WINDOW = 3.0  # steps; standard deviation of the Gaussian window by which the curve is smoothed, for 100 steps
_RISE = 0.25  # of the whole fall: more than this above the lowest so far, and the fall is over
_LEAST_FALL = 0.02  # of the loss at the beginning: less is noise

RULES: Final = {
    "middle": "half way down, on the logarithmic axis",
    "steepest": "where the loss falls fastest",
    "minimum/10": "a tenth of the rate at which the loss is lowest",
}
RECOMMENDED: Final = "middle"  # it depends on two crossings of the curve, the others on one noisy place each


@dataclass(frozen=True, slots=True)
class Ramp:
    """Learning rates that grow by the same factor from step to step.

    Attributes:
        low: The first.
        high: The last.
        steps: How many.

    Raises:
        ValueError: There is no such ramp; with a message for the user.

    Example:
        >>> [f"{rate:.2g}" for rate in Ramp(1e-4, 1e-2, 21).rates[::10]]
        ['0.0001', '0.001', '0.01']
    """

    low: float = 1e-7
    high: float = 10.0
    steps: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"the learning rate has to rise from more than 0, and not from {self.low:g} to {self.high:g}")
        if self.steps < FEWEST_STEPS:
            raise ValueError(f"a test of {self.steps} steps says nothing: take {FEWEST_STEPS} or more")

    @property
    def rates(self) -> list[float]:
        """The rates."""
        return [self.low * (self.high / self.low) ** (step / (self.steps - 1)) for step in range(self.steps)]


class Watch:
    """Watches a running mean of the loss, and says when it has diverged."""

    def __init__(self) -> None:
        self._sum = self._weight = 0.0
        self._lowest = math.inf

    def diverged(self, loss: float) -> bool:
        """Whether the training has come apart with this loss, the next one."""
        if not math.isfinite(loss):
            return True
        self._sum, self._weight = _LAG * self._sum + loss, _LAG * self._weight + 1
        mean = self._sum / self._weight
        self._lowest = min(self._lowest, mean)
        return mean > DIVERGED * self._lowest


@dataclass(frozen=True, slots=True)
class RangeTest:
    """A learning-rate range test (Smith, Cyclical learning rates, WACV 2017).

    Attributes:
        ramp: What was to be tried.
        losses: The loss of each step that was made, before its weights were changed; the last may be infinite or NaN.
    """

    ramp: Ramp
    losses: tuple[float, ...]

    @property
    def rates(self) -> list[float]:
        """The learning rate of each step that was made."""
        return self.ramp.rates[: len(self.losses)]

    @property
    def diverged(self) -> bool:
        """Whether it ended before its last step."""
        return len(self.losses) < self.ramp.steps

    @property
    def smoothed(self) -> list[float]:
        """The losses under a Gaussian window, which looks to both sides and so shifts nothing; cut off where they diverge."""
        finite = [loss for loss in self.losses if math.isfinite(loss)]
        ceiling = 2.0 * max(finite[: max(1, len(finite) // 10)], default=0.0)
        cut = [min(loss, ceiling) if math.isfinite(loss) else ceiling for loss in self.losses]
        width = _WINDOW * self.ramp.steps / 100
        return [_weighted(cut, place, width) for place in range(len(cut))]

    @property
    def suggestions(self) -> dict[str, float]:
        """A learning rate by each of `RULES`; none where the loss never falls."""
        fall, rates = _fall(self.smoothed), self.rates
        if len(fall) < 3 or fall[-1] > (1 - _LEAST_FALL) * fall[0]:
            return {}
        return {"middle": rates[_middle(fall)], "steepest": rates[_steepest(fall)], "minimum/10": rates[len(fall) - 1] / 10}


def _weighted(losses: Sequence[float], place: int, width: float) -> float:
    reach = math.ceil(3 * width)
    near = range(max(0, place - reach), min(len(losses), place + reach + 1))
    weights = [math.exp(-0.5 * ((step - place) / width) ** 2) for step in near]
    return sum(weight * losses[step] for weight, step in zip(weights, near, strict=True)) / sum(weights)


def _fall(losses: Sequence[float]) -> Sequence[float]:
    """The losses down to the lowest before they rise again: far above it they may come to rest in a network that says the same of all."""
    most, lowest = losses[0] - min(losses), 0
    for place, loss in enumerate(losses):
        if loss < losses[lowest]:
            lowest = place
        elif loss > losses[lowest] + _RISE * most:
            break
    return losses[: lowest + 1]


def _steepest(fall: Sequence[float]) -> int:
    """The step after which the loss falls most; steps are even in the logarithm of the rate."""
    drops = [before - after for before, after in pairwise(fall)]
    return drops.index(max(drops))


def _middle(fall: Sequence[float]) -> int:
    """The step half way from the first tenth of the fall to its last: noise before and after the fall does not move it."""
    first, last = (next(step for step, loss in enumerate(fall) if fall[0] - loss >= part * (fall[0] - fall[-1])) for part in (0.1, 0.9))
    return (first + last) // 2
