"""Groups: known ones, lookalikes, and those that touch."""

from __future__ import annotations

from limner.data.splits import find_groups
from limner.data.splits.groups import labels, within


def members(groups) -> list[str]:
    return ["".join(group.keys) for group in groups]


def test_each_key_is_alone_where_nothing_is_known() -> None:
    found = find_groups("cab")
    assert members(found) == ["a", "b", "c"]
    assert [group.label for group in found] == [None, None, None]


def test_groups_that_touch_are_merged() -> None:
    found = find_groups("abcdefg", known={"a": "p2", "b": "p2", "c": "p1", "d": "p1"}, links=[("e", "f"), ("f", "b"), ("d", "a")])
    assert members(found) == ["abcdef", "g"]
    assert found[0].name == found[0].label == "p1"


def test_chains_of_links_are_one_group_whatever_their_order() -> None:
    links = [("d", "e"), ("a", "b"), ("c", "d"), ("b", "c")]
    assert members(find_groups("abcdef", links=links)) == members(find_groups("fedcba", links=links[::-1])) == ["abcde", "f"]


def test_a_patient_of_the_name_of_a_key_is_another_group() -> None:
    found = find_groups("abc", known={"b": "a"})
    assert members(found) == ["a", "b", "c"]
    assert labels(found) == {"b": "a"}


def test_lookalikes_are_called_by_their_first_key() -> None:
    assert labels(find_groups("xyz", links=[("z", "y")])) == {"y": "like y", "z": "like y"}


def test_names_and_links_of_other_keys_are_passed_over() -> None:
    assert members(find_groups("ab", known={"q": "p1"}, links=[("a", "q"), ("q", "b"), ("r", "s")])) == ["a", "b"]


def test_the_share_of_a_group_is_the_median_of_those_known() -> None:
    found = find_groups("abcde", known=dict.fromkeys("abcd", "p1"), shares={"a": 0.1, "b": 0.5, "c": 0.2})
    assert [group.share for group in found] == [0.2, None]


def test_what_of_groups_is_among_some_keys() -> None:
    groups = find_groups("abcd", known={"a": "p1", "b": "p1"}, shares={"a": 0.2, "b": 0.4})
    parts = within(groups, "bd")
    assert members(parts) == ["b", "d"]
    assert (parts[0].name, parts[0].share) == ("p1", groups[0].share)
