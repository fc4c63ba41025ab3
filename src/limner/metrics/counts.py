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


def count(preds: MaskArray, target: MaskArray, inside: MaskArray | None = None) -> Counts:
    """Count the agreement of two masks.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.
        inside: The field of view, bool, of the same shape; pixels outside are not counted at all. None counts all of them.

    Raises:
        TypeError: One of them is not of bool. (A mask of 0 and 255 would otherwise be counted wrongly, without a word.)
        ValueError: Their shapes differ.

    Example:
        >>> preds, target = np.array([[True, True, False]]), np.array([[True, False, False]])
        >>> count(preds, target)
        Counts(tp=1, fp=1, fn=0, tn=1)
        >>> count(preds, target, inside=np.array([[True, True, False]]))
        Counts(tp=1, fp=1, fn=0, tn=0)
    """
    check_masks(preds, target)
    if inside is not None:
        check_inside(inside, target.shape)
        preds, target = preds[inside], target[inside]
    tp = int(np.count_nonzero(preds & target))
    fp = int(np.count_nonzero(preds)) - tp
    fn = int(np.count_nonzero(target)) - tp
    return Counts(tp, fp, fn, target.size - tp - fp - fn)


def check_masks(preds: MaskArray, target: MaskArray) -> None:
    """Raise unless both are bool masks, of one shape."""
    check_target(preds.shape, target)
    if preds.dtype != np.bool_:
        raise TypeError(f"preds must be bool, not {preds.dtype}")


def check_target(shape: tuple[int, ...], target: MaskArray) -> None:
    """Raise unless `target` is a bool mask of `shape`, that of the prediction it is compared with."""
    if target.dtype != np.bool_:
        raise TypeError(f"target must be bool, not {target.dtype}")
    if shape != target.shape:
        raise ValueError(f"prediction and target differ in shape: {shape} and {target.shape}")


def check_inside(inside: MaskArray, shape: tuple[int, ...]) -> None:
    """Raise unless `inside`, the field of view, is a bool mask of `shape`, that of the target."""
    if inside.dtype != np.bool_:
        raise TypeError(f"inside must be bool, not {inside.dtype}")
    if inside.shape != shape:
        raise ValueError(f"field of view and target differ in shape: {inside.shape} and {shape}")
