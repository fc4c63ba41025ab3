from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from limner.metrics.centreline import cldice

if TYPE_CHECKING:
    from limner.metrics import EmptyRule
    from limner.types import MaskArray

SHAPE = (20, 30)
EMPTY = np.zeros(SHAPE, dtype=bool)
FULL = np.ones(SHAPE, dtype=bool)

settings.register_profile("centreline", max_examples=50, deadline=None, derandomize=True)
quick = settings(settings.get_profile("centreline"))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[MaskArray, MaskArray]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10))
    return draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))


def lines(*rows: int, width: int = 1, until: int = SHAPE[1]) -> MaskArray:
    mask = np.zeros(SHAPE, dtype=bool)
    for row in rows:
        mask[row : row + width, :until] = True
    return mask


def test_every_branch_counts_alike_however_thick_it_is() -> None:
    """Of one thick and three thin branches the thick one alone is most of the area, but a quarter of the centreline."""
    target = lines(0, width=7) | lines(10, 13, 16)
    assert cldice(lines(0, width=7), target) == pytest.approx(2 * 0.25 / 1.25, rel=0.1)
    assert cldice(lines(10, 13, 16), target) == pytest.approx(2 * 0.75 / 1.75, rel=0.1)


def test_by_hand() -> None:
    target, preds = lines(5, 10), lines(5, 15, until=20)  # lines of one pixel are their own skeletons
    precision, sensitivity = 20 / 40, 20 / 60
    assert cldice(preds, target) == pytest.approx(2 * precision * sensitivity / (precision + sensitivity))


def test_lines_that_never_meet() -> None:
    assert cldice(lines(5), lines(6)) == 0


@pytest.mark.parametrize("empty", ["one", "nan", "skip"])
def test_empty_masks(empty: EmptyRule) -> None:
    both = cldice(EMPTY, EMPTY, empty=empty)
    assert both == 1 if empty == "one" else math.isnan(both)
    for mask in (FULL, lines(3)):
        assert cldice(EMPTY, mask, empty=empty) == cldice(mask, EMPTY, empty=empty) == 0


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 9), (9, 1), SHAPE])
def test_full_masks_agree(shape: tuple[int, int]) -> None:
    assert cldice(np.ones(shape, dtype=bool), np.ones(shape, dtype=bool)) == 1


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="preds must be bool"):
        cldice(EMPTY.astype(np.uint8), EMPTY)
    with pytest.raises(TypeError, match="target must be bool"):
        cldice(EMPTY, EMPTY.astype(np.uint8))
    with pytest.raises(ValueError, match="differ in shape"):
        cldice(EMPTY, EMPTY.T)
    with pytest.raises(ValueError, match="empty must be one of"):
        cldice(FULL, FULL, empty="zero")  # type: ignore[arg-type]


@quick
@given(pairs())
def test_bounds_symmetry_and_identity(pair: tuple[MaskArray, MaskArray]) -> None:
    assert 0 <= cldice(*pair) <= 1
    assert cldice(*pair) == pytest.approx(cldice(*reversed(pair)))
    assert cldice(pair[0], pair[0].copy()) == 1
    assert (cldice(*pair) == 0) <= (not (pair[0] & pair[1]).all())


@quick
@given(pairs(), st.tuples(*[st.integers(0, 5)] * 4))
def test_it_does_not_matter_where_the_vessels_are(pair: tuple[MaskArray, MaskArray], place: tuple[int, int, int, int]) -> None:
    first, second = ([np.pad(mask, ((top, 5 - top), (left, 5 - left))) for mask in pair] for top, left in (place[:2], place[2:]))
    assert cldice(*first) == cldice(*second) == cldice(*pair)
