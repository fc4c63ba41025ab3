from __future__ import annotations

import numpy as np
import pytest

from limner.metrics import THRESHOLDS, Counts, binarise, sweep_counts


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


TARGET = np.array([[False, True, True]])


def test_the_default_thresholds_are_the_exact_hundredths() -> None:
    assert THRESHOLDS[0] == 0.01
    assert THRESHOLDS[-1] == 0.99
    assert [str(threshold) for threshold in THRESHOLDS] == [str(round(step * 0.01, 2)) for step in range(1, 100)]


def test_a_pixel_at_the_threshold_is_foreground() -> None:
    assert binarise(row(0.5, np.nextafter(np.float32(0.5), np.float32(0))), 0.5).tolist() == [[True, False]]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_thresholds_are_compared_in_float32(threshold: float) -> None:
    # In float64 about half of these would come out False: float32(0.7) < 0.7.
    assert binarise(row(threshold), threshold).all()
    assert binarise(row(threshold), np.float64(threshold)).all()
    assert sweep_counts(row(threshold), np.array([[True]]), [threshold]) == [Counts(tp=1)]


def test_results_come_in_the_order_of_the_thresholds_repeated_ones_too() -> None:
    low, high = Counts(tp=2, fp=1), Counts(tp=1, fn=1, tn=1)
    assert sweep_counts(row(0.2, 0.3, 0.9), TARGET, [0.5, 0.1, 0.5]) == [high, low, high]


def test_the_ends_of_the_range() -> None:
    assert sweep_counts(row(0.0, 0.5, 1.0), TARGET, [0.0, 1.0]) == [Counts(tp=2, fp=1), Counts(tp=1, fn=1, tn=1)]


def test_no_thresholds_give_no_counts() -> None:
    assert sweep_counts(row(0.0, 0.5, 1.0), TARGET, []) == []


def test_only_pixels_inside_the_field_of_view_are_swept() -> None:
    inside = np.array([[True, False, True]])
    assert sweep_counts(row(0.2, 0.3, 0.9), TARGET, [0.1, 0.5], inside) == [Counts(tp=1, fp=1), Counts(tp=1, tn=1)]
    assert sweep_counts(row(np.nan, 0.3, 0.9), TARGET, [0.5], ~np.array([[True, False, False]])) == [Counts(tp=1, fn=1)]
    with pytest.raises(ValueError, match="field of view"):
        sweep_counts(row(0.2, 0.3, 0.9), TARGET, inside=inside.T)
    with pytest.raises(TypeError, match="inside must be bool"):
        sweep_counts(row(0.2, 0.3, 0.9), TARGET, inside=inside.astype(np.uint8))


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        sweep_counts(row(0.1, np.nan, 0.2), TARGET)
    with pytest.raises(ValueError, match="NaN"):
        sweep_counts(row(0.1, 0.1, 0.2), TARGET, [np.nan])


def test_what_is_not_float32_or_not_of_one_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="probs must be float32, not float64"):
        sweep_counts(row(0.1, 0.1, 0.2).astype(np.float64), TARGET)
    with pytest.raises(TypeError, match="float64"):
        binarise(np.array([[0.5]]), 0.5)
    with pytest.raises(ValueError, match="differ in shape"):
        sweep_counts(row(0.1), TARGET)
