from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.metrics import THRESHOLDS, binarise, soft_dice
from limner.metrics.review import review_score, sweep_review

pixels = st.floats(0, 1, width=32)
maps = arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=pixels)


def test_it_is_one_minus_the_dice_that_the_probabilities_foretell() -> None:
    probs = np.array([[0.9, 0.6], [0.4, 0.1]], np.float32)
    assert review_score(probs, probs >= 0.5) == pytest.approx(1 - 2 * 1.5 / (2.0 + 2))


def test_a_sure_model_needs_no_review_and_an_unsure_one_does() -> None:
    assert review_score(np.array([[1, 0]], np.float32), np.array([[True, False]])) == 0
    assert review_score(np.full((4, 4), 0.5, np.float32), np.ones((4, 4), bool)) == pytest.approx(1 / 3)


def test_of_an_empty_mask_it_is_the_largest_probability() -> None:
    nothing = np.zeros((2, 2), bool)
    assert review_score(np.array([[0.1, 0.3], [0, 0]], np.float32), nothing) == np.float32(0.3)
    assert review_score(np.zeros((2, 2), np.float32), nothing) == 0


@given(maps, pixels)
def test_it_lies_between_nought_and_one_and_agrees_with_soft_dice(probs: np.ndarray, threshold: float) -> None:
    mask = binarise(probs, threshold)
    score = review_score(probs, mask)
    assert 0 <= score <= 1
    if mask.any():
        assert score == pytest.approx(1 - soft_dice(probs, mask), abs=1e-6)


@given(maps)
def test_the_sweep_is_the_score_at_each_threshold(probs: np.ndarray) -> None:
    alone = [review_score(probs, binarise(probs, threshold)) for threshold in THRESHOLDS]
    np.testing.assert_allclose(sweep_review(probs), alone, atol=1e-6)


def test_the_thresholds_of_a_sweep_may_come_in_any_order_and_twice() -> None:
    probs = np.array([[0.25, 0.75]], np.float32)
    assert sweep_review(probs, [0.9, 0.5, 0.9]) == [0.75, 0.25, 0.75]
