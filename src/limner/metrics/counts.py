"""Pixels -> counts: the only place where two masks are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from limner.types import MaskArray


@dataclass(frozen=True, slots=True)
class Counts:
    """How the pixels of a predicted and a true mask agree. Counts of several images add up with `+`.

    Attributes:
        tp: Foreground in both (true positives).
        fp: Foreground in the prediction only (false positives).
        fn: Foreground in the target only (false negatives).
        tn: Background in both (true negatives).
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def total(self) -> int:
        """Number of pixels."""
        return self.tp + self.fp + self.fn + self.tn


def count(preds: MaskArray, target: MaskArray) -> Counts:
    """Count the agreement of two masks.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.

    Raises:
        TypeError: One of them is not of bool. (A mask of 0 and 255 would otherwise be counted wrongly, without a word.)
        ValueError: Their shapes differ.

    Example:
        >>> count(np.array([[True, True, False]]), np.array([[True, False, False]]))
        Counts(tp=1, fp=1, fn=0, tn=1)
    """
    check_target(preds.shape, target)
    if preds.dtype != np.bool_:
        raise TypeError(f"preds must be bool, not {preds.dtype}")
    tp = int(np.count_nonzero(preds & target))
    fp = int(np.count_nonzero(preds)) - tp
    fn = int(np.count_nonzero(target)) - tp
    return Counts(tp, fp, fn, target.size - tp - fp - fn)


def check_target(shape: tuple[int, ...], target: MaskArray) -> None:
    """Raise unless `target` is a bool mask of `shape`, that of the prediction it is compared with."""
    if target.dtype != np.bool_:
        raise TypeError(f"target must be bool, not {target.dtype}")
    if shape != target.shape:
        raise ValueError(f"prediction and target differ in shape: {shape} and {target.shape}")
