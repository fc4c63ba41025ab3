from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.metrics import binarise, count, dice, iou
from limner.metrics.saliency import PRANET_THRESHOLDS, SaliencyScores, saliency_scores

HALF = np.array([[False, False, True, True]] * 3)
NUMBERS = ("mae", "s_measure", "weighted_f", "e_measure_adaptive")
few = settings(max_examples=40)
CURVES = ("dice", "iou", "e_measure")


def of(preds: np.ndarray, target: np.ndarray) -> SaliencyScores:
    return saliency_scores(preds.astype(np.float32), target)


@st.composite
def images(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(2, 9), st.integers(2, 9)))
    levels = draw(arrays(np.uint8, shape, elements=st.integers(0, 255)))
    return (levels / 255).astype(np.float32), draw(arrays(np.bool_, shape))


@few
@given(images())
def test_every_measure_keeps_its_bounds(image: tuple[np.ndarray, np.ndarray]) -> None:
    scores, n = saliency_scores(*image), image[0].size
    assert all(0 <= getattr(scores, name) <= 1 + 1e-12 for name in ("mae", "s_measure", "weighted_f"))
    assert all(((curve >= 0) & (curve <= 1)).all() for curve in (scores.dice, scores.iou))
    for e_measure in (scores.e_measure, scores.e_measure_adaptive):
        assert np.all(e_measure >= 0)
        assert np.all(e_measure <= n / (n - 1) + 1e-12)


@few
@given(images())
def test_dice_and_iou_belong_together_at_every_threshold(image: tuple[np.ndarray, np.ndarray]) -> None:
    scores = saliency_scores(*image)
    assert scores.dice.tolist() == pytest.approx((2 * scores.iou / (1 + scores.iou)).tolist(), abs=1e-12)


@few
@given(images())
def test_what_is_stretched_or_squeezed_measures_the_same(image: tuple[np.ndarray, np.ndarray]) -> None:
    probs, target = image
    probs.flat[:2] = 0, 1
    squeezed, scores = saliency_scores(0.25 + 0.5 * probs, target), saliency_scores(probs, target)
    assert all(getattr(squeezed, name) == getattr(scores, name) for name in NUMBERS)
    assert all((getattr(squeezed, name) == getattr(scores, name)).all() for name in CURVES)


@few
@given(images())
def test_the_image_can_be_turned(image: tuple[np.ndarray, np.ndarray]) -> None:
    probs, target = image
    scores, turned, upside = (saliency_scores(*both) for both in (image, (probs.T, target.T), (probs[::-1], target[::-1])))
    assert turned.s_measure == pytest.approx(scores.s_measure, abs=1e-12)
    assert upside.mae == pytest.approx(scores.mae, abs=1e-12)
    assert all((getattr(upside, name) == getattr(scores, name)).all() for name in CURVES)


@few
@given(arrays(np.bool_, (5, 7)))
def test_a_mask_has_its_own_dice_and_iou_at_every_threshold_but_0(mask: np.ndarray) -> None:
    target = np.zeros((5, 7), dtype=bool)
    target[1:4, 2:6] = True
    mask[0, 0], mask[2, 2] = False, True
    scores, c = of(mask, target), count(mask, target)
    assert scores.dice[:-1].tolist() == pytest.approx([dice(c)] * 255)
    assert scores.iou[:-1].tolist() == pytest.approx([iou(c)] * 255)
    assert scores.mae == pytest.approx((c.fp + c.fn) / c.total)


def test_a_perfect_prediction() -> None:
    scores = of(HALF, HALF)
    assert scores.mae == 0
    assert scores.s_measure == pytest.approx(1)
    assert scores.weighted_f == pytest.approx(1)
    # At threshold 1 nothing lies above it; elsewhere the mask is right, and the sum over 12 pixels is divided by 11.
    assert scores.e_measure.tolist() == pytest.approx([12 / 11 / 4] + [12 / 11] * 255)
    # At threshold 0 everything is foreground.
    assert scores.dice.tolist() == pytest.approx([1] * 255 + [12 / 18])


def test_pixels_at_the_threshold_count_for_dice_but_not_for_the_e_measure() -> None:
    target = np.array([[True, False, False]])
    probs = np.array([[1, 102 / 255, 0]])
    scores = of(probs, target)
    at = PRANET_THRESHOLDS.index(102 / 255)
    assert scores.dice[[at - 1, at]].tolist() == pytest.approx([1, 2 / 3])
    assert scores.e_measure[at] == pytest.approx(3 / 2)
    assert scores.e_measure[at + 1] < 1


def test_the_curve_is_that_of_masks_at_these_thresholds() -> None:
    probs = np.random.default_rng(3).integers(0, 256, HALF.shape) / 255
    probs[0, :2] = 0, 1
    scores = of(probs, HALF)
    for i in (0, 1, 77, 200, 255):
        # Half a level lower, so that rounding has no say.
        mask = binarise(probs.astype(np.float32), max(PRANET_THRESHOLDS[i] - 0.5 / 255, 0))
        assert scores.dice[i] == pytest.approx(dice(count(mask, HALF)))


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_constant_prediction_is_not_stretched(value: float) -> None:
    scores = of(np.full(HALF.shape, value), HALF)
    assert scores.mae == pytest.approx(0.5)
    assert scores.dice.tolist() == pytest.approx([2 / 3 if threshold <= value + 1e-9 else 0 for threshold in PRANET_THRESHOLDS])


def test_an_empty_target_has_no_dice_even_for_an_empty_prediction() -> None:
    empty = np.zeros((4, 5), dtype=bool)
    scores = of(empty, empty)
    assert (scores.mae, scores.s_measure, scores.weighted_f) == (0, 1, 0)
    assert not scores.dice.any()
    assert not scores.iou.any()
    assert scores.e_measure.tolist() == pytest.approx([20 / 19] * 256)
    assert scores.e_measure_adaptive == 0  # twice a mean of 0: everything is foreground


def test_a_full_target_asks_for_a_full_prediction() -> None:
    full = np.ones((4, 5), dtype=bool)
    scores = of(full, full)
    assert (scores.mae, scores.s_measure, scores.weighted_f) == (0, 1, pytest.approx(1))
    assert scores.dice.tolist() == [1] * 256
    assert scores.e_measure.tolist() == pytest.approx([0] + [20 / 19] * 255)


def test_a_centroid_between_two_pixels_is_rounded_up() -> None:
    target = np.zeros((6, 6), dtype=bool)
    target[2:4, 1:3] = True  # the rows 3 and 4, the columns 2 and 3, counted from 1
    probs = np.zeros((6, 6))
    probs[1, 1] = 1.0
    # Rounded up the quarters meet below row 4, right of column 3, and the two lower and the right ones are even in both.
    quarter = np.s_[:4, :3]
    x, y = probs[quarter].ravel(), target[quarter].ravel().astype(float)
    ssim = 4 * x.mean() * y.mean() * np.cov(x, y)[0, 1] / ((x.mean() ** 2 + y.mean() ** 2) * (x.var(ddof=1) + y.var(ddof=1)))
    regions = (12 * ssim + 24) / 36
    inside, outside = probs[target], 1 - probs[~target]
    similar = [2 * part.mean() / (part.mean() ** 2 + 1 + part.std(ddof=1)) for part in (inside, outside)]
    assert of(probs, target).s_measure == pytest.approx(0.5 * regions + 0.5 * (4 * similar[0] + 32 * similar[1]) / 36)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1)])
def test_small_images_have_scores(shape: tuple[int, int]) -> None:
    for preds in (np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)):
        for target in (np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)):
            scores = of(preds, target)
            assert np.isfinite([getattr(scores, name) for name in NUMBERS]).all()
            assert scores.mae == float((preds != target).any())


def test_views_are_read_as_they_are() -> None:
    probs = np.random.default_rng(0).random((10, 12), dtype=np.float32)
    target = np.random.default_rng(1).random((10, 12)) < 0.4
    ours, copied = saliency_scores(probs[::2, ::3], target[::2, ::3]), saliency_scores(probs[::2, ::3].copy(), target[::2, ::3].copy())
    assert (ours.weighted_f, ours.s_measure) == (copied.weighted_f, copied.s_measure)


@pytest.mark.parametrize(
    ("probs", "target", "error", "words"),
    [
        (HALF, HALF, TypeError, "float32"),
        (HALF.astype(np.float32), HALF.astype(np.uint8), TypeError, "target must be bool"),
        (HALF.astype(np.float32), HALF[:2], ValueError, "differ in shape"),
        (255 * HALF.astype(np.float32), HALF, ValueError, r"in \[0, 1\]"),
        (np.full(HALF.shape, np.nan, np.float32), HALF, ValueError, r"in \[0, 1\]"),
        (np.zeros((0, 4), np.float32), HALF[:0], ValueError, "pixels"),
    ],
)
def test_wrong_arguments_are_refused(probs: np.ndarray, target: np.ndarray, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        saliency_scores(probs, target)
