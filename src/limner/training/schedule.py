"""Learning-rate schedules, as functions from progress (0 to 1) to a factor on the peak learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from limner.recipe.schema import ConstantPart

if TYPE_CHECKING:
    from limner.recipe.schema import OneCyclePart, SchedulePart


def learning_rate_factor(part: SchedulePart, progress: float) -> float:
    """The factor on the peak learning rate at `progress` in [0, 1].

    Example:
        >>> from limner.recipe.schema import OneCyclePart
        >>> [round(learning_rate_factor(OneCyclePart(), p), 2) for p in (0.0, 0.25, 0.5, 1.0)]
        [0.04, 1.0, 0.75, 0.0]
    """
    return 1.0 if isinstance(part, ConstantPart) else _one_cycle(part, progress)


def _one_cycle(part: OneCyclePart, progress: float) -> float:
    """Smith and Topin 2019, with the cosine arms of fastai."""
    if progress < part.warmup:
        return _cosine(1 / part.start_div, 1.0, progress / part.warmup)
    return _cosine(1.0, 1 / part.end_div, (progress - part.warmup) / (1 - part.warmup))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
