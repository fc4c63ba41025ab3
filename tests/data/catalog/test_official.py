"""Published splits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.data.catalog import catalog_entry, entries
from limner.data.catalog.official import by_bits, fingerprint_of, read_bits, write_bits
from limner.errors import DataError

STARE_IDS = (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324)
WHOLE = {
    "drive": [*(f"{number:02d}_test" for number in range(1, 21)), *(f"{number}_training" for number in range(21, 41))],
    "chase-db1": [f"Image_{number:02d}{eye}" for number in range(1, 15) for eye in "LR"],
    "stare": [f"im{number:04d}" for number in STARE_IDS],
    "hrf": [f"{number:02d}_{kind}" for number in range(1, 16) for kind in ("dr", "g", "h")],
    "fives": [f"{part}/{number}_A" for part, size in (("train", 600), ("test", 200)) for number in range(size)],
    "isic2018-task1": [
        f"{part}/ISIC_{number:07d}" for part, size in (("train", 2594), ("val", 100), ("test", 1000)) for number in range(size)
    ],
}


@pytest.mark.parametrize("name", WHOLE)
def test_rules_divide_the_whole_data_set(name: str) -> None:
    entry = catalog_entry(name)
    assert len(WHOLE[name]) == entry.pairs
    [split] = entry.splits
    parts = entry.split(split.name, WHOLE[name])
    assert {part: len(keys) for part, keys in parts.items()} == dict(split.sizes)
    assert sorted(key for keys in parts.values() for key in keys) == sorted(WHOLE[name])


def test_rules_put_each_image_where_it_belongs() -> None:
    drive = catalog_entry("drive").split("official-20-20", WHOLE["drive"])
    assert drive["train"] == tuple(f"{number}_training" for number in range(21, 41))
    chase = catalog_entry("chase-db1").split("first-20-8", WHOLE["chase-db1"])
    assert (chase["train"][-1], chase["test"][0]) == ("Image_10R", "Image_11L")
    stare = catalog_entry("stare").split("first-10-10", WHOLE["stare"])
    assert (stare["train"][-1], stare["test"][0]) == ("im0139", "im0162")
    hrf = catalog_entry("hrf").split("first-5-of-each", WHOLE["hrf"])
    assert hrf["train"][-3:] == ("05_dr", "05_g", "05_h")


@pytest.mark.parametrize("name", [entry.name for entry in entries() if entry.group])
def test_no_group_is_divided(name: str) -> None:
    entry = catalog_entry(name)
    for split in entry.split_names():
        parts = entry.split(split, WHOLE[name])
        groups = [{entry.group_of(key) for key in keys} for keys in parts.values()]
        assert sum(map(len, groups)) == len(set.union(*groups))


def test_unknown_name_has_a_hint() -> None:
    with pytest.raises(DataError, match="no split 'first-20-9'") as caught:
        catalog_entry("chase-db1").split("first-20-9", WHOLE["chase-db1"])
    assert "first-20-8" in (caught.value.fix or "")
    with pytest.raises(DataError, match="has no split") as caught:
        catalog_entry("busi").split("official", ["benign (1)"])
    assert "leave the split out" in (caught.value.fix or "")


def test_some_missing_images_do_no_harm_and_many_are_an_error() -> None:
    entry = catalog_entry("drive")
    assert len(entry.split("official-20-20", WHOLE["drive"][3:])["test"]) == 17
    with pytest.raises(DataError, match=r"'official-20-20' does not fit .* of the 20 images of its test part 5 are there"):
        entry.split("official-20-20", WHOLE["drive"][15:])
    with pytest.raises(DataError, match="of its train part 0 are there"):
        entry.split("official-20-20", ["a", "b"])


@pytest.mark.parametrize(
    ("split", "files"),
    [
        ("official-880-120", {"train": "train", "test": "test"}),
        ("effisegnet-800-100-100", {"train": "train", "val": "validation", "test": "test"}),
    ],
)
def test_kvasir_splits_are_the_published_lists(shared, split: str, files: dict[str, str]) -> None:
    folder = shared / "data" / "kvasir-seg" / "splits"
    lists = {part: sorted((folder / f"{split}.{file}.txt").read_text().split()) for part, file in files.items()}
    found = catalog_entry("kvasir-seg").split(split, [key for keys in lists.values() for key in keys])
    assert {part: list(keys) for part, keys in found.items()} == lists


def test_kvasir_split_is_refused_to_other_images() -> None:
    with pytest.raises(DataError, match="not all, those that it was published for"):
        catalog_entry("kvasir-seg").split("official-880-120", [f"cju{number}" for number in range(1000)])


@given(st.lists(st.booleans(), max_size=40))
def test_bits_come_back(members: list[bool]) -> None:
    assert read_bits(write_bits(members), len(members)) == members
    assert len(write_bits(members)) == -(-len(members) // 4)


def test_bits_depend_on_all_ids_but_not_on_their_order() -> None:
    parts = by_bits(fingerprint_of("dcba"), {"train": "", "val": write_bits([True, False, False, False]), "test": "1"})
    assert parts("abcd") == {"train": ["b", "c"], "val": ["a"], "test": ["d"]}
    with pytest.raises(DataError):
        parts("abc")
