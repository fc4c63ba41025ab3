"""What pictures say of where they belong."""

from __future__ import annotations

import pytest
from tests.data.splits.pictures import brighter, reopen, scene, write_scenes

from limner.data.lookalikes import Lookalike
from limner.data.splits import Evidence, gather, groups_of


@pytest.fixture
def dataset(tmp_path):
    """`a1` is also there as `b1`, and brighter as `c1`."""
    pictures = {"a1": scene(1), "a2": scene(2), "b1": scene(1), "b2": scene(3), "c1": brighter(scene(1)), "c2": scene(4)}
    return write_scenes(tmp_path / "data", pictures, {"a1": 0.5, "a2": 0.0, "b1": 0.125})


def members(groups) -> list[tuple[str, ...]]:
    return [group.keys for group in groups]


def test_each_picture_is_looked_at_and_measured(dataset) -> None:
    ticks = []
    evidence = gather(dataset, progress=lambda done, total: ticks.append((done, total)))
    assert ticks == [(number, 6) for number in range(1, 7)]
    assert evidence.shares == {"a1": 0.5, "a2": 0.0, "b1": 0.125, "b2": 0.25, "c1": 0.25, "c2": 0.25}
    assert [(pair.first, pair.second) for pair in evidence.lookalikes if pair.kind == "identical"] == [("a1", "b1")]


def test_only_what_is_asked_for_is_read(dataset) -> None:
    assert gather(dataset, looks=False).looks == {}
    assert gather(dataset, shares=False).shares == {}
    assert gather(dataset, looks=False, shares=False) == Evidence()


def test_what_cannot_be_read_is_left_out(dataset, tmp_path) -> None:
    (tmp_path / "data" / "images" / "a1.png").write_bytes(b"no image")
    (tmp_path / "data" / "masks" / "a2.png").write_bytes(b"no mask")
    evidence = gather(dataset)
    assert sorted(evidence.looks) == ["a2", "b1", "b2", "c1", "c2"]
    assert sorted(evidence.shares) == ["b1", "b2", "c1", "c2"]


def test_lookalikes_are_one_group_unless_that_is_switched_off(dataset) -> None:
    evidence = gather(dataset)
    assert members(groups_of(dataset.items, evidence)) == [("a1", "b1", "c1"), ("a2",), ("b2",), ("c2",)]
    assert len(groups_of(dataset.items, evidence, lookalikes=False)) == 6


def test_copies_join_patients(dataset) -> None:
    grouped = reopen(dataset, "^.")
    found = groups_of(grouped.items, gather(grouped))
    assert members(found) == [("a1", "a2", "b1", "b2", "c1", "c2")]
    assert found[0].label == "a"


def test_a_mere_resemblance_does_not_join_patients_that_are_known_to_be_two(dataset, monkeypatch) -> None:
    alike = [Lookalike("a1", "b2", "similar", 0.8), Lookalike("a2", "c2", "copy", 0.9)]
    monkeypatch.setattr("limner.data.splits.evidence.find_lookalikes", lambda _: alike)
    assert members(groups_of(reopen(dataset, "^[ab]").items, Evidence())) == [("a1", "a2", "c2"), ("b1", "b2"), ("c1",)]
    assert members(groups_of(dataset.items, Evidence())) == [("a1", "b2"), ("a2", "c2"), ("b1",), ("c1",)]


def test_shares_count_only_for_stratifying(dataset) -> None:
    evidence = gather(dataset, looks=False)
    assert {group.share for group in groups_of(dataset.items, evidence, stratify=False)} == {None}
    assert groups_of(dataset.items, evidence)[0].share == 0.5
