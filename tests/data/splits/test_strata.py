"""Strata: fixed octaves, and an order in which they alternate."""

from __future__ import annotations

from collections import Counter

import pytest

from limner.data.splits import find_groups
from limner.data.splits.strata import in_order, stratum


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "2^0"), (0.999, "2^-1"), (0.5, "2^-1"), (0.4999, "2^-2"), (2**-10, "2^-10"), (0.0, "empty"), (None, "unknown")],
)
def test_octaves(share, expected: str) -> None:
    assert stratum(share) == expected


def test_every_stretch_from_the_front_holds_the_strata_in_proportion() -> None:
    keys = [f"k{number}" for number in range(120)]
    shares = {key: (0.3, 0.3, 0.1, 0.0)[number % 4] for number, key in enumerate(keys)}
    order = in_order(find_groups(keys, shares=shares), seed=5)
    for stop in range(len(order) + 1):
        held = Counter(stratum(group.share) for group in order[:stop])
        assert abs(held["2^-2"] - stop / 2) <= 1.5
        assert abs(held["2^-4"] - stop / 4) <= 1.5
        assert abs(held["empty"] - stop / 4) <= 1.5


def test_a_rare_stratum_has_no_place_of_its_own() -> None:
    """At rank one half of one, a lone group would always fall into the middle, and so into train."""
    keys = [f"k{number}" for number in range(100)]
    shares = {key: 0.0 if key == "k7" else 0.3 for key in keys}
    places = [[group.name for group in in_order(find_groups(keys, shares=shares), seed)].index("k7") for seed in range(40)]
    assert min(places) < 15
    assert max(places) > 85
