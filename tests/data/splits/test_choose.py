"""How the split of a run comes about."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.data.folders import image_bytes, pairs, write_folder
from tests.data.splits.pictures import brighter, reopen, scene, write_scenes

from limner.data import open_source, save_split
from limner.data.splits import (
    DrawRules,
    Evidence,
    check_choice,
    check_groups,
    choose_folds,
    choose_split,
    find_leaks,
    gather,
    load_split,
    names_official,
)
from limner.errors import DataError

KEYS = [f"case{number:02d}" for number in range(12)]


@pytest.fixture
def dataset(tmp_path):
    return open_source(write_folder(tmp_path / "data", pairs(KEYS)))


class Entry(SimpleNamespace):
    """What a split asks of the catalog."""

    def split_names(self):
        return ["official-8-4"]

    def split(self, name, keys):
        return {"train": tuple(sorted(keys)[:8]), "test": tuple(sorted(keys)[8:])}


@pytest.fixture
def known(dataset):
    return replace(dataset, entry=Entry())


def test_a_drawn_split_keeps_copies_together_and_balances(tmp_path) -> None:
    pictures = {f"k{number:02d}": scene(number) for number in range(16)}
    pictures |= {f"k{number + 16:02d}": brighter(scene(number)) for number in range(8)}
    data = write_scenes(tmp_path / "data", pictures)
    evidence = gather(data)
    split = choose_split(data, None, DrawRules(), evidence)
    assert find_leaks(data, split, evidence.looks).leaks == ()
    assert split.origin == "drawn at random in 16 groups, balanced by the size of the foreground: validation 0.1, test 0.1 of 24, seed 0"
    plain = [choose_split(data, None, DrawRules(lookalikes=False, stratify=False, seed=seed), evidence) for seed in range(5)]
    assert any(find_leaks(data, split, evidence.looks).leaks for split in plain)
    assert "balanced" not in plain[0].origin


def test_a_patient_is_in_one_part(dataset) -> None:
    data = reopen(dataset, r"case\d")
    for seed in range(9):
        split = choose_split(data, None, DrawRules(val_fraction=0.2, test_fraction=0, seed=seed), Evidence())
        assert {split.part_of()[key] for key in KEYS[:10]} == {"train"}


def test_a_saved_split_must_be_of_these_files(dataset, tmp_path) -> None:
    split = choose_split(dataset, None, DrawRules(), Evidence())
    save_split(split, dataset, tmp_path / "split.json")
    assert choose_split(dataset, tmp_path / "split.json", DrawRules(), Evidence()) == split
    write_folder(tmp_path / "data", {f"images/{split.val[0]}.png": image_bytes(99)})
    with pytest.raises(DataError, match="1 file changed or gone since the split was made"):
        choose_split(open_source(tmp_path / "data"), tmp_path / "split.json", DrawRules(), Evidence())


def test_an_official_split_gets_its_validation_part_from_train(known) -> None:
    split = choose_split(known, "official-8-4", DrawRules(val_fraction=0.25), Evidence())
    assert split.test == tuple(KEYS[8:])
    assert len(split.val) == 2
    assert sorted(split.train + split.val) == KEYS[:8]
    assert split.origin == "official split official-8-4; validation drawn from train: 2 of 8, seed 0"


def test_names_of_official_splits(known, dataset, tmp_path) -> None:
    assert names_official("official-8-4", known)
    assert not names_official("runs/a/split.json", known)
    assert not names_official(tmp_path / "lists" / "official-8-4", known), "a path"
    with pytest.raises(DataError, match="no official split 'official-8-5'") as caught:
        names_official("official-8-5", known)
    assert caught.value.fix == "did you mean 'official-8-4'?"
    with pytest.raises(DataError, match="no official split 'official-8-4'"):
        names_official("official-8-4", dataset)


def test_a_wrong_choice_is_told_before_pictures_are_read(known, tmp_path) -> None:
    check_choice(known, None)
    check_choice(known, "official-8-4")
    (tmp_path / "list.txt").write_text("nobody")
    for choice, match in (
        ({"train": tmp_path / "list.txt"}, "1 of 1 ids that are not in the data"),
        (tmp_path / "gone.json", "no such split file"),
        ("official", "no official split 'official'"),
    ):
        with pytest.raises(DataError, match=match):
            check_choice(known, choice)


def test_a_pattern_that_finds_nothing_is_an_error(dataset) -> None:
    check_groups(dataset, None)
    check_groups(reopen(dataset, "case0"), "case0")
    with pytest.raises(DataError, match="finds nothing in any of 12 keys, such as 'case00'"):
        check_groups(reopen(dataset, "^patient"), "^patient")


def test_keeping_a_split_keeps_its_groups(dataset, tmp_path) -> None:
    """What was found to look alike then still counts when nobody looks."""
    old = choose_split(reopen(dataset, r"case0\d"), None, DrawRules(val_fraction=0.3, test_fraction=0.3), Evidence())
    save_split(old.model_copy(update={"groups": {"case00": "like case00", "case01": "like case00"}}), dataset, tmp_path / "old.json")
    kept = load_split(tmp_path / "old.json")
    split = choose_split(dataset, None, DrawRules(val_fraction=0.3, test_fraction=0.3), Evidence(), keep=kept)
    assert split.part_of() == old.part_of()
    assert split.groups == kept.groups


def test_folds(dataset) -> None:
    splits = choose_folds(dataset, 4, DrawRules(), Evidence())
    assert sorted(key for split in splits for key in split.test) == KEYS


def test_a_saved_split_of_other_data_is_told_before_pictures_are_read(dataset, tmp_path) -> None:
    save_split(choose_split(dataset, None, DrawRules(), Evidence()), dataset, tmp_path / "split.json")
    other = open_source(write_folder(tmp_path / "other", pairs(["x", "y", "z"])))
    with pytest.raises(DataError, match="the split is of other data: none of its 12 images"):
        check_choice(other, tmp_path / "split.json")
