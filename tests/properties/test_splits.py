"""What holds of every split."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from limner.data import make_split
from limner.data.splits import PARTS

keys = st.lists(st.text(min_size=1, max_size=8), min_size=3, max_size=60, unique=True)
fractions = st.floats(0.01, 0.4)
seeds = st.integers(0, 2**31 - 1)


@given(keys=keys, val=fractions, test=fractions, seed=seeds)
def test_parts_are_disjoint_cover_all_and_are_not_empty(keys, val, test, seed) -> None:
    split = make_split(keys, val_fraction=val, test_fraction=test, seed=seed)
    together = [key for part in PARTS for key in split.part(part)]
    assert sorted(together) == sorted(keys)
    assert all(split.part(part) for part in PARTS)
    for part, fraction in (("val", val), ("test", test)):
        assert abs(len(split.part(part)) - max(1, fraction * len(keys))) <= (0.5 if len(split.train) > 1 else 1.5)


@given(keys=keys, val=fractions, test=fractions, seed=seeds, shuffle=st.integers(0, 99))
def test_order_and_repetition_of_keys_do_not_matter(keys, val, test, seed, shuffle) -> None:
    shuffled = keys * 2
    random.Random(shuffle).shuffle(shuffled)
    first = make_split(keys, val_fraction=val, test_fraction=test, seed=seed)
    assert make_split(shuffled, val_fraction=val, test_fraction=test, seed=seed) == first


@given(keys=keys, val=fractions, test=fractions, seed=seeds, new=st.text(min_size=9, max_size=9))
def test_one_more_file_moves_at_most_one_key_of_each_part(keys, val, test, seed, new) -> None:
    before = make_split(keys, val_fraction=val, test_fraction=test, seed=seed)
    after = make_split([*keys, new], val_fraction=val, test_fraction=test, seed=seed)
    for part in ("val", "test"):
        left = set(before.part(part)) - set(after.part(part))
        came = set(after.part(part)) - set(before.part(part)) - {new}
        assert len(left) <= 1
        assert len(came) <= 1
