"""The leak check."""

from __future__ import annotations

import json

import pytest
from tests.data.splits.pictures import brighter, reopen, scene, write_scenes

from limner.data import Split, make_split, open_source
from limner.data.lookalikes import Lookalike
from limner.data.splits import (
    DrawRules,
    Evidence,
    Leak,
    LeakReport,
    choose_split,
    find_leaks,
    gather,
    load_leaks,
    save_leaks,
    split_from_lists,
)
from limner.errors import DataError

PICTURES = {"p1_a": scene(1), "p1_b": scene(2), "p2_a": scene(3), "p2_b": scene(4), "p3_a": scene(5), "p3_b": scene(6)}


@pytest.fixture
def dataset(tmp_path):
    return write_scenes(tmp_path / "data", PICTURES)


def by(train: str, val: str, test: str) -> Split:
    return Split(train=tuple(train.split()), val=tuple(val.split()), test=tuple(test.split()), seed=0, origin="by hand")


CLEAN = by("p1_a p1_b", "p2_a p2_b", "p3_a p3_b")


def pairs(report) -> list[tuple[str, str, str]]:
    return [(leak.first, leak.second, leak.kind) for leak in report.leaks]


def test_a_clean_split(dataset) -> None:
    report = find_leaks(dataset, CLEAN)
    assert report == LeakReport(images={"train": 2, "val": 2, "test": 2}, grouped=0)
    assert report.sentence() == (
        "leak check: 6 images, 3 parts: no image or copy on both sides (of which patient or sequence they are is not known)"
    )
    assert report.warning() == ""
    known = find_leaks(reopen(dataset, "^[^_]+"), CLEAN)
    assert known.sentence() == "leak check: 6 images, 3 parts: no image, copy or group on both sides"
    some = find_leaks(reopen(dataset, "^p[12]"), CLEAN)
    assert some.sentence().endswith("no image, copy or group on both sides (the group of 2 images is not known)")


def test_planted_copies_are_found_and_counted_by_images(tmp_path) -> None:
    planted = PICTURES | {"p3_a": PICTURES["p1_a"], "p3_b": brighter(PICTURES["p1_b"]), "p2_b": brighter(PICTURES["p1_a"])}
    report = find_leaks(write_scenes(tmp_path / "planted", planted), CLEAN)
    assert pairs(report) == [
        ("p1_a", "p3_a", "identical"),
        ("p1_b", "p3_b", "copy"),
        ("p2_b", "p3_a", "copy"),
        ("p1_a", "p2_b", "copy"),
    ]
    assert report.leaks[0].parts == ("train", "test")
    assert report.sentence() == (
        "leak check: 1 of 2 test images is in train too: p1_a = p3_a; 1 of 2 test images has a near-duplicate in train: p1_b ~ p3_b; "
        "1 of 2 test images has a near-duplicate in val: p2_b ~ p3_a; 1 of 2 val images has a near-duplicate in train: p1_a ~ p2_b"
    )
    assert report.warning().startswith("the parts of the split are not independent, so scores on the test part will look better than")


def test_a_patient_on_both_sides_is_one_leak_for_each_two_parts(dataset) -> None:
    report = find_leaks(reopen(dataset, "^[^_]+"), by("p1_a p2_a", "p2_b", "p1_b p3_a p3_b"))
    assert pairs(report) == [("p1_a", "p1_b", "group"), ("p2_a", "p2_b", "group")]
    assert report.sentence() == "leak check: 1 group is in train and test: p1; 1 group is in train and val: p2"


def test_where_the_data_know_no_groups_those_of_the_split_count(dataset) -> None:
    """As where it was drawn by a pattern that is not given again; `like` is what images were found to look like."""
    split = by("p1_a p2_a", "p2_b", "p1_b p3_a p3_b").model_copy(update={"groups": {"p1_a": "p1", "p1_b": "p1", "p2_a": "like p2_a"}})
    report = find_leaks(dataset, split, {})
    assert (pairs(report), report.grouped) == ([("p1_a", "p1_b", "group")], 2)
    assert pairs(find_leaks(reopen(dataset, "^p2"), split, {})) == [("p2_a", "p2_b", "group")]


def test_what_a_leak_into_validation_alone_harms() -> None:
    report = LeakReport(images={"train": 1, "val": 1}, grouped=0, leaks=(Leak(first="a", second="b", parts=("train", "val"), kind="copy"),))
    assert "so the epoch and the threshold are chosen on images that the model has learnt" in report.warning()


def test_similar_images_are_a_doubt_and_not_a_leak(dataset) -> None:
    report = find_leaks(
        dataset, CLEAN, {}, lookalikes=[Lookalike("p1_a", "p3_a", "similar", 0.7), Lookalike("p1_a", "p3_b", "similar", 0.8)]
    )
    assert report.leaks == ()
    assert [(leak.first, leak.second) for leak in report.similar] == [("p1_a", "p3_b"), ("p1_a", "p3_a")]
    assert "no image or copy on both sides" in report.sentence()
    assert "2 of 2 test images look like images in train: p1_a ~ p3_b, p1_a ~ p3_a" in report.sentence()
    assert report.warning() == ""


def test_one_image_stands_for_all_identical_ones_even_if_it_is_in_no_part(dataset) -> None:
    """Lookalikes pair each of several identical images with the first of them only."""
    found = [
        Lookalike("p1_a", "p2_a", "identical", 1.0),
        Lookalike("p1_a", "p3_a", "identical", 1.0),
        Lookalike("p1_a", "p1_b", "copy", 0.9),
    ]
    report = find_leaks(dataset, by("p2_a", "p2_b", "p3_a p1_b"), {}, lookalikes=found)
    assert pairs(report) == [("p2_a", "p3_a", "identical"), ("p2_a", "p1_b", "copy")]


def test_each_leak_is_told_once_whichever_way_round(dataset) -> None:
    report = find_leaks(dataset, CLEAN, {}, lookalikes=[Lookalike("p3_a", "p1_a", "copy", 0.9)])
    assert pairs(report) == [("p1_a", "p3_a", "copy")]


def test_images_that_cannot_be_read_are_counted(dataset, tmp_path) -> None:
    (tmp_path / "data" / "images" / "p3_a.png").write_bytes(b"no image")
    report = find_leaks(dataset, CLEAN)
    assert report.unread == 1
    assert report.sentence().endswith("; 1 image could not be read")


def test_keys_that_are_gone_are_passed_over(dataset) -> None:
    assert find_leaks(dataset, by("p1_a gone", "p2_a", "p3_a")).images == {"train": 1, "val": 1, "test": 1}


def test_a_report_is_kept(tmp_path, dataset) -> None:
    report = find_leaks(reopen(dataset, "^[^_]+"), by("p1_a p2_a", "p2_b", "p1_b"))
    save_leaks(report, tmp_path / "leaks.json")
    assert load_leaks(tmp_path / "leaks.json") == report
    assert json.loads((tmp_path / "leaks.json").read_text())["sentence"] == report.sentence()
    with pytest.raises(DataError, match="no such leak report"):
        load_leaks(tmp_path / "nowhere.json")
    (tmp_path / "leaks.json").write_text("{}")
    with pytest.raises(DataError, match="no leak report"):
        load_leaks(tmp_path / "leaks.json")


@pytest.mark.slow
def test_published_lists_of_kvasir_leak_and_a_drawn_split_does_not(shared) -> None:
    folder = shared / "data" / "kvasir-seg"
    data = open_source(folder / "kvasir-seg.zip")
    evidence = gather(data)
    lists = {part: folder / "splits" / f"effisegnet-800-100-100.{part}.txt" for part in ("train", "validation", "test")}
    listed = split_from_lists(data.keys(), lists, val_fraction=0.1, seed=0)
    found = find_leaks(data, listed, evidence.looks, lookalikes=evidence.lookalikes)
    assert ("cju30bmab08bi0835mvlr6e0r", "cju77k828z46w0871r0avuoo9", "copy") in pairs(found)
    assert found.leaks[0].parts == ("train", "test")
    for seed in range(3):
        drawn = choose_split(data, None, DrawRules(seed=seed), evidence)
        assert find_leaks(data, drawn, evidence.looks, lookalikes=evidence.lookalikes).leaks == ()


def test_a_random_split_of_video_frames_has_every_sequence_on_both_sides(shared) -> None:
    data = open_source(shared / "data" / "cvc-clinicdb" / "CVC-ClinicDB.zip")
    split = make_split(data.keys(), val_fraction=0.1, test_fraction=0.1, seed=0)
    leaks = [leak for leak in find_leaks(data, split, {}).leaks if leak.parts == ("train", "test")]
    assert len(leaks) == split_by_group(data, split) == 21
    drawn = choose_split(data, None, DrawRules(stratify=False), Evidence())
    assert find_leaks(data, drawn, {}).leaks == ()


def split_by_group(data, split) -> int:
    """How many sequences the test images are of."""
    return len({data[key].group for key in split.test})
