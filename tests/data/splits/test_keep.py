"""Adding images to a split that is kept."""

from __future__ import annotations

import pytest

from limner.data.splits import Split, draw, draw_folds, find_groups
from limner.data.splits.keep import kept_links
from limner.errors import DataError

OLD = Split(train=tuple("abcdefgh"), val=("i",), test=("j",), seed=0, origin="by hand", groups={"a": "p1", "b": "p1", "j": "p2"})
SHARES = {"val_fraction": 0.1, "test_fraction": 0.1, "seed": 0}


def added(keys: str, **known: str) -> Split:
    groups = find_groups([*"abcdefghij", *keys], known=OLD.groups | known)
    return draw(groups, **SHARES, keep=OLD)


def test_all_stay_where_they_are() -> None:
    split = added("klmnopqrst")
    assert all(split.part_of()[key] == part for key, part in OLD.part_of().items())
    assert (len(split.train), len(split.val), len(split.test)) == (16, 2, 2)
    assert split.origin == "by hand; 10 images added"


def test_new_images_go_with_their_group_however_large_the_part_gets() -> None:
    split = added("klmn", k="p2", l="p2", m="p1", n="p2")
    assert split.test == tuple("jkln")
    assert "m" in split.train
    assert split.groups["k"] == "p2"


def test_new_groups_go_to_where_most_is_missing() -> None:
    split = added("xyz", x="p9", y="p9", z="p9")
    assert set("xyz") <= set(split.train)
    short = OLD.model_copy(update={"train": tuple("abcdefghj"), "test": ()})
    grown = draw(find_groups([*"abcdefghij", *"xyz"], known=dict.fromkeys("xyz", "p9")), **SHARES, keep=short)
    assert grown.test == tuple("xyz"), "a part that is empty comes first"


def test_a_group_that_links_two_parts_goes_to_the_one_that_holds_more_of_it() -> None:
    split = draw(find_groups([*"abcdefghij", "k"], links=[("k", "a"), ("k", "b"), ("k", "j")]), **SHARES, keep=OLD)
    assert "k" in split.train
    assert split.test == ("j",)


def test_images_that_are_gone_are_left_out() -> None:
    split = draw(find_groups("abcdefgijk"), **SHARES, keep=OLD)
    assert sorted(split.part_of()) == sorted("abcdefgijk")
    assert split.origin == "by hand; 1 image added; 1 image gone"


def test_nothing_left_of_a_part() -> None:
    with pytest.raises(DataError, match="nothing of the val part"):
        draw(find_groups("abcj"), **SHARES, keep=OLD)


def test_a_fold_is_not_added_to() -> None:
    fold = draw_folds(find_groups("abcdef"), 2, val_fraction=0.2, seed=0)[0]
    with pytest.raises(DataError, match="a fold of a cross-validation"):
        draw(find_groups("abcdefg"), **SHARES, keep=fold)


def test_groups_of_the_kept_split_still_hold() -> None:
    assert kept_links(OLD) == [("b", "a")]
    groups = find_groups([*"abcdefghij", "k"], links=[*kept_links(OLD), ("k", "b")])
    assert draw(groups, **SHARES, keep=OLD).groups == {"a": "like a", "b": "like a", "k": "like a"}


def test_a_split_of_other_data_is_not_kept() -> None:
    with pytest.raises(DataError, match="none of the 10 images of the split that is to be kept is in the data"):
        draw(find_groups("uvwxyz"), **SHARES, keep=OLD)
