"""Which files of a source count as annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.folders import image_bytes, pairs, write_folder, write_zip
from tests.data.formats import writers

from limner.data import open_source
from limner.data.formats import find_annotations, is_annotation_file
from limner.data.source import open_place, survey
from limner.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (8, 10)
LABELS = np.zeros(SIZE, np.int32)
LABELS[1:4, 2:6] = 1
COCO = writers.dumped(writers.coco({"a.png": LABELS}, writers.coco_runs))
STRAY = {
    "kavsir_bboxes.json": b'{"a": {"height": 8, "width": 10, "bbox": []}}',
    "package.json": b'{"name": "x"}',
    "broken.json": b"{",
    "settings.json": b"// comments are no JSON\n{}",
    "metadata.csv": b"image_id,age,sex\na,50,f\n",
    "classes.csv": b"image,label\na.png,polyp\n",
    "empty.csv": b"",
    "odd.csv": b"\xff\xfe\xff",
    ".hidden.json": COCO,
    "__MACOSX/._coco.json": b"\x00\x05\x16\x07",
}


def found(source: Path) -> tuple[str, ...]:
    return find_annotations(source, *open_place(source))


def test_pictures_go_first(tmp_path: Path) -> None:
    write_folder(tmp_path, {**pairs(["a", "b"]), **STRAY, "coco.json": COCO})
    assert found(tmp_path) == ()
    assert open_source(tmp_path).keys() == ("a", "b")
    assert open_source(tmp_path).problems == ()


def test_stray_files_beside_images_without_masks_break_nothing(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.png": image_bytes(), "b.png": image_bytes(1), **STRAY})
    assert found(tmp_path) == ()
    assert survey(tmp_path).items == ()
    with pytest.raises(DataError, match="2 images without any mask"):
        open_source(tmp_path)
    assert open_source(tmp_path, masks=False).keys() == ("a", "b")


def test_stray_files_beside_annotations_break_nothing(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.png": image_bytes(), "coco.json": COCO, **STRAY})
    data = open_source(tmp_path)
    assert data.keys() == ("a",)
    assert data["a"].load().mask.sum() == 12
    assert [problem.files for problem in data.problems] in ([], [("settings.json",)])


def test_kind_is_told_by_content(tmp_path: Path) -> None:
    """The same name for all; LabelMe and GeoJSON find their image by it."""
    kinds = {
        "coco": COCO,
        "labelme": writers.dumped(writers.labelme("a.png", LABELS)),
        "label-studio": writers.dumped(writers.label_studio({"a.png": LABELS})),
        "geojson": writers.dumped(writers.geojson(LABELS)),
    }
    for kind, data in kinds.items():
        folder = write_folder(tmp_path / kind, {"a.png": image_bytes(), "a.json": data})
        assert found(folder) == ("a.json",)
        assert open_source(folder)["a"].load().mask.sum() == 12, kind


def test_annotations_in_an_archive(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "set.zip", {"set/images/a.png": image_bytes(), "set/annotations/coco.json": COCO, **STRAY})
    assert open_source(archive)["a"].mask.display == f"{archive}:set/annotations/coco.json (images[0])"  # type: ignore[union-attr]


def test_damaged_annotations_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.png": image_bytes(), "coco.json": COCO[:-10], "package.json": b"{}"})
    with pytest.raises(DataError, match="the file is no JSON: EOF") as caught:
        open_source(tmp_path)
    assert caught.value.where == str(tmp_path / "coco.json")


def test_only_files_count_as_annotation_files(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    write_folder(tmp_path, {"a.JSON": b"", "b.txt": b"", "c.tsv": b"", "d.geojson": b"", "e.jsonl": b"", "f.csv": b""})
    names = sorted(path.name for path in tmp_path.iterdir() if is_annotation_file(path))
    assert names == ["a.JSON", "c.tsv", "d.geojson", "e.jsonl", "f.csv"]
    assert not is_annotation_file(tmp_path / "gone.json")


def test_named_file_in_a_folder_of_images_takes_no_others(tmp_path: Path) -> None:
    other = writers.dumped(writers.coco({"b.png": LABELS}, writers.coco_runs))
    write_folder(tmp_path, {"a.png": image_bytes(), "b.png": image_bytes(1), "train.json": COCO, "test.json": other})
    assert open_source(tmp_path / "train.json").keys() == ("a",)
    assert open_source(tmp_path / "test.json").keys() == ("b",)
    assert open_source(tmp_path).keys() == ("a", "b")
    assert open_source(tmp_path / "train.json").name


def test_a_damaged_file_is_told_wherever_it_comes_in_order(tmp_path: Path) -> None:
    files = {name: writers.dumped(writers.labelme(f"{name}.png", LABELS)) for name in "abc"}
    for damaged in "ac":
        folder = tmp_path / damaged
        write_folder(folder, {f"{name}.png": image_bytes() for name in files})
        write_folder(folder, {f"{name}.json": data[:-5] if name == damaged else data for name, data in files.items()})
        data = open_source(folder)
        assert [item.key for item in data] == [name for name in files if name != damaged]
        assert str(data.problems[0]).startswith(f"{damaged}.json: the file is no JSON: EOF")


def test_what_to_do_depends_on_why_nothing_can_be_used(tmp_path: Path) -> None:
    boxes = writers.coco({"a.png": LABELS}, writers.coco_runs)
    for annotation in boxes["annotations"]:
        annotation["segmentation"] = []
    write_folder(tmp_path, {"a.png": image_bytes(), "boxes.json": writers.dumped(boxes), "gone.csv": b"image,mask\nb.png,c.png\n"})
    for name, fix in (("boxes.json", "mend it in the tool that made it"), ("gone.csv", "keep the images in the annotation file's folder")):
        with pytest.raises(DataError, match="none of the annotated images") as caught:
            open_source(tmp_path / name)
        assert str(caught.value.fix).startswith(fix)
