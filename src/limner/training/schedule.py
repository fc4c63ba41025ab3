"""Learning-rate schedules: functions from progress (0 to 1) to a factor on the peak learning rate, and one that follows the validation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from limner.recipe.schema import CosinePart, OneCyclePart, PlateauPart, PolyPart
from limner.training.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from torch.optim import Optimizer

    from limner.recipe.schema import ConstantPart, SchedulePart

    Planned: TypeAlias = OneCyclePart | CosinePart | PolyPart | ConstantPart

_ALMOST_NOTHING = 1e-3  # where a warm-up begins: at 0 the first step would be wasted


class Schedule:
    """Sets an optimiser's learning rates, and its momentum where the schedule has one.

    Args:
        part: The recipe's schedule.
    """

    def __init__(self, part: SchedulePart) -> None:
        self._part = part
        self._plateau = Plateau(part) if isinstance(part, PlateauPart) else None

    def apply(self, optimiser: Optimizer, progress: float) -> None:
        """Set each group's rate to the factor times its `peak_lr`; `progress` is in [0, 1]."""
        factor, momentum = self.factor(progress), momentum_at(self._part, progress)
        for group in optimiser.param_groups:
            group["lr"] = group["peak_lr"] * factor
            if momentum is not None:
                set_momentum(group, momentum)

    def factor(self, progress: float) -> float:
        """The factor on the peak learning rate at `progress`."""
        if isinstance(self._part, PlateauPart):
            return self._plateau.factor if self._plateau else 1.0
        return learning_rate_factor(self._part, progress)

    def see(self, scores: Mapping[str, float], epoch: int) -> None:
        """Take note of an epoch's validation."""
        if self._plateau:
            self._plateau.see(scores, epoch)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: nothing, unless the schedule follows the validation."""
        return self._plateau.state_dict() if self._plateau else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        if self._plateau:
            self._plateau.load_state_dict(state)


class Plateau:
    """Lowers the learning rate when `patience` epochs without a better value are followed by one more.

    Attributes:
        factor: What the peak learning rate is multiplied by at present.
    """

    def __init__(self, part: PlateauPart) -> None:
        self.factor = 1.0
        self._part = part
        self._watch = Watch(part.monitor)

    def see(self, scores: Mapping[str, float], epoch: int) -> None:
        """Take note of an epoch's validation."""
        self._watch.see(scores[self._part.monitor], epoch)
        if self._watch.waited > self._part.patience:
            self.factor = max(self.factor * self._part.factor, 1 / self._part.end_div)
            self._watch.waited = 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"factor": self.factor, **self._watch.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.factor = state["factor"]
        self._watch.load_state_dict(state)


def learning_rate_factor(part: Planned, progress: float) -> float:
    """The factor on the peak learning rate at `progress` in [0, 1], of a schedule that is planned from the start.

    Example:
        >>> [round(learning_rate_factor(OneCyclePart(), p), 2) for p in (0.0, 0.25, 0.5, 1.0)]
        [0.04, 1.0, 0.75, 0.0]
        >>> [round(learning_rate_factor(PolyPart(power=2, warmup=0.5), p), 2) for p in (0.0, 0.25, 0.5, 0.75, 1.0)]
        [0.0, 0.5, 1.0, 0.25, 0.0]
    """
    if progress < part.warmup:
        return _warm_up(part, progress / part.warmup)
    share = (progress - part.warmup) / (1 - part.warmup)
    match part:
        case OneCyclePart() | CosinePart():
            return _cosine(1.0, 1 / part.end_div, share)
        case PolyPart():
            return float((1 - share) ** part.power)
        case _:
            return 1.0


def momentum_at(part: SchedulePart, progress: float) -> float | None:
    """The momentum at `progress` in [0, 1]; None where the schedule leaves it alone.

    Example:
        >>> part = OneCyclePart(momentum=(0.85, 0.95))
        >>> [round(momentum_at(part, p), 2) for p in (0.0, 0.25, 1.0)]
        [0.95, 0.85, 0.95]
    """
    if not isinstance(part, OneCyclePart) or part.momentum is None:
        return None
    low, high = part.momentum
    if progress < part.warmup:
        return _cosine(high, low, progress / part.warmup)
    return _cosine(low, high, (progress - part.warmup) / (1 - part.warmup))


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set the momentum of an optimiser's group, which is the first of its betas where it has betas."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def _warm_up(part: Planned, share: float) -> float:
    """A cosine arm for one-cycle (Smith and Topin 2019, in the form of fastai), a straight line for the others."""
    if isinstance(part, OneCyclePart):
        return _cosine(1 / part.start_div, 1.0, share)
    return _ALMOST_NOTHING + (1 - _ALMOST_NOTHING) * share


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
