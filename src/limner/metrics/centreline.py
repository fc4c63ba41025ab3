"""How well the centrelines of vessels and other thin structures agree: whether every branch is there, thin or thick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.metrics.counts import count
from limner.metrics.region import EmptyRule, dice

if TYPE_CHECKING:
    from limner.types import MaskArray


def cldice(preds: MaskArray, target: MaskArray, *, empty: EmptyRule = "one") -> float:
    """Centreline Dice (clDice): the harmonic mean of two shares of the masks' skeletons, in [0, 1].

    Shit et al., "clDice - a Novel Topology-Preserving Loss Function for Tubular Structure Segmentation", CVPR 2021, equations 1 and 2.
    Topology precision is the share of the prediction's skeleton that lies in the target, topology sensitivity the share of the target's
    skeleton that lies in the prediction. Skeletons are scikit-image's, after Zhang and Suen, as in the authors' code: one pixel wide.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.
        empty: What two empty masks give: 1 (`one`), or NaN. If only one of them is empty, it is 0.

    Raises:
        TypeError: A mask is not of bool.
        ValueError: Their shapes differ.

    Example:
        A vessel that is drawn too thin costs little; one that ends half-way, much:

        >>> import numpy as np
        >>> target = np.zeros((9, 20), dtype=bool)
        >>> target[3:6] = True
        >>> thin, half = np.zeros((2, 9, 20), dtype=bool)
        >>> thin[4] = half[3:6, :10] = True
        >>> round(cldice(thin, target), 2), round(cldice(half, target), 2)
        (0.97, 0.69)
    """
    overlap = dice(count(preds, target), empty=empty)
    if not (preds.any() and target.any()):
        return overlap
    precision, sensitivity = _share_within(preds, target), _share_within(target, preds)
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def _share_within(lines_of: MaskArray, area: MaskArray) -> float:
    from skimage.morphology import skeletonize  # takes longer to import than all the rest

    return float(area[skeletonize(lines_of)].mean())  # type: ignore[no-untyped-call]
