"""Test-time views: what is turned comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.runtime.views import VIEWS, Spread, View, combine_views

views = st.builds(View, st.booleans(), st.integers(0, 3))
sizes = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def maps(size: tuple[int, int, int]) -> np.ndarray:
    return np.arange(np.prod(size), dtype=np.float32).reshape(size)


@given(views, sizes)
def test_undoing_gives_the_map_back(view, size):
    assert np.array_equal(view.undo(view.apply(maps(size))), maps(size))


@given(views, views, sizes)
def test_one_view_after_another_is_a_view(first, second, size):
    assert np.array_equal(first.then(second).apply(maps(size)), second.apply(first.apply(maps(size))))


def test_flips_and_rotations_are_what_they_say():
    image = np.array([[[1, 2], [3, 4], [5, 6]]])
    shown = {name: [view.apply(image)[0].tolist() for view in found] for name, found in VIEWS.items()}
    assert shown["flips"] == [
        [[1, 2], [3, 4], [5, 6]],
        [[2, 1], [4, 3], [6, 5]],  # left and right
        [[5, 6], [3, 4], [1, 2]],  # up and down
        [[6, 5], [4, 3], [2, 1]],
    ]
    assert shown["rotations"][1:] == [[[2, 4, 6], [1, 3, 5]], [[6, 5], [4, 3], [2, 1]], [[5, 3, 1], [6, 4, 2]]]


@pytest.mark.parametrize(
    ("names", "count"),
    [((), 1), (("flips",), 4), (("rotations",), 4), (("flips", "flips"), 4), (("rotations", "flips"), 8), (("scales", "flips"), 12)],
)
def test_combinations_have_each_view_once(names, count):
    found = combine_views(names)
    assert len(found) == len(set(found)) == count
    assert found[0] == View()


def test_the_order_of_names_does_not_matter():
    assert set(combine_views(["flips", "rotations", "scales"])) == set(combine_views(["scales", "rotations", "flips"]))


def test_an_unknown_view_is_refused():
    with pytest.raises(LimnerError, match="no test-time views 'flip'") as caught:
        combine_views(["flip"])
    assert "did you mean 'flips'" in str(caught.value)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=9))
def test_running_sums_are_mean_and_standard_deviation(values):
    spread = Spread()
    for value in values:
        spread.add(np.full((1, 2, 3), value, np.float32))
    mean, deviation = spread.result()
    np.testing.assert_allclose(mean, np.mean(values), atol=1e-6)
    np.testing.assert_allclose(deviation, np.std(values), atol=1e-4)
    assert mean.dtype == deviation.dtype == np.float32


def test_equal_maps_do_not_disagree_at_all():
    spread, one = Spread(), np.random.default_rng(0).random((1, 4, 5), np.float32)
    for _ in range(7):
        spread.add(one.copy())
    mean, deviation = spread.result()
    assert np.array_equal(mean, one)
    assert not deviation.any()


def test_one_map_has_no_deviation():
    spread = Spread()
    spread.add(np.ones((1, 2, 2), np.float32))
    assert spread.result()[1] is None
