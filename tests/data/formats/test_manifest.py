"""Tables and lists that name images and masks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.folders import image_bytes, mask_bytes, write_folder, write_zip

from limner.data import open_source
from limner.data.options import SourceOptions
from limner.errors import DataError
from limner.imaging import encode_png
from limner.imaging.foreground import Foreground

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.items import Dataset

# Names from which nobody could tell the pairs.
FILES = {
    "scans/a.png": image_bytes(1),
    "scans/b.png": image_bytes(2),
    "drawn/x1.png": mask_bytes(1),
    "drawn/x2.png": mask_bytes(2),
    "drawn/x3.png": mask_bytes(3),
}


def opened(folder: Path, text: str | bytes, name: str = "list.csv", **more: bytes) -> Dataset:
    data = text if isinstance(text, bytes) else text.encode()
    write_folder(folder, {**FILES, **more, name: data})
    return open_source(folder / name)


def masks(data: Dataset) -> dict[str, list[str]]:
    return {item.key: [file.name for file in item.mask.files] for item in data if item.mask}


TABLE = "image,mask\nscans/a.png,drawn/x1.png\nscans/b.png,drawn/x2.png\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (TABLE, "list.csv"),
        (TABLE.replace(",", ";"), "list.csv"),
        (TABLE.replace(",", "\t"), "list.tsv"),
        ("\ufeff" + TABLE, "list.csv"),
        (TABLE.encode("utf-16"), "list.csv"),
        (TABLE.replace("\n", "\r\n"), "list.csv"),
        ("\n" + TABLE + "\n,\n\n", "list.csv"),
        (TABLE.replace("/", "\\"), "list.csv"),
        (TABLE.replace("scans/a.png", '"scans/a.png"'), "list.csv"),
        (TABLE.replace("image,mask", "Img Path,Mask-File"), "list.csv"),
        (TABLE.replace("image,mask", "FILENAME,segmentation"), "list.csv"),
        (TABLE.replace("scans/", "").replace("drawn/", ""), "list.csv"),
        (TABLE.replace(".png", ""), "list.csv"),
        ("image,label,mask,split\nscans/a.png,polyp,drawn/x1.png,train\nscans/b.png,polyp,drawn/x2.png,test\n", "list.csv"),
        (json.dumps([{"image": "scans/a.png", "mask": "drawn/x1.png"}, {"image": "scans/b.png", "mask": ["drawn/x2.png"]}]), "list.json"),
        (json.dumps({"items": [{"img": f"scans/{i}.png", "label": f"drawn/{m}.png"} for i, m in (("a", "x1"), ("b", "x2"))]}), "list.json"),
        ('{"image": "scans/a.png", "mask": "drawn/x1.png"}\n\n{"image": "scans/b.png", "mask": "drawn/x2.png"}\n', "list.jsonl"),
    ],
)  # fmt: skip
def test_all_ways_of_writing_one(text: str | bytes, name: str, tmp_path: Path) -> None:
    data = opened(tmp_path, text, name)
    assert masks(data) == {"a": ["drawn/x1.png"], "b": ["drawn/x2.png"]}
    assert [problem.kind for problem in data.problems] in ([], ["orphan-image"])  # x3 may look like an image
    assert data["a"].load().mask.any()


def test_rows_of_one_image_are_merged(tmp_path: Path) -> None:
    data = opened(tmp_path, TABLE + "scans/a.png,drawn/x3.png\n")
    assert masks(data)["a"] == ["drawn/x1.png", "drawn/x3.png"]
    parts = [open_source(tmp_path / "list.csv")["a"].load().mask]
    assert parts[0].sum() > data["b"].load().mask.sum()


def test_list_of_masks_in_json_is_merged(tmp_path: Path) -> None:
    data = opened(tmp_path, json.dumps([{"image": "scans/a.png", "mask": ["drawn/x1.png", "drawn/x3.png"]}]), "list.json")
    assert masks(data) == {"a": ["drawn/x1.png", "drawn/x3.png"]}


@pytest.mark.parametrize("column", ["patient", "patient_id", "group", "Sequence", "subject"])
def test_patients_become_groups(column: str, tmp_path: Path) -> None:
    data = opened(tmp_path, f"image,mask,{column}\nscans/a.png,drawn/x1.png,P 7\nscans/b.png,drawn/x2.png,\n")
    assert [item.group for item in data] == ["P 7", None]


def test_keys_and_field_of_view_masks(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "image": "scans/a.png", "mask": "drawn/x1.png", "fov": "drawn/x3.png"},
        {"id": 8, "image": "scans/b.png", "mask": "drawn/x2.png"},
    ]
    data = opened(tmp_path, json.dumps(rows), "list.json")
    assert data.keys() == ("7", "8")
    assert data["7"].fov is not None
    assert data["7"].fov.name == "drawn/x3.png"
    assert data["8"].fov is None
    assert data.problems == ()


def test_ids_that_number_rows_are_no_keys(tmp_path: Path) -> None:
    data = opened(tmp_path, "id,image,mask\n1,scans/a.png,drawn/x1.png\n2,scans/a.png,drawn/x2.png\n")
    assert masks(data) == {"a": ["drawn/x1.png", "drawn/x2.png"]}


def test_values_of_foreground_reach_the_pictures(tmp_path: Path) -> None:
    labels = np.zeros((8, 10), np.uint8)
    labels[:4], labels[4:] = 1, 2
    write_folder(tmp_path, {**FILES, "drawn/x1.png": encode_png(labels), "list.csv": TABLE.encode()})
    data = open_source(tmp_path / "list.csv", options=SourceOptions(foreground=Foreground.parse("1")))
    assert data["a"].mask.foreground.text == "1"  # type: ignore[union-attr]


def test_paths_are_seen_from_the_manifest_then_from_the_source(tmp_path: Path) -> None:
    text = b"image,mask\n../scans/a.png,../drawn/x1.png\nscans/b.png,drawn/x2.png\n"
    write_folder(tmp_path, {**FILES, "lists/list.csv": text})
    assert masks(open_source(tmp_path)) == {"a": ["drawn/x1.png"], "b": ["drawn/x2.png"]}


def test_manifest_may_lead_out_of_its_folder_on_disk(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    (tmp_path / "lists").mkdir()
    whole = tmp_path / "scans" / "b.png"
    (tmp_path / "lists" / "list.csv").write_text(f"image,mask\n../scans/a.png,../drawn/x1.png\n{whole},{tmp_path}/drawn/x2.png\n")
    data = open_source(tmp_path / "lists" / "list.csv")
    assert data.keys() == ("a", "b")
    assert data["b"].image.display == str(whole)
    assert (data["b"].load_image() == open_source(tmp_path, masks=False)["b"].load_image()).all()


def test_manifest_in_an_archive_stays_in_it(tmp_path: Path) -> None:
    outside = write_folder(tmp_path / "outside", FILES)
    rows = f"image,mask\n{outside}/scans/a.png,{outside}/drawn/x1.png\n../outside/scans/b.png,../../drawn/x2.png\n/etc/passwd,x.png\n"
    archive = write_zip(
        tmp_path / "set.zip", {"deep/list.csv": rows.encode(), "a.png": FILES["scans/a.png"], "x1.png": FILES["drawn/x1.png"]}
    )
    data = open_source(archive)
    assert masks(data) == {"a": ["x1.png"]}  # by their own names within the archive
    assert str(data.problems[0]) == "deep/list.csv: 2 images not in the source: ../outside/scans/b.png, /etc/passwd"


def test_other_files_are_never_taken_for_pictures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 image not in the source: /etc/passwd"):
        opened(tmp_path, "image,mask\n/etc/passwd,/etc/passwd\n")


def test_row_without_mask_leaves_its_image_out(tmp_path: Path) -> None:
    data = opened(tmp_path, TABLE + "scans/a.png,\n")
    assert data.keys() == ("b",)
    assert "list.csv: line 2, scans/a.png, is left out: line 4 names no mask" in map(str, data.problems)


def test_row_with_a_missing_mask_leaves_its_image_out(tmp_path: Path) -> None:
    data = opened(tmp_path, TABLE + "scans/a.png,drawn/nothing.png\n")
    assert data.keys() == ("b",)
    assert "line 4 names 'drawn/nothing.png', which is not there" in str(data.problems[0])


def test_name_that_several_pictures_have(tmp_path: Path) -> None:
    files = {**FILES, "more/a.png": image_bytes(9), "list.csv": b"image,mask\na.png,drawn/x1.png\nscans/b.png,drawn/x2.png\n"}
    data = open_source(write_folder(tmp_path, files) / "list.csv")
    assert data.keys() == ("b",)
    assert "'a.png' could be more/a.png or scans/a.png; write the folder before the name" in str(data.problems[0])


def test_image_and_mask_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    files = {"images/a.png": image_bytes(1), "masks/a.png": mask_bytes(1), "images/b.png": image_bytes(2), "masks/b.png": mask_bytes(2)}
    data = open_source(write_folder(tmp_path, {**files, "list.csv": b"image,mask,patient\na.png,a.png,7\n"}) / "list.csv")
    assert [(item.image.name, item.mask.files[0].name, item.group) for item in data if item.mask] == [("images/a.png", "masks/a.png", "7")]
    assert list(map(str, data.problems)) == ["1 image without usable annotations: images/b.png"]


def test_pictures_elsewhere_have_nothing_to_do_with_it(tmp_path: Path) -> None:
    (tmp_path / "screenshots").mkdir()
    (tmp_path / "screenshots" / "page.png").write_bytes(image_bytes(5))
    data = opened(tmp_path, TABLE)
    assert not any("page.png" in str(problem) for problem in data.problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the table is empty"),
        ("image,classes\na.png,polyp\n", "no column of masks; it has 'image', 'classes'"),
        ("a,b\n1,2\n", "no column of images nor of masks"),
        (TABLE + "a,b,c,d\n", "line 4 has 4 cells, but the first line names 2 columns"),
        (TABLE.encode() + b"\xff\xfe\n", "not text in UTF-8"),
        (TABLE + "scans/a.png,\x00" + "x" * 200_000 + "\n", "damaged in line 4|which is not there"),
        ("image,mask,key\nscans/a.png,drawn/x1.png,k\nscans/b.png,drawn/x2.png,k\n", "the key 'k' is given to scans/a.png and scans/b.png"),
        ("image,mask,patient\nscans/a.png,drawn/x1.png,1\nscans/a.png,drawn/x2.png,2\n", "scans/a.png is given several groups: 1 and 2"),
        ("image,mask\nnone.png,drawn/x1.png\n", "1 image not in the source: none.png"),
        ("image,mask\n", "the annotations name no image"),
    ],
)
def test_what_is_wrong_is_told(text: str | bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=what) as caught:
        opened(tmp_path, text)
    assert caught.value.where == str(tmp_path / "list.csv")
    assert caught.value.fix


def test_other_columns_are_kept(tmp_path: Path) -> None:
    text = (
        "image,mask,patient,Site, camera\n"
        "scans/a.png,drawn/x1.png,p1,north,c1\n"
        "scans/a.png,drawn/x3.png,p1,north,c2\n"
        "scans/b.png,drawn/x2.png,p2,,c1\n"
    )
    data = opened(tmp_path, text)
    assert (data["a"].group, data["a"].columns) == ("p1", {"Site": "north"})  # of the camera its rows say two things
    assert (data["b"].group, data["b"].columns) == ("p2", {"Site": "", "camera": "c1"})


def test_columns_of_lists_that_are_text_or_numbers(tmp_path: Path) -> None:
    rows = [{"image": "scans/a.png", "mask": "drawn/x1.png", "site": "north", "age": 61, "tags": ["x"], "ok": True}]
    assert opened(tmp_path, json.dumps(rows), "list.json")["a"].columns == {"site": "north", "age": "61"}


def test_a_field_of_view_is_read_as_a_mask(tmp_path: Path) -> None:
    data = opened(tmp_path, "image,mask,fov\nscans/a.png,drawn/x1.png,drawn/x3.png\nscans/b.png,drawn/x2.png,\n")
    field = data["a"].load_fov()
    assert field is not None
    assert field.shape == data["a"].load().mask.shape
    assert data["b"].load_fov() is None
    hash(data["a"])
