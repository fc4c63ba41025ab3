"""What holds of every split."""

from __future__ import annotations

import random

from hypothesis import assume, given
from hypothesis import strategies as st

from limner.data import make_split
from limner.data.splits import PARTS, draw, draw_folds, find_groups

keys = st.lists(st.text(min_size=1, max_size=8), min_size=3, max_size=60, unique=True)
fractions = st.floats(0.01, 0.4)
seeds = st.integers(0, 2**31 - 1)


@st.composite
def grouped(draw_from):
    """Arguments of `find_groups`: patients of some sizes, links between a few keys, shares of some."""
    sizes = draw_from(st.lists(st.integers(1, 12), min_size=3, max_size=14))
    known = {f"{patient}-{number}": f"p{patient}" for patient, size in enumerate(sizes) for number in range(size)}
    lone = [f"x{number}" for number in range(draw_from(st.integers(0, 15)))]
    every = [*known, *lone]
    links = draw_from(st.lists(st.tuples(st.sampled_from(every), st.sampled_from(every)), max_size=3))
    shares = draw_from(st.dictionaries(st.sampled_from(every), st.sampled_from([0.0, 0.01, 0.1, 0.4]), max_size=20))
    return {"keys": every, "known": known, "links": links, "shares": shares}


def divided(groups, split) -> list[str]:
    """Groups that the split divides."""
    part_of = split.part_of()
    return [group.name for group in groups if len({part_of[key] for key in group.keys}) > 1]


@given(values=grouped(), val=fractions, test=st.one_of(st.just(0.0), fractions), seed=seeds)
def test_no_group_is_divided_and_each_wanted_part_has_one(values, val, test, seed) -> None:
    groups = find_groups(**values)
    assume(len(groups) >= 3)
    split = draw(groups, val_fraction=val, test_fraction=test, seed=seed)
    assert sorted(key for part in PARTS for key in split.part(part)) == sorted(values["keys"])
    assert divided(groups, split) == []
    assert bool(split.test) == bool(test)
    assert split.groups == {key: group.label for group in groups if group.label for key in group.keys}


@given(values=grouped(), val=st.floats(0.01, 0.25), test=st.floats(0.01, 0.25), seed=seeds)
def test_parts_are_within_a_group_of_what_is_asked(values, val, test, seed) -> None:
    groups = find_groups(**values)
    assume(len(groups) >= 3)
    split = draw(groups, val_fraction=val, test_fraction=test, seed=seed)
    largest, total = max(map(len, groups)), len(values["keys"])
    assert abs(len(split.test) - test * total) < largest
    assert abs(len(split.val) - val * total) < largest


@given(values=grouped(), seed=seeds, shuffle=st.integers(0, 99))
def test_the_order_of_files_does_not_matter(values, seed, shuffle) -> None:
    mixed = random.Random(shuffle)
    other = {
        "keys": mixed.sample(values["keys"], len(values["keys"])),
        "known": dict(mixed.sample(list(values["known"].items()), len(values["known"]))),
        "links": [pair[::-1] for pair in reversed(values["links"])],
        "shares": dict(reversed(values["shares"].items())),
    }
    groups = find_groups(**values)
    assume(len(groups) >= 3)
    assert groups == find_groups(**other)
    rules = {"val_fraction": 0.2, "test_fraction": 0.2, "seed": seed}
    assert draw(groups, **rules) == draw(groups[::-1], **rules)


@given(values=grouped(), folds=st.integers(3, 5), seed=seeds)
def test_each_image_is_tested_in_one_fold_and_folds_are_within_a_group(values, folds, seed) -> None:
    groups = find_groups(**values)
    assume(len(groups) >= folds)
    splits = draw_folds(groups, folds, val_fraction=0.1, seed=seed)
    assert sorted(key for split in splits for key in split.test) == sorted(values["keys"])
    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= max(map(len, groups))
    for split in splits:
        assert sorted(split.part_of()) == sorted(values["keys"])
        assert divided(groups, split) == []


@given(values=grouped(), kept=st.sets(st.integers(0, 13), min_size=3), seed=seeds)
def test_a_kept_split_grows_by_whole_groups_and_nothing_moves(values, kept, seed) -> None:
    groups = find_groups(**values)
    rules = {"val_fraction": 0.2, "test_fraction": 0.2, "seed": seed}
    some = [group for number, group in enumerate(groups) if number in kept]
    assume(len(some) >= 3)
    old = draw(some, **rules)
    new = draw(groups, **rules, keep=old)
    assert sorted(new.part_of()) == sorted(values["keys"])
    assert {key: new.part_of()[key] for key in old.part_of()} == old.part_of()
    assert divided(groups, new) == []


@given(keys=keys, val=fractions, test=fractions, seed=seeds)
def test_parts_of_lone_keys_are_disjoint_cover_all_and_are_not_empty(keys, val, test, seed) -> None:
    split = make_split(keys, val_fraction=val, test_fraction=test, seed=seed)
    together = [key for part in PARTS for key in split.part(part)]
    assert sorted(together) == sorted(keys)
    assert all(split.part(part) for part in PARTS)
    for part, fraction in (("val", val), ("test", test)):
        assert abs(len(split.part(part)) - max(1, fraction * len(keys))) <= (0.5 if len(split.train) > 1 else 1.5)


@given(keys=keys, val=fractions, test=fractions, seed=seeds, new=st.text(min_size=9, max_size=9))
def test_one_more_file_moves_at_most_one_key_of_each_part(keys, val, test, seed, new) -> None:
    before = make_split(keys, val_fraction=val, test_fraction=test, seed=seed)
    after = make_split([*keys, new], val_fraction=val, test_fraction=test, seed=seed)
    for part in ("val", "test"):
        left = set(before.part(part)) - set(after.part(part))
        came = set(after.part(part)) - set(before.part(part)) - {new}
        assert len(left) <= 1
        assert len(came) <= 1
