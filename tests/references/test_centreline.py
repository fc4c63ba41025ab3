"""clDice against its formula in sets of pixels, and against MONAI's soft one where both must be the same: on lines one pixel wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from monai.losses.cldice import SoftclDiceLoss
from skimage.morphology import skeletonize

from limner.data.phantoms import phantom
from limner.metrics import count, dice
from limner.metrics.centreline import cldice

if TYPE_CHECKING:
    from limner.types import MaskArray

SHAPE = (48, 60)
RANDOM = np.random.default_rng(0)


def _vessels(seed: int) -> MaskArray:
    return phantom("vessel", seed, SHAPE).mask


def _pixel(row: int, column: int) -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row, column] = True
    return mask


def _border() -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :3] = mask[-2:] = True
    return mask


MASKS = {
    "vessels": _vessels(1),
    "other vessels": _vessels(2),
    "shifted vessels": np.roll(_vessels(1), (1, 2), axis=(0, 1)),
    "noise": RANDOM.random(SHAPE) < 0.3,
    "pixel": _pixel(0, 0),
    "far pixel": _pixel(47, 59),
    "full": np.ones(SHAPE, dtype=bool),
    "empty": np.zeros(SHAPE, dtype=bool),
    "border": _border(),
}


def _pixels(mask: MaskArray) -> set[tuple[int, int]]:
    return set(map(tuple, np.argwhere(mask).tolist()))


def _formula(preds: MaskArray, target: MaskArray) -> float:
    """Equations 1 and 2 of the paper, with sets."""
    v_p, v_l, s_p, s_l = (_pixels(mask) for mask in (preds, target, skeletonize(preds), skeletonize(target)))
    if not v_p or not v_l:
        return float(v_p == v_l)
    precision, sensitivity = len(s_p & v_l) / len(s_p), len(s_l & v_p) / len(s_l)
    return 2 * precision * sensitivity / (precision + sensitivity) if s_p & v_l or s_l & v_p else 0.0


def test_the_formula() -> None:
    for a, preds in MASKS.items():
        for b, target in MASKS.items():
            assert cldice(preds, target) == pytest.approx(_formula(preds, target), rel=1e-12), (a, b)


def _comb(*columns: int, upto: int = SHAPE[0]) -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:upto, columns] = True
    return mask


@pytest.mark.parametrize(
    ("preds", "target"),
    [(_comb(3, 20, 40), _comb(3, 20, 41)), (_comb(3, upto=20), _comb(3, 9)), (_comb(5, 50), _comb(5)), (_comb(7), _comb(8))],
)
def test_monais_loss_agrees_on_lines_of_one_pixel(preds: MaskArray, target: MaskArray) -> None:
    """There the soft skeleton is the line itself."""
    tensors = [torch.from_numpy(mask)[None, None].double() for mask in (target, preds)]
    theirs = 1 - SoftclDiceLoss(iter_=2, smooth_nr=1e-9, smooth_dr=1e-9, smooth=1e-9)(*tensors).item()
    assert cldice(preds, target) == pytest.approx(theirs, abs=1e-6)


def test_it_is_dice_where_the_masks_are_their_own_skeletons() -> None:
    preds, target = _comb(3, 20, 40), _comb(3, 20, 41, 50)
    assert cldice(preds, target) == pytest.approx(dice(count(preds, target)))
