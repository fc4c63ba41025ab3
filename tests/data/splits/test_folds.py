"""Folds of a cross-validation."""

from __future__ import annotations

from collections import Counter

import pytest

from limner.data.splits import draw_folds, find_groups
from limner.data.splits.strata import stratum
from limner.errors import DataError

KEYS = [f"case{number:02d}" for number in range(30)]


def test_each_image_is_tested_once_and_strata_are_even() -> None:
    shares = {key: (0.3, 0.1, 0.0)[number % 3] for number, key in enumerate(KEYS)}
    splits = draw_folds(find_groups(KEYS, shares=shares), 5, val_fraction=0.1, seed=0)
    assert sorted(key for split in splits for key in split.test) == KEYS
    assert [(split.fold, len(split.train), len(split.val), len(split.test)) for split in splits] == [
        ((number, 5), 21, 3, 6) for number in range(1, 6)
    ]
    assert all(Counter(stratum(shares[key]) for key in split.test) == {"2^-2": 2, "2^-4": 2, "empty": 2} for split in splits)
    assert splits[1].origin == "fold 2 of 5, drawn at random, balanced by the size of the foreground: validation 0.1 of 30, seed 0"


def test_as_many_groups_as_folds_are_one_each() -> None:
    known = {key: f"p{min(number, 3)}" for number, key in enumerate(KEYS)}
    splits = draw_folds(find_groups(KEYS, known=known), 4, val_fraction=0.1, seed=0)
    assert sorted(len(split.test) for split in splits) == [1, 1, 1, 27]
    assert all(split.count_groups("test") == 1 for split in splits)


def test_another_seed_gives_other_folds() -> None:
    tests = [tuple(split.test for split in draw_folds(find_groups(KEYS), 3, val_fraction=0.1, seed=seed)) for seed in (0, 0, 1)]
    assert tests[0] == tests[1] != tests[2]


@pytest.mark.parametrize(
    ("groups", "folds", "match"),
    [
        (3, 4, "30 images cannot be put into 4 folds: they are of 3 groups, and 4 are needed; the largest, 'p2', holds 28"),
        (2, 2, "30 images cannot be put into 2 folds: they are of 2 groups, and 3 are needed"),
        (1, 2, "all of them are of one group"),
        (3, 2, "images of the other folds cannot be trained and validated on in fold"),
        (5, 1, "cannot have 1 folds"),
    ],
)
def test_too_few_groups(groups: int, folds: int, match: str) -> None:
    known = {key: f"p{min(number, groups - 1)}" for number, key in enumerate(KEYS)}
    with pytest.raises(DataError, match=match):
        draw_folds(find_groups(KEYS, known=known), folds, val_fraction=0.1, seed=0)
