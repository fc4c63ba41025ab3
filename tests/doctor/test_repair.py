"""What the copy holds, bit by bit, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.doctor.broken import IMAGE, MASK, THIRD, image_of, jpeg_mask, mask_of, phantoms, set_mask, turned_by_tag, turned_mask_tag, twice
from tests.imaging.pictures import encoded

from limner.data import load_split, open_source
from limner.doctor import diagnose, repair
from limner.doctor.repair import copy as copying
from limner.doctor.repair.mend import turned
from limner.errors import DataError, OutputExistsError
from limner.imaging import encode_png


def test_what_needs_no_change_is_copied_byte_for_byte(tmp_path, state):
    source = phantoms(tmp_path / "source", count=3)
    Image.fromarray(image_of(source)).save(source / f"images/{THIRD}.jpg", quality=90)
    (source / IMAGE).unlink()
    repair(diagnose(source), tmp_path / "copy")
    files = {name: digest for name, (digest, _) in state(tmp_path / "copy").items()}
    assert {name: digest for name, digest in files.items() if "/" in name} == {name: digest for name, (digest, _) in state(source).items()}
    assert sorted(name for name in files if "/" not in name) == ["repairs.csv", "repairs.json"]


@pytest.mark.parametrize("break_it", [turned_by_tag, turned_mask_tag])
def test_a_mask_is_turned_to_where_it_was_drawn(break_it, tmp_path):
    source = phantoms(tmp_path / "source", count=3, size=(64, 96))
    image, mask = image_of(source), mask_of(source)
    break_it(source)
    repair(diagnose(source), tmp_path / "copy")
    mended = open_source(tmp_path / "copy")[THIRD].load()
    assert np.array_equal(mended.image, image)
    assert np.array_equal(mended.mask, mask)
    assert Image.open(tmp_path / "copy" / IMAGE).getexif() == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_what_exif_means(orientation):
    mask = np.arange(12).reshape(3, 4) % 5 < 2
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.open(__import__("io").BytesIO(encoded(Image.fromarray(mask.astype(np.uint8) * 255), "PNG", exif=exif)))
    assert np.array_equal(turned(mask, orientation), np.asarray(ImageOps.exif_transpose(picture)) > 0)


def test_an_inverted_mask_is_inverted_back(tmp_path):
    source = phantoms(tmp_path / "source")
    before = mask_of(source)
    set_mask(np.logical_not)(source)
    repair(diagnose(source), tmp_path / "copy")
    assert np.array_equal(mask_of(tmp_path / "copy"), before)


def test_a_binarised_mask_is_what_limner_reads(tmp_path):
    source = phantoms(tmp_path / "source")
    jpeg_mask(source)
    expected = open_source(source)[THIRD].load().mask
    repairs = repair(diagnose(source), tmp_path / "copy")
    written = np.asarray(Image.open(tmp_path / "copy" / MASK))
    assert np.unique(written).tolist() == [0, 255]
    assert np.array_equal(written > 0, expected)
    (row,) = [row for row in repairs.rows if row.key == THIRD]
    assert row.done[0].startswith("mask binarised, which had ")


def test_of_twins_the_largest_lossless_one_is_kept(tmp_path):
    source = phantoms(tmp_path / "source", count=3)
    twice(source)
    Image.fromarray(image_of(source)).save(source / "images/zz.bmp")
    shutil.copyfile(source / MASK, source / "masks/zz.png")
    repairs = repair(diagnose(source), tmp_path / "copy")
    results = {row.key: (row.result, row.done) for row in repairs.rows}
    assert results["again"][0] == "kept"
    assert results[THIRD] == results["zz"] == ("left out", ("duplicate of again",))


def test_repairs_say_what_became_of_each_pair_and_file(tmp_path):
    source = phantoms(tmp_path / "source", count=4)
    (source / MASK).unlink()
    jpeg = source / "masks/polyp-0001.jpg"
    Image.fromarray(mask_of(source, "masks/polyp-0001.png").astype(np.uint8) * 255).save(jpeg, quality=60)
    (source / "masks/polyp-0001.png").unlink()
    repair(diagnose(source), tmp_path / "copy")
    saved = json.loads((tmp_path / "copy/repairs.json").read_text())
    assert (saved["pairs"], saved["kept"], saved["repaired"], saved["left out"]) == (3, 2, 1, 0)
    with (tmp_path / "copy/repairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["key"], row["image"], row["result"]) for row in rows] == [
        ("polyp-0000", "images/polyp-0000.png", "kept"),
        ("polyp-0001", "images/polyp-0001.png", "repaired"),
        ("polyp-0003", "images/polyp-0003.png", "kept"),
        ("", IMAGE, "left out"),
    ]
    assert rows[-1]["done"].startswith("orphan-image: ")


def leaky(tmp_path):
    """Six pairs and a twin; `again` is trained on, its twin tested on."""
    source = phantoms(tmp_path / "source")
    twice(source)
    parts = {"train": ["polyp-0000", "polyp-0001", "again"], "val": ["polyp-0003"], "test": [THIRD, "polyp-0004"]}
    for part, keys in parts.items():
        (tmp_path / f"{part}.txt").write_text("\n".join(keys))
    return source, {part: tmp_path / f"{part}.txt" for part in parts}


def test_a_leak_is_taken_out_of_train_and_never_out_of_test(tmp_path, state):
    source, lists = leaky(tmp_path)
    before = state(source)
    diagnosis = diagnose(source, split=lists)
    (leak,) = [finding for finding in diagnosis.findings if finding.name == "leak"]
    assert leak.kind.severity == "error"
    assert leak.files == ("images/again.png", IMAGE)
    assert leak.cases[0].remark == "train and test: identical"

    repairs = repair(diagnosis, tmp_path / "copy")
    assert repairs.split == tmp_path / "copy/split.json"
    split = load_split(repairs.split)
    assert (split.train, split.val, split.test) == (("polyp-0000", "polyp-0001"), ("polyp-0003",), (THIRD, "polyp-0004"))
    assert split.origin.endswith("1 taken out by limner doctor")
    again = diagnose(tmp_path / "copy", split=repairs.split)
    assert again.findings == ()
    assert state(source) == before


def test_twins_within_the_test_part_are_kept(tmp_path):
    source, lists = leaky(tmp_path)
    lists["train"].write_text("polyp-0000\npolyp-0001\n")
    lists["test"].write_text(f"{THIRD}\npolyp-0004\nagain\n")
    repairs = repair(diagnose(source, split=lists), tmp_path / "copy")
    assert load_split(repairs.split).test == ("again", THIRD, "polyp-0004")
    assert [row.in_spite_of for row in repairs.rows if row.key in {THIRD, "again"}] == [("duplicate",)] * 2


def test_a_group_on_both_sides_leaves_train_whole(tmp_path):
    from limner.data import SourceOptions

    source = phantoms(tmp_path / "source")
    for part in ("images", "masks"):
        for number, name in enumerate(["p1_a", "p1_b", "p1_c", "p2_a", "p3_a", "p3_b"]):
            (source / part / f"polyp-000{number}.png").rename(source / part / f"{name}.png")
    lists = {"train": "p1_a p1_b p2_a", "val": "p3_a p3_b", "test": "p1_c"}
    for part, keys in lists.items():
        (tmp_path / part).write_text("\n".join(keys.split()))
    options = SourceOptions(group="^[^_]+")
    diagnosis = diagnose(source, options=options, split={part: tmp_path / part for part in lists})
    assert [(finding.name, finding.cases[0].remark) for finding in diagnosis.findings] == [("leak", "train and test: group p1")]
    repairs = repair(diagnosis, tmp_path / "copy")
    assert load_split(repairs.split).train == ("p2_a",)
    assert diagnose(tmp_path / "copy", options=options, split=repairs.split).findings == ()


def test_a_split_that_would_be_empty_is_refused_and_nothing_is_left(tmp_path):
    source, lists = leaky(tmp_path)
    lists["train"].write_text("again\n")
    with pytest.raises(DataError, match="the train part is empty") as error:
        repair(diagnose(source, split=lists), tmp_path / "copy")
    assert "limner split" in error.value.fix
    assert not any(path.name.startswith((".", "copy")) for path in tmp_path.iterdir())


def test_keys_that_become_shorter_in_the_copy_are_followed_by_the_split(tmp_path):
    source = phantoms(tmp_path / "source", count=5)
    for name in ("images", "masks"):
        for place, keys in {"a": ("0000", "0001"), "b": ("0002", "0003", "0004")}.items():
            (source / place / name).mkdir(parents=True)
            for key in keys:
                (source / name / f"polyp-{key}.png").rename(source / place / name / f"{int(key) % 2 if place == 'a' else int(key)}.png")
        (source / name).rmdir()
    for name in ("images", "masks"):
        (source / "b" / name / "2.png").rename(source / "b" / name / "0.png")
    (source / "a/masks/0.png").write_bytes(b"")
    keys = open_source(source).keys()
    assert keys == ("1", "3", "4", "a/0", "b/0")
    for part, of in {"train": ["b/0", "3"], "val": ["4"], "test": ["1"]}.items():
        (tmp_path / part).write_text("\n".join(of))
    repairs = repair(diagnose(source, split={part: tmp_path / part for part in ("train", "val", "test")}), tmp_path / "copy")
    assert open_source(tmp_path / "copy").keys() == ("0", "1", "3", "4")
    assert load_split(repairs.split).train == ("0", "3")


def test_refuses_a_folder_that_holds_something(tmp_path):
    diagnosis = diagnose(phantoms(tmp_path / "source", count=2))
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not empty"):
        repair(diagnosis, tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine.txt"]


def test_an_empty_folder_serves(tmp_path):
    (tmp_path / "copy").mkdir()
    repair(diagnose(phantoms(tmp_path / "source", count=2)), tmp_path / "copy")
    assert len(open_source(tmp_path / "copy")) == 2


def test_refuses_a_folder_inside_the_source(tmp_path, state):
    source = phantoms(tmp_path / "source", count=2)
    before = state(source)
    with pytest.raises(DataError, match="inside the source"):
        repair(diagnose(source), source / "copy")
    assert state(source) == before
    assert not (source / "copy").exists()


def test_refuses_an_unknown_kind(tmp_path):
    with pytest.raises(DataError, match="no kind of finding 'empty-masks'") as error:
        repair(diagnose(phantoms(tmp_path / "source", count=2)), tmp_path / "copy", leave_out=["empty-masks"])
    assert error.value.fix == "did you mean 'empty-mask'?"


def test_refuses_to_write_an_empty_copy(tmp_path):
    source = phantoms(tmp_path / "source", count=1)
    (source / "masks/polyp-0000.png").write_bytes(encode_png(np.ones((96, 96), bool)))
    with pytest.raises(DataError, match="no pair would be left"):
        repair(diagnose(source), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")], ids=["Ctrl-C", "full disk"])
def test_an_interrupted_copy_leaves_nothing(error, tmp_path, monkeypatch, state):
    source = phantoms(tmp_path / "source")
    before, written = state(source), []

    def stop(item, *args):
        if len(written) == 3:
            raise error
        written.append(item.key)
        return original(item, *args)

    original = copying.write_pair
    monkeypatch.setattr(copying, "write_pair", stop)
    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        repair(diagnose(source), tmp_path / "out/copy")
    assert len(written) == 3
    assert list((tmp_path / "out").iterdir()) == []
    assert state(source) == before


def test_an_archive_is_repaired_into_a_folder(tmp_path):
    source = phantoms(tmp_path / "source", count=3)
    (source / MASK).write_bytes(b"")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", source)
    repairs = repair(diagnose(archive), tmp_path / "copy")
    assert (repairs.count("kept"), repairs.count("left out")) == (2, 1)
    assert open_source(tmp_path / "copy").keys() == ("polyp-0000", "polyp-0001")


def test_kept_findings_are_neither_mended_nor_left_out(tmp_path):
    source = phantoms(tmp_path / "source")
    set_mask(np.logical_not)(source)
    twice(source)
    shutil.copy(source / MASK, source / "masks/again.png")
    repairs = repair(diagnose(source), tmp_path / "copy", keep=("inverted-mask", "duplicate"))
    assert repairs.count("kept") == 7
    assert (tmp_path / "copy" / MASK).read_bytes() == (source / MASK).read_bytes()
    (row,) = [row for row in repairs.rows if row.key == THIRD]
    assert set(row.in_spite_of) == {"inverted-mask", "duplicate"}


@pytest.mark.parametrize(("others_lie_across", "result"), [(False, "repaired"), (True, "left out")])
def test_a_tag_of_a_half_turn_where_masks_are_as_stored(tmp_path, others_lie_across, result):
    """No size tells whether such a mask lies upright; where others of the data do not, dropping the tag would hide that it does not."""
    source = phantoms(tmp_path / "source", size=(64, 96))
    for number, orientation in ((1, 6 if others_lie_across else 1), (2, 3)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = source / f"images/polyp-000{number}.png"
        path.write_bytes(encoded(Image.open(path), "PNG", exif=exif))
    diagnosis = diagnose(source)
    (finding,) = [finding for finding in diagnosis.findings if finding.name == "exif-rotation"]
    assert finding.cases[-1].remark == "image: orientation 3, no size tells whether the mask is turned like it"
    repairs = repair(diagnosis, tmp_path / "copy")
    assert {row.key: row.result for row in repairs.rows}[THIRD] == result
