"""Drawing a split."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from limner.data import make_split
from limner.data.splits import PARTS, draw, find_groups
from limner.errors import DataError

KEYS = [f"case{i:02d}" for i in range(20)]


def sizes(split) -> tuple[int, ...]:
    return tuple(len(split.part(part)) for part in PARTS)


def test_default_shares() -> None:
    split = make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0)
    assert sizes(split) == (16, 2, 2)
    assert split.origin == "drawn at random: validation 0.1, test 0.1 of 20, seed 0"


def test_seed_matters() -> None:
    assert make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0) != make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=1)


def test_a_draw_is_the_same_in_every_version() -> None:
    """A seed that is quoted somewhere should still give the split that it gave then."""
    split = make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0)
    assert (split.val, split.test) == (("case07", "case09"), ("case01", "case10"))


def test_without_test() -> None:
    assert make_split(KEYS, val_fraction=0.1, test_fraction=0, seed=0).test == ()


@pytest.mark.parametrize(("n", "test", "expected"), [(3, 0.1, (1, 1, 1)), (4, 0.1, (2, 1, 1)), (2, 0, (1, 1, 0))])
def test_tiny_sets(n: int, test: float, expected) -> None:
    assert sizes(make_split(KEYS[:n], val_fraction=0.1, test_fraction=test, seed=0)) == expected


@pytest.mark.parametrize(("n", "val", "test"), [(0, 0.1, 0.1), (1, 0.1, 0), (2, 0.1, 0.1)])
def test_nothing_left_to_train_on(n: int, val: float, test: float) -> None:
    with pytest.raises(DataError, match=f"{n} images cannot be split"):
        make_split(KEYS[:n], val_fraction=val, test_fraction=test, seed=0)


@pytest.mark.parametrize(("val", "test"), [(0, 0.1), (-0.1, 0.1), (1.0, 0), (0.1, -0.2), (0.1, 1.5), (float("nan"), 0.1)])
def test_impossible_shares(val: float, test: float) -> None:
    with pytest.raises(DataError, match="fraction is"):
        make_split(KEYS, val_fraction=val, test_fraction=test, seed=0)


def test_fewer_groups_than_parts_names_the_largest() -> None:
    groups = find_groups(KEYS, known={key: "left" if number < 14 else "right" for number, key in enumerate(KEYS)})
    with pytest.raises(DataError, match=r"20 images .*: they are of 2 groups, and 3 are needed; the largest, 'left', holds 14") as caught:
        draw(groups, val_fraction=0.1, test_fraction=0.1, seed=0)
    assert "data.group" in str(caught.value.fix)
    assert sizes(draw(groups, val_fraction=0.1, test_fraction=0, seed=0)) == (14, 6, 0)


def test_a_single_group_is_said_to_be_one() -> None:
    with pytest.raises(DataError, match="all of them are of one group; the largest, 'like case00', holds 20"):
        draw(find_groups(KEYS, links=pairwise(KEYS)), val_fraction=0.1, test_fraction=0, seed=0)


def test_a_large_group_is_not_put_into_a_small_part() -> None:
    """Wherever it falls in the order: a patient with half of the images would make half a data set of the test part."""
    groups = find_groups(KEYS, known=dict.fromkeys(KEYS[:10], "large"))
    for seed in range(30):
        assert sizes(draw(groups, val_fraction=0.1, test_fraction=0.1, seed=seed)) == (16, 2, 2)


def test_a_group_more_or_less_is_as_near_as_it_gets() -> None:
    """Of twelve groups of five, 0.1 is six images: one group is nearer than none or two."""
    keys = [f"{letter}{number}" for letter in "abcdefghijkl" for number in range(5)]
    split = draw(find_groups(keys, known={key: key[0] for key in keys}), val_fraction=0.1, test_fraction=0.2, seed=0)
    assert sizes(split) == (45, 5, 10)
    assert [split.count_groups(part) for part in PARTS] == [9, 1, 2]
    assert split.origin == "drawn at random in 12 groups: validation 0.1, test 0.2 of 60, seed 0"


def test_parts_have_foreground_of_like_size() -> None:
    shares = {f"k{number:03d}": float(share) for number, share in enumerate(np.random.default_rng(0).lognormal(-2.5, 1.2, 200).clip(0, 1))}
    spread = {True: [], False: []}
    for balanced in (True, False):
        for seed in range(60):
            groups = find_groups(shares, shares=shares if balanced else None)
            split = draw(groups, val_fraction=0.1, test_fraction=0.1, seed=seed)
            logs = [np.log([shares[key] for key in split.part(part)]).mean() for part in ("train", "test")]
            spread[balanced].append(abs(logs[0] - logs[1]))
    assert median(spread[True]) < 0.6 * median(spread[False])
    assert (
        "balanced by the size of the foreground"
        in draw(find_groups(shares, shares=shares), val_fraction=0.1, test_fraction=0.1, seed=0).origin
    )


def test_a_few_files_more_move_only_few_others() -> None:
    """Patients of one to nine images; five images of known patients and three patients are added to 400 images."""
    random = np.random.default_rng(1)
    known: dict[str, str] = {}
    for patient in range(90):
        known |= {f"p{patient}-{number}": f"p{patient}" for number in range(int(random.integers(1, 9)))}
    shares = {key: float(random.lognormal(-2.5, 1.0)) % 1 for key in known}
    more = {f"p{patient}-new": f"p{patient}" for patient in range(5)} | {
        f"q{patient}-{number}": f"q{patient}" for patient in range(3) for number in range(4)
    }
    more_shares = dict.fromkeys(more, 0.1)
    moved = []
    for seed in range(20):
        before = draw(find_groups(known, known=known, shares=shares), val_fraction=0.1, test_fraction=0.1, seed=seed).part_of()
        grown = find_groups([*known, *more], known=known | more, shares=shares | more_shares)
        after = draw(grown, val_fraction=0.1, test_fraction=0.1, seed=seed).part_of()
        moved.append(sum(after[key] != part for key, part in before.items()) / len(before))
    assert np.mean(moved) < 0.05
    assert max(moved) < 0.12
