"""`limner split`: what it writes, what it says, what it refuses."""

from __future__ import annotations

import json

import pytest
from tests.data.folders import write_folder
from tests.data.splits.pictures import brighter, mask, scene, write_scenes

from limner.data import load_split, open_source, verify_split
from limner.imaging import encode_png


@pytest.fixture
def frames(tmp_path):
    """Ten patients of two frames each; `p9_b` is also there, brighter, as `p0_b`."""
    pictures = {f"p{number}_{frame}": scene(10 * number + place) for number in range(10) for place, frame in enumerate("ab")}
    shares = {key: 0.5 if number % 2 else 0.125 for number, key in enumerate(pictures)}
    write_scenes(tmp_path / "frames", pictures | {"p0_b": brighter(pictures["p9_b"])}, shares)
    return tmp_path / "frames"


def test_patients_and_copies_are_in_one_part(limner, frames, tmp_path):
    result = limner("split", frames, "--group", "^[^_]+", "--val", "0.2", "--test", "0.2", "--out", tmp_path / "split.json")
    assert result.exit_code == 0, result.output
    split = load_split(tmp_path / "split.json")
    part_of = split.part_of()
    assert [len(split.part(part)) for part in ("train", "val", "test")] == [10, 4, 6], "four more or less, by whole patients"
    assert {part_of[key] for key in ("p0_a", "p0_b", "p9_a", "p9_b")} in ({"train"}, {"val"}, {"test"})
    assert all(part_of[f"p{number}_a"] == part_of[f"p{number}_b"] for number in range(10))
    assert verify_split(tmp_path / "split.json", open_source(frames)) == ()
    assert "leak check: 20 images, 3 parts: no image, copy or group on both sides" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == ["train"]]
    assert rows == [["train", "10", str(split.count_groups("train")), "31.2", "%", "12.5", "-", "50.0", "%"]]


def test_without_grouping_a_copy_leaks_and_that_is_said(limner, frames, tmp_path):
    (tmp_path / "train.txt").write_text("p9_b\np1_a\np2_a")
    (tmp_path / "test.txt").write_text("p0_b\np3_a")
    lists = f"train={tmp_path / 'train.txt'},val={tmp_path / 'test.txt'}"
    result = limner("split", frames, "--split", lists, "--out", tmp_path / "split.json", "--json")
    assert result.exit_code == 0, result.output
    (made,) = json.loads(result.stdout)["splits"]
    assert made["leak_check"]["sentence"] == "leak check: 1 of 2 val images has a near-duplicate in train: p9_b ~ p0_b"
    assert made["leak_check"]["leaks"][0]["kind"] == "copy"
    assert [part["images"] for part in made["parts"]] == [3, 2, 0]
    assert made["parts"][0]["foreground"] == [0.125, 0.125, 0.3125]
    assert made["file"] == str(tmp_path / "split.json")


def test_folds_are_as_many_files(limner, frames, tmp_path):
    result = limner("split", frames, "--group", "^[^_]+", "--folds", "3", "--out", tmp_path / "folds" / "fold.json", "--json")
    assert result.exit_code == 0, result.output
    splits = [load_split(tmp_path / "folds" / f"fold-{number}.json") for number in (1, 2, 3)]
    assert [split.fold for split in splits] == [(1, 3), (2, 3), (3, 3)]
    assert sorted(key for split in splits for key in split.test) == sorted(open_source(frames).keys())
    assert [made["fold"] for made in json.loads(result.stdout)["splits"]] == [[1, 3], [2, 3], [3, 3]]


def test_a_kept_split_keeps_its_images_and_its_proportions(limner, frames, tmp_path):
    assert limner("split", frames, "--val", "0.2", "--test", "0.3", "--out", tmp_path / "old.json").exit_code == 0
    old = load_split(tmp_path / "old.json")
    (frames / "images" / "p3_a.png").write_bytes(encode_png(scene(999)))
    more = {f"images/q{number}.png": encode_png(scene(500 + number)) for number in range(20)}
    write_folder(frames, more | {f"masks/q{number}.png": encode_png(mask(0.2)) for number in range(20)})
    result = limner("split", frames, "--keep", tmp_path / "old.json", "--out", tmp_path / "new.json")
    assert result.exit_code == 0, result.output
    new = load_split(tmp_path / "new.json")
    assert {key: new.part_of()[key] for key in old.part_of()} == old.part_of()
    assert [len(new.part(part)) for part in ("train", "val", "test")] == [20, 8, 12]
    assert new.origin.endswith("; 20 images added")
    assert f"1 file changed since {tmp_path / 'old.json'} was made: p3_a: the image has changed" in result.stderr


def test_balance_and_lookalikes_can_be_switched_off(limner, frames, tmp_path):
    result = limner("split", frames, "--no-stratify", "--no-lookalikes", "--seed", "3", "--out", tmp_path / "split.json")
    assert result.exit_code == 0, result.output
    split = load_split(tmp_path / "split.json")
    assert (split.groups, split.origin) == ({}, "drawn at random: validation 0.1, test 0.1 of 20, seed 3")


def test_official_splits_by_name(limner, tmp_path, shared, monkeypatch):
    monkeypatch.setenv("LIMNER_DATA", str(shared / "data"))
    result = limner("split", "kvasir-seg", "--split", "official-880-120", "--no-lookalikes", "--out", tmp_path / "split.json", "--quiet")
    assert result.exit_code == 0, result.output
    split = load_split(tmp_path / "split.json")
    named = (shared / "data" / "kvasir-seg" / "splits" / "official-880-120.test.txt").read_text().split()
    assert sorted(split.test) == sorted(named)
    assert split.origin.startswith("official split official-880-120; validation drawn from train")


def test_nothing_is_overwritten_unasked(limner, frames, tmp_path):
    (tmp_path / "split.json").write_text("mine")
    result = limner("split", frames, "--out", tmp_path / "split.json")
    assert (result.exit_code, (tmp_path / "split.json").read_text()) == (1, "mine")
    assert "the split file already exists" in result.stderr
    assert limner("split", frames, "--out", tmp_path / "split.json", "--overwrite").exit_code == 0
    assert load_split(tmp_path / "split.json").train


@pytest.mark.parametrize(
    ("options", "code", "match"),
    [
        (["--folds", "3", "--test", "0.2"], 2, "leave out --test"),
        (["--folds", "3", "--split", "x.json"], 2, "--folds and --split do not go together"),
        (["--keep", "a.json", "--split", "b.json"], 2, "--split and --keep do not go together"),
        (["--split", "train.txt"], 2, "PART=FILE"),
        (["--folds", "1"], 2, "folds"),
        (["--keep", "gone.json"], 1, "no such split file"),
        (["--split", "official-1"], 1, "knows no official split 'official-1'"),
        (["--group", "["], 1, "no regular expression"),
        (["--group", "^scan"], 1, "finds nothing in any of 20 keys"),
        (["--group", "^p"], 1, "all of them are of one group; the largest, 'p', holds 20"),
        (["--folds", "12", "--group", "^p."], 1, "cannot be put into 12 folds"),
        (["--val", "0.6", "--test", "0.6"], 1, "leave nothing to train on"),
        (["--val", "0"], 1, "the val fraction is 0"),
    ],
)
def test_what_is_refused(limner, frames, tmp_path, options, code, match):
    result = limner("split", frames, *options, "--out", tmp_path / "split.json")
    assert result.exit_code == code, result.output
    assert match in " ".join(result.stderr.split())
    assert not list(tmp_path.glob("split*.json"))
