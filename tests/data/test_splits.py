"""Splits: drawn, from lists, saved, verified."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from tests.data.folders import image_bytes, pairs, write_folder

from limner.data import Split, load_split, make_split, open_source, save_split, split_from_lists, verify_split
from limner.errors import DataError

KEYS = [f"case{i:02d}" for i in range(20)]


def test_default_shares() -> None:
    split = make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0)
    assert (len(split.train), len(split.val), len(split.test)) == (16, 2, 2)
    assert "seed 0" in split.origin
    assert split.part("val") == split.val


def test_seed_matters() -> None:
    assert make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0) != make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=1)


def test_without_test() -> None:
    assert make_split(KEYS, val_fraction=0.1, test_fraction=0, seed=0).test == ()


@pytest.mark.parametrize(("n", "test", "sizes"), [(3, 0.1, (1, 1, 1)), (4, 0.1, (2, 1, 1)), (2, 0, (1, 1, 0))])
def test_tiny_sets(n: int, test: float, sizes) -> None:
    split = make_split(KEYS[:n], val_fraction=0.1, test_fraction=test, seed=0)
    assert (len(split.train), len(split.val), len(split.test)) == sizes


@pytest.mark.parametrize(("n", "val", "test"), [(0, 0.1, 0.1), (1, 0.1, 0), (2, 0.1, 0.1), (10, 0.5, 0.5), (10, 0.9, 0.9)])
def test_nothing_left_to_train_on(n: int, val: float, test: float) -> None:
    with pytest.raises(DataError, match=f"{n} images cannot be split"):
        make_split(KEYS[:n], val_fraction=val, test_fraction=test, seed=0)


@pytest.mark.parametrize(("val", "test"), [(0, 0.1), (-0.1, 0.1), (1.0, 0), (0.1, -0.2), (0.1, 1.5)])
def test_impossible_shares(val: float, test: float) -> None:
    with pytest.raises(DataError, match="fraction is"):
        make_split(KEYS, val_fraction=val, test_fraction=test, seed=0)


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


def test_unknown_part() -> None:
    with pytest.raises(DataError, match="no part 'tset'"):
        make_split(KEYS, val_fraction=0.1, test_fraction=0.1, seed=0).part("tset")


@pytest.fixture
def write(tmp_path):
    """Writes a list and gives its path."""

    def write_list(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_list


def test_lists_with_validation(write) -> None:
    lists = {"train": write("tr", "case00\ncase01\n"), "validation": write("va", "case02\n"), "test": write("te", "case03")}
    split = split_from_lists(KEYS, lists, val_fraction=0.1, seed=0)
    assert (split.train, split.val, split.test) == (("case00", "case01"), ("case02",), ("case03",))
    assert split.origin == "lists train tr, val va, test te"


def test_validation_is_drawn_from_train_only(write) -> None:
    lists = {"train": write("tr", "\n".join(KEYS[:10])), "test": write("te", "\n".join(KEYS[10:]))}
    split = split_from_lists(KEYS, lists, val_fraction=0.2, seed=0)
    assert set(split.train) | set(split.val) == set(KEYS[:10])
    assert len(split.val) == 2
    assert split.test == tuple(KEYS[10:])
    assert "validation drawn from train: 2 of 10" in split.origin


def test_keys_on_no_list_are_not_used_and_test_may_be_missing(write) -> None:
    split = split_from_lists(KEYS, {"train": write("tr", "case05\ncase06\ncase07")}, val_fraction=0.1, seed=0)
    assert sorted(split.train + split.val) == KEYS[5:8]
    assert split.test == ()


@pytest.mark.parametrize(
    "text",
    [
        "case00\r\ncase01\r\n",
        b"\xef\xbb\xbfcase00\ncase01",
        "\n\n  case00  \n\n# a comment\ncase01 # another\n#case02",
        "case00.jpg\ncase01.PNG\n",
        "images/case00.jpg\nSet/images/case01.jpg",
        "images\\case00.jpg\nimages\\case01",
    ],
)
def test_ways_to_write_a_list(write, text) -> None:
    split = split_from_lists(KEYS, {"train": write("tr", text), "val": write("va", "case19")}, val_fraction=0.1, seed=0)
    assert split.train == ("case00", "case01")


def test_keys_that_look_like_something_else(write) -> None:
    keys = ["a.png", "train/1", "ä", "b#c", "z"]
    lists = {"train": write("tr", "a.png\ntrain/1\na\u0308\nb#c"), "val": write("va", "z")}
    assert split_from_lists(keys, lists, val_fraction=0.1, seed=0).train == ("a.png", "b#c", "train/1", "ä")


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ("case00\nnobody\nnothing", "case02", "train list names 2 of 3 ids that are not in the data: nobody, nothing"),
        ("case00\ncase00.jpg", "case02", "train list names ids twice: case00"),
        ("case00\ncase01", "case01", "overlap: train and test share 1: case01"),
        ("", "case02", "train list is empty"),
        ("case00\ncase01", "# nothing\n\n", "test list is empty"),
        (b"\xff\xfe\x00c", "case02", "not UTF-8"),
        ("case00", "case02", "1 of the train list's images cannot be split"),
    ],
)
def test_faulty_lists(write, train, test, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        split_from_lists(KEYS, {"train": write("tr", train), "test": write("te", test)}, val_fraction=0.1, seed=0)
    assert caught.value.fix


def test_faulty_names_of_lists(write, tmp_path) -> None:
    path = write("a", "case00")
    with pytest.raises(DataError, match="no part 'tets'"):
        split_from_lists(KEYS, {"train": path, "tets": path}, val_fraction=0.1, seed=0)
    with pytest.raises(DataError, match="no list for train"):
        split_from_lists(KEYS, {"test": path}, val_fraction=0.1, seed=0)
    with pytest.raises(DataError, match="val and validation"):
        split_from_lists(KEYS, {"train": path, "val": path, "validation": path}, val_fraction=0.1, seed=0)
    with pytest.raises(DataError, match="no such file"):
        split_from_lists(KEYS, {"train": tmp_path / "nowhere"}, val_fraction=0.1, seed=0)


def test_round_trip_with_hashes(tmp_path) -> None:
    data = open_source(write_folder(tmp_path / "data", pairs(KEYS[:6])))
    split = make_split(data.keys(), val_fraction=0.2, test_fraction=0.2, seed=3)
    save_split(split, data, tmp_path / "run" / "split.json")
    assert load_split(tmp_path / "run" / "split.json") == split
    saved = json.loads((tmp_path / "run" / "split.json").read_text())
    assert list(saved) == ["seed", "origin", "train", "val", "test"]
    assert saved["val"] == {key: data[key].hashes() for key in split.val}
    assert verify_split(tmp_path / "run" / "split.json", data) == ()


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
    ],
)
def test_files_that_are_no_split(write, text: str) -> None:
    with pytest.raises(DataError, match="the file is no split"):
        load_split(write("split.json", text))


def test_missing_split_file(tmp_path) -> None:
    with pytest.raises(DataError, match="no such split file"):
        load_split(tmp_path / "split.json")


def test_official_split_of_kvasir(shared) -> None:
    folder = shared / "data" / "kvasir-seg"
    lists = {part: folder / "splits" / f"official-880-120.{part}.txt" for part in ("train", "test")}
    data = open_source(folder / "kvasir-seg.zip")
    split = split_from_lists(data.keys(), lists, val_fraction=0.1, seed=0)
    assert (len(split.train), len(split.val), len(split.test)) == (792, 88, 120)
    assert set(split.train + split.val + split.test) == set(data.keys())


def test_three_lists_of_kvasir(shared) -> None:
    folder = shared / "data" / "kvasir-seg"
    lists = {part: folder / "splits" / f"effisegnet-800-100-100.{part}.txt" for part in ("train", "validation", "test")}
    split = split_from_lists(open_source(folder / "kvasir-seg.zip").keys(), lists, val_fraction=0.1, seed=0)
    assert (len(split.train), len(split.val), len(split.test)) == (800, 100, 100)
