"""Splits given as lists of ids."""

from __future__ import annotations

import pytest

from limner.data import open_source, split_from_lists
from limner.data.splits import find_groups
from limner.errors import DataError

KEYS = [f"case{i:02d}" for i in range(20)]


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


def test_validation_is_drawn_by_whole_groups(write) -> None:
    lists = {"train": write("tr", "\n".join(KEYS[:12])), "test": write("te", "\n".join(KEYS[12:]))}
    groups = find_groups(KEYS, known={key: f"p{number // 3}" for number, key in enumerate(KEYS)})
    for seed in range(9):
        split = split_from_lists(KEYS, lists, val_fraction=0.2, seed=seed, groups=groups)
        assert len(split.val) == 3
        assert len({split.groups[key] for key in split.val}) == 1
        assert not {split.groups[key] for key in split.val} & {split.groups[key] for key in split.train}
    assert "validation drawn from train in 4 groups: 3 of 12" in split.origin


def test_lists_that_divide_a_group_are_taken_as_they_are(write) -> None:
    lists = {part: write(part, key) for part, key in (("train", "case00"), ("val", "case01"), ("test", "case02"))}
    split = split_from_lists(KEYS, lists, val_fraction=0.1, seed=0, groups=find_groups(KEYS, links=[("case00", "case02")]))
    assert (split.train, split.test) == (("case00",), ("case02",))
    assert split.groups == {"case00": "like case00", "case02": "like case00"}


def test_a_train_list_of_one_patient_leaves_no_validation(write) -> None:
    groups = find_groups(KEYS, known=dict.fromkeys(KEYS[:5], "p1"))
    with pytest.raises(DataError, match=r"5 images of the train part cannot be split .*: all of them are of one group.* 'p1', holds 5"):
        split_from_lists(KEYS, {"train": write("tr", "\n".join(KEYS[:5]))}, val_fraction=0.1, seed=0, groups=groups)


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
        ("case00", "case02", "1 images of the train part cannot be split"),
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


def test_official_lists_of_kvasir(shared) -> None:
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
