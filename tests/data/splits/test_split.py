"""A split as data: sound, saved, loaded, verified."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from tests.data.folders import image_bytes, pairs, write_folder

from limner.data import Split, load_split, make_split, open_source, save_split, verify_split
from limner.data.splits import draw, draw_folds, find_groups, load_hashes
from limner.errors import DataError

KEYS = [f"case{i:02d}" for i in range(20)]


@pytest.mark.parametrize(
    "parts",
    [
        {"train": ("a",), "val": ("a",)},
        {"train": ("a",), "val": ("b",), "test": ("b",)},
        {"train": (), "val": ("b",)},
        {"train": ("a",), "val": ()},
        {"train": ("a", "a"), "val": ("b",)},
    ],
)
def test_unsound_splits_cannot_be_made(parts) -> None:
    with pytest.raises(ValidationError):
        Split(**parts, seed=0, origin="by hand")


def test_parts_by_name_and_by_key() -> None:
    split = Split(train=("a", "b"), val=("c",), test=("d",), seed=0, origin="by hand")
    assert split.part("val") == ("c",)
    assert split.part_of() == {"a": "train", "b": "train", "c": "val", "d": "test"}
    with pytest.raises(DataError, match="no part 'tset'"):
        split.part("tset")


def test_round_trip_with_hashes_and_groups(tmp_path) -> None:
    data = open_source(write_folder(tmp_path / "data", pairs(KEYS[:6])))
    groups = find_groups(data.keys(), known={"case00": "p1", "case01": "p1"})
    split = draw(groups, val_fraction=0.2, test_fraction=0.2, seed=3)
    save_split(split, data, tmp_path / "run" / "split.json")
    assert load_split(tmp_path / "run" / "split.json") == split
    saved = json.loads((tmp_path / "run" / "split.json").read_text())
    assert list(saved) == ["seed", "origin", "train", "val", "test", "groups"]
    assert saved["val"] == {key: data[key].hashes() for key in split.val}
    assert saved["groups"] == {"case00": "p1", "case01": "p1"}
    assert load_hashes(tmp_path / "run" / "split.json") == {part: saved[part] for part in ("train", "val", "test")}
    assert verify_split(tmp_path / "run" / "split.json", data) == ()


def test_a_fold_knows_its_number(tmp_path) -> None:
    data = open_source(write_folder(tmp_path / "data", pairs(KEYS[:6])))
    second = draw_folds(find_groups(data.keys()), 3, val_fraction=0.2, seed=0)[1]
    save_split(second, data, tmp_path / "fold-2.json")
    assert load_split(tmp_path / "fold-2.json").fold == (2, 3)


def test_a_file_of_an_earlier_limner_is_read(tmp_path) -> None:
    (tmp_path / "split.json").write_text('{"seed": 1, "origin": "x", "train": {"a": {"image": "0"}}, "val": {"b": {}}, "test": {}}')
    assert load_split(tmp_path / "split.json") == Split(train=("a",), val=("b",), seed=1, origin="x")


def test_changed_and_missing_files_are_named(tmp_path) -> None:
    folder = write_folder(tmp_path / "data", pairs(["a", "b", "c"]))
    data = open_source(folder)
    save_split(make_split(data.keys(), val_fraction=0.2, test_fraction=0.2, seed=0), data, tmp_path / "split.json")
    (folder / "masks" / "a.png").write_bytes(b"other")
    (folder / "images" / "b.png").unlink()
    write_folder(folder, {"images/c.png": image_bytes(77)})
    changes = verify_split(tmp_path / "split.json", open_source(folder))
    assert sorted(changes) == ["a: the mask has changed", f"b: no longer in {folder}", "c: the image has changed"]


def test_split_of_other_data_is_not_saved(tmp_path) -> None:
    data = open_source(write_folder(tmp_path / "data", pairs(["a", "b", "c"])))
    with pytest.raises(DataError, match="no item"):
        save_split(make_split("xyz", val_fraction=0.2, test_fraction=0.2, seed=0), data, tmp_path / "split.json")
    assert not (tmp_path / "split.json").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"seed": 0, "origin": "x", "train": {"a": {}}, "val": {"a": {}}}',
        '{"seed": 0, "origin": "x", "train": 5, "val": ["b"]}',
        '{"seed": 0, "origin": "x", "train": ["a"], "val": ["b"]}',
        '{"seed": 0, "origin": "x", "train": {"a": 1}, "val": {"b": {}}}',
        '{"seed": 0, "origin": "x", "train": {"a": {}}, "val": {"b": {}}, "groups": ["a"]}',
    ],
)
@pytest.mark.parametrize("read", [load_split, load_hashes])
def test_files_that_are_no_split(tmp_path, text: str, read) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DataError, match="the file is no split"):
        read(tmp_path / "split.json")


def test_missing_split_file(tmp_path) -> None:
    with pytest.raises(DataError, match="no such split file"):
        load_split(tmp_path / "split.json")
