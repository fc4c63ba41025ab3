from __future__ import annotations

import math

import numpy as np
import pytest

from limner.training.lr_ramp import RULES, Ramp, RangeTest, Watch


def curve(ramp, *, start=1e-4, end=1e-1, noise=0.0, rises=True):
    """Flat at 2, down to 1 between two rates, and then up."""
    rates = np.array(ramp.rates)
    share = np.clip((np.log(rates) - math.log(start)) / (math.log(end) - math.log(start)), 0, 1)
    up = np.where(rates > end, (rates / end) ** 0.6 - 1, 0) if rises else 0
    return tuple((2 - share + up + noise * np.random.default_rng(0).standard_normal(len(rates))).tolist())


def test_the_ramp_is_even_in_the_logarithm_from_end_to_end():
    rates = Ramp(1e-6, 1.0, 61).rates
    assert len(rates) == 61
    assert (rates[0], rates[-1]) == pytest.approx((1e-6, 1.0))
    assert np.allclose(np.diff(np.log10(rates)), 0.1)


@pytest.mark.parametrize(
    ("low", "high", "steps"), [(0, 1, 50), (-1, 1, 50), (1, 1, 50), (1, 0.1, 50), (1, math.inf, 50), (math.nan, 1, 50), (1e-3, 1, 19)]
)
def test_what_is_no_ramp_is_refused(low, high, steps):
    with pytest.raises(ValueError, match=r"learning rate|steps"):
        Ramp(low, high, steps)


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("steps", [50, 100, 400])
def test_suggestions_lie_in_the_fall(noise, steps):
    ramp = Ramp(1e-7, 10.0, steps)
    found = RangeTest(ramp, curve(ramp, noise=noise)).suggestions
    assert set(found) == set(RULES)
    assert all(1e-4 < rate < 1e-1 for rate in found.values()), found
    assert found["middle"] == pytest.approx(math.sqrt(1e-4 * 1e-1), rel=1.0)
    assert found["minimum/10"] == pytest.approx(1e-2, rel=0.7)


def test_the_steepest_place_is_found():
    ramp = Ramp(1e-6, 1.0, 200)
    losses = tuple(2 - 1 / (1 + math.exp(-4 * (math.log10(rate) + 2))) for rate in ramp.rates)
    assert RangeTest(ramp, losses).suggestions["steepest"] == pytest.approx(1e-2, rel=0.2)


def test_a_second_lower_minimum_after_a_rise_is_not_taken():
    """A network that has come apart may say `nothing` of every image, which is not such a bad loss."""
    ramp = Ramp(1e-7, 10.0, 200)
    losses = tuple(0.9 if rate > 1 else loss for rate, loss in zip(ramp.rates, curve(ramp), strict=True))
    assert RangeTest(ramp, losses).suggestions["minimum/10"] < 3e-2


@pytest.mark.parametrize("losses", [(1.0,), (1.0,) * 100, tuple(1 + step / 10 for step in range(100)), (math.nan,), (1.0, math.inf)])
def test_without_a_fall_there_is_no_suggestion(losses):
    assert RangeTest(Ramp(), losses).suggestions == {}


def test_the_smoothed_curve_stays_finite_and_shifts_nothing():
    ramp = Ramp(1e-7, 10.0, 100)
    test = RangeTest(ramp, (*curve(ramp)[:95], 1e30, math.inf))
    assert test.diverged
    assert len(test.smoothed) == len(test.rates) == 97
    assert all(math.isfinite(loss) for loss in test.smoothed)
    straight = RangeTest(Ramp(steps=100), tuple(2 - step / 100 for step in range(100)))
    assert straight.smoothed[20:80] == pytest.approx(straight.losses[20:80])


def test_the_watch_sees_divergence_and_no_noise():
    watch = Watch()
    noise = np.random.default_rng(0).uniform(0.5, 1.5, 300)
    assert not any(watch.diverged(loss) for loss in noise)
    assert [watch.diverged(10.0 * 2**step) for step in range(5)][-1]
    assert Watch().diverged(math.nan)
    assert Watch().diverged(math.inf)
