"""The best value so far of one of the scores that a validation gives, and for how long nothing was better."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.recipe.schema.optimisation import Watched


@dataclass
class Watch:
    """What choosing an epoch, early stopping and the plateau schedule have in common.

    The first value always is the best so far; what is not a number is worse than any number.

    Attributes:
        name: What is watched; of `val_loss` lower is better, of everything else higher.
        min_delta: By how much a value must be better to count.
        best: The best value so far; None before the first.
        best_epoch: Its epoch, from 1.
        waited: Epochs since then.

    Example:
        >>> watch = Watch("val_loss", min_delta=0.1)
        >>> [watch.see(value, epoch) for epoch, value in enumerate((0.9, 0.85, 0.7), start=1)]
        [True, False, True]
    """

    name: Watched
    min_delta: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    waited: int = 0

    def see(self, value: float, epoch: int) -> bool:
        """Take note of an epoch's value; returns whether it is the best so far."""
        if self.best is not None and not self._cost(value) < self._cost(self.best) - self.min_delta:
            self.waited += 1
            return False
        self.best, self.best_epoch, self.waited = value, epoch, 0
        return True

    def _cost(self, value: float) -> float:
        if math.isnan(value):
            return math.inf
        return value if self.name == "val_loss" else -value

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {name: value for name, value in asdict(self).items() if name in _STATE}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "best_epoch", "waited")
