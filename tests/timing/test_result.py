import json
from dataclasses import replace

import numpy as np
import pytest
from tests.timing.fakes import made_up, made_up_row

from limner.timing.peak import measure_peak
from limner.timing.result import Clock, Latency


def test_percentiles_are_those_of_sorted_values_with_straight_lines_between():
    seconds = np.random.default_rng(0).gamma(2.0, 0.01, 137)
    found = Latency.of(list(seconds))
    milliseconds = np.sort(seconds) * 1000
    for percent, value in ((50, found.p50), (90, found.p90), (95, found.p95), (99, found.p99)):
        place = percent / 100 * 136
        below = int(place)
        assert value == pytest.approx(milliseconds[below] + (place - below) * (milliseconds[below + 1] - milliseconds[below]))
    assert found.n == 137


def test_a_bad_round_does_not_move_the_median():
    assert Clock((10.0, 10.2, 3.0)).fps == 10.0
    assert Clock((10.0, 10.2, 3.0)).spread == pytest.approx(0.36)
    assert Clock((8.0, 10.0)).fps == 9.0


def test_what_is_achieved_is_operations_times_frames():
    assert made_up_row().gflops_per_second == pytest.approx(90.0)
    assert replace(made_up_row(), gflops=None).gflops_per_second is None


def test_json_has_what_is_computed_and_what_it_is_computed_from():
    found = json.loads(json.dumps(made_up().as_json(), allow_nan=False))
    assert set(found) == {
        *("rows", "left_out", "machine", "versions", "threads", "peak_gflops", "images", "batch", "rounds", "seconds", "busy"),
    }
    only = found["rows"][0]
    assert only["network"] == {"fps": 45.0, "spread": pytest.approx(1 / 9), "rounds": [40.0, 50.0]}
    assert only["file"]["fps"] == 25.0
    assert only["latency"] == {"p50": 20.25, "p90": 25.0, "p95": 130.5, "p99": 140.0, "n": 99}
    assert (only["gflops_per_second"], only["peak_share"], only["ratio"]) == (90.0, 0.9, 1.0)
    assert found["left_out"] == [{"model": "tf_efficientnet_lite0", "provider": "cuda", "reason": "there is none"}]


def test_the_peak_is_that_of_the_fastest_product():
    readings = iter([0.0, 4.0, 10.0, 12.0, 20.0, 23.0])  # products of 4, 2 and 3 seconds
    assert measure_peak(8.5, side=100, timer=lambda: next(readings)) == pytest.approx(2 * 100**3 / 2.0 / 1e9)
