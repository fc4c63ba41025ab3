from __future__ import annotations

import numpy as np
import pytest

from limner.metrics import Counts, count


def mask(text: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in text.split()])


def test_each_kind_of_pixel_is_counted() -> None:
    assert count(mask("##. ..."), mask("#.# ...")) == Counts(tp=1, fp=1, fn=1, tn=3)


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)
    assert Counts(1, 2, 3, 4).total == 10


def test_the_order_of_the_arguments_is_prediction_first() -> None:
    assert count(mask("#"), mask(".")).fp == 1
    assert count(mask("."), mask("#")).fn == 1


def test_counts_are_python_integers() -> None:
    counts = count(mask("#."), mask("##"))
    assert all(type(value) is int for value in (counts.tp, counts.fp, counts.fn, counts.tn))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_masks_that_are_not_bool_are_refused(dtype: str) -> None:
    wrong, right = mask("#.").astype(dtype), mask("#.")
    with pytest.raises(TypeError, match=f"preds must be bool, not {dtype}"):
        count(wrong, right)
    with pytest.raises(TypeError, match=f"target must be bool, not {dtype}"):
        count(right, wrong)


def test_only_pixels_inside_the_field_of_view_are_counted() -> None:
    preds, target = mask("##.. ##.."), mask("#.#. #.#.")
    assert count(preds, target, mask("#### ....")) == Counts(tp=1, fp=1, fn=1, tn=1)
    assert count(preds, target, mask("#... ...#")) == Counts(tp=1, tn=1)
    assert count(preds, target, mask("#### ####")) == count(preds, target)
    assert count(preds, target, mask(".... ....")) == Counts()


def test_a_field_of_view_that_does_not_fit_is_refused() -> None:
    preds = mask("#. .#")
    with pytest.raises(TypeError, match="inside must be bool, not uint8"):
        count(preds, preds, preds.astype(np.uint8))
    with pytest.raises(ValueError, match=r"field of view and target differ in shape: \(1, 2\) and \(2, 2\)"):
        count(preds, preds, mask("##"))


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(2, 2\)"):
        count(mask("#."), mask("#. .."))
