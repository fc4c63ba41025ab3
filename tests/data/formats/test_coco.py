"""COCO JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.data.folders import image_bytes, mask_bytes, write_folder
from tests.data.formats import writers

from limner.data import open_source
from limner.data.options import SourceOptions
from limner.errors import DataError
from limner.imaging.foreground import Foreground

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.items import Dataset

SIZE = (8, 10)
FIRST = np.zeros(SIZE, np.int32)
FIRST[1:4, 2:6], FIRST[5:7, 1:9] = 1, 2
MASKS = {"a.png": FIRST, "b.png": np.zeros(SIZE, np.int32)}
IMAGES = {"a.png": image_bytes(1), "b.png": image_bytes(2)}


def box(left: int, top: int, right: int, bottom: int) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def sample(**changes: Any) -> dict[str, Any]:
    return {**writers.coco(MASKS, writers.coco_runs), **changes}


def opened(folder: Path, value: object, foreground: str | None = None, **more: Any) -> Dataset:
    write_folder(folder, {**IMAGES, "coco.json": writers.dumped(value), **more})
    return open_source(folder, options=SourceOptions(foreground=Foreground.parse(foreground) if foreground else None))


def test_image_without_annotations_is_an_empty_mask(tmp_path: Path) -> None:
    data = opened(tmp_path, sample())
    assert data.keys() == ("a", "b")
    assert (data["a"].load().mask == (FIRST > 0)).all()
    assert not data["b"].load().mask.any()
    assert data.problems == ()


def test_parts_of_an_object_are_joined_and_numbered_as_one(tmp_path: Path) -> None:
    value = sample()
    value["annotations"] = [{**value["annotations"][0], "segmentation": [box(0, 0, 3, 3), box(2, 2, 5, 5)]}]
    data = opened(tmp_path, value)
    assert data["a"].load().mask.sum() == 9 + 9 - 1
    assert data["a"].load_instances().max() == 1


def test_area_is_that_of_the_coco_api(tmp_path: Path) -> None:
    from pycocotools import mask as api

    polygon = [1.3, 0.2, 8.9, 2.7, 6.1, 7.4, 2.2, 6.6]
    value = sample()
    value["annotations"] = [{**value["annotations"][0], "segmentation": [polygon]}]
    assert opened(tmp_path, value)["a"].load().mask.sum() == api.area(api.merge(api.frPyObjects([polygon], *SIZE)))


def test_crowd_is_foreground_and_one_object(tmp_path: Path) -> None:
    value = sample()
    value["annotations"] = [{**value["annotations"][0], "iscrowd": 1, "segmentation": writers.coco_runs(FIRST > 0)}]
    data = opened(tmp_path, value)
    assert (data["a"].load_instances() == (FIRST > 0)).all()


@pytest.mark.parametrize("name", ["b.png", "./b.png", "deep\\b.png", "elsewhere/b.png", "/data/set/b.png", "B.PNG"])
def test_images_are_found_by_their_last_name(name: str, tmp_path: Path) -> None:
    value = sample()
    value["images"][1]["file_name"] = name
    write_folder(tmp_path, {"train/a.png": IMAGES["a.png"], "deep/b.png": IMAGES["b.png"], "notes/coco.json": writers.dumped(value)})
    assert open_source(tmp_path)["b"].image.name == "deep/b.png"


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    value = sample()
    value["images"][0]["file_name"], value["images"][1]["file_name"] = "train/a.png", "val/a.png"
    files = {"set/train/a.png": IMAGES["a.png"], "set/val/a.png": IMAGES["b.png"], "set/more/a.png": IMAGES["b.png"]}
    data = open_source(write_folder(tmp_path, {**files, "coco.json": writers.dumped(value)}))
    assert data.keys() == ("set/train/a", "set/val/a")
    assert data["set/train/a"].load().mask.any()
    value["images"][0]["file_name"] = "a.png"
    data = open_source(write_folder(tmp_path, {"coco.json": writers.dumped(value)}))
    assert data.keys() == ("a",)
    assert "'a.png' could be set/more/a.png or set/train/a.png" in str(data.problems[0])


def test_one_folder_of_annotations_beside_that_of_images(tmp_path: Path) -> None:
    write_folder(
        tmp_path, {"images/a.png": IMAGES["a.png"], "images/b.png": IMAGES["b.png"], "annotations/coco.json": writers.dumped(sample())}
    )
    for source in (tmp_path, tmp_path / "annotations" / "coco.json"):
        data = open_source(source)
        assert data.keys() == ("a", "b")
        assert (data["a"].load().mask == (FIRST > 0)).all()


def test_train_and_validation_files_together(tmp_path: Path) -> None:
    train, val = sample(), sample()
    train["images"], val["images"] = train["images"][:1], val["images"][1:]
    val["annotations"] = []
    data = opened(tmp_path, train, **{"val.json": writers.dumped(val)})
    assert data.keys() == ("a", "b")
    assert data.problems == ()
    alone = open_source(tmp_path / "val.json")
    assert alone.keys() == ("b",)
    assert list(map(str, alone.problems)) == ["1 image without usable annotations: a.png"]


def test_two_files_for_one_image(tmp_path: Path) -> None:
    other = sample(images=sample()["images"][:1])
    data = opened(tmp_path, sample(), **{"other.json": writers.dumped(other)})
    assert data.keys() == ("b",)
    assert data.problems[0].kind == "collision"
    assert "coco.json and other.json: 1 image left out, annotated in each: a.png; name the one file that you mean" in map(
        str, data.problems
    )
    assert open_source(tmp_path / "other.json").keys() == ("a",)


def test_digest_changes_with_its_own_shapes_alone(tmp_path: Path) -> None:
    before = opened(tmp_path, sample())
    value = sample()
    value["annotations"].append({"image_id": 2, "category_id": 1, "segmentation": [box(1, 1, 5, 5)]})
    after = opened(tmp_path, value)
    assert before["a"].hashes() == after["a"].hashes()
    assert before["b"].hashes()["mask"] != after["b"].hashes()["mask"]
    assert before["b"].hashes()["image"] == after["b"].hashes()["image"]


CLASSES = ("polyp", "adenoma", "instrument, metal")


def of_classes() -> dict[str, Any]:
    value = writers.coco({"a.png": FIRST}, writers.coco_runs, CLASSES)
    value["annotations"].append({"image_id": 1, "category_id": 3, "segmentation": [box(9, 0, 10, 8)]})
    return value


@pytest.mark.parametrize(
    ("foreground", "objects"),
    [
        ("polyp", [1]), ("POLYP", [1]), ("1", [1]), ("polyp,adenoma", [1, 2]), ("1; 2", [1, 2]), ("instrument, metal", [3]), ("3", [3]),
        ("nonzero", [1, 2, 3]), ("adenoma,3", [2, 3]),
    ],
)  # fmt: skip
def test_classes_are_chosen(foreground: str, objects: list[int], tmp_path: Path) -> None:
    labels = FIRST.copy()
    labels[:, 9] = 3
    data = opened(tmp_path, of_classes(), foreground)
    assert (data["a"].load().mask == np.isin(labels, objects)).all()
    assert data["a"].load_instances().max() == len(objects)


def test_choice_must_be_made_where_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 classes: adenoma \(1 object\), instrument, metal \(1 object\), polyp \(1 object\)") as caught:
        opened(tmp_path, of_classes())
    assert "as --foreground adenoma, with commas between several" in str(caught.value.fix)
    with pytest.raises(DataError, match="no class 'polip'") as caught:
        opened(tmp_path, of_classes(), "polip")
    assert caught.value.fix == "did you mean 'polyp'?"


def test_class_that_no_object_has_does_not_count(tmp_path: Path) -> None:
    value = sample()
    value["categories"].insert(0, {"id": 0, "name": "cells", "supercategory": "none"})  # as Roboflow writes it
    assert opened(tmp_path, value)["a"].load().mask.any()
    assert not opened(tmp_path, value, "cells")["a"].load().mask.any()


def test_box_without_outline_leaves_its_image_out(tmp_path: Path) -> None:
    for segmentation in ([], [[]], None):
        value = sample()
        value["annotations"][1].update(segmentation=segmentation, bbox=[1, 5, 8, 2])
        data = opened(tmp_path, value)
        assert data.keys() == ("b",)
        assert str(data.problems[0]) == "coco.json: images[0], a.png, is left out: annotations[1] has no outline, only a box"


def test_polygon_of_two_points_is_left_out(tmp_path: Path) -> None:
    value = sample()
    value["annotations"].append({"image_id": 2, "category_id": 1, "segmentation": [[1, 2, 3, 4], box(1, 1, 3, 3)]})
    data = opened(tmp_path, value)
    assert data["b"].load().mask.sum() == 4
    assert (
        str(data.problems[0])
        == "coco.json: annotations[2].segmentation[0] is left out: it has fewer than three points, so it holds no area"
    )


def test_declared_size_must_be_the_images(tmp_path: Path) -> None:
    value = sample()
    value["images"][0].update(width=8, height=10)
    with pytest.raises(DataError, match="mask is 8x10 pixels, but its image 10x8") as caught:
        opened(tmp_path, value)["a"].load()
    assert caught.value.where == f"{tmp_path / 'coco.json'} (images[0])"
    del value["images"][0]["width"]
    assert opened(tmp_path, value)["a"].load().mask.any()


def test_missing_images_are_told_in_one_sentence(tmp_path: Path) -> None:
    value = sample()
    value["images"] += [{"id": 10 + n, "file_name": f"gone/{n}.jpg"} for n in range(5)]
    data = opened(tmp_path, value)
    assert list(map(str, data.problems)) == ["coco.json: 5 images not in the source: gone/0.jpg, gone/1.jpg, gone/2.jpg, ..."]


def test_none_of_the_images_is_there(tmp_path: Path) -> None:
    value = sample(images=[{"id": 1, "file_name": "gone.jpg"}, {"id": 2, "file_name": "too.jpg"}])
    with pytest.raises(
        DataError, match=r"none of the annotated images can be used: coco.json: 2 images not in the source: gone.jpg, too.jpg"
    ):
        opened(tmp_path, value)


def test_pictures_as_masks_go_first_unless_the_file_is_named(tmp_path: Path) -> None:
    files = {"images/a.png": IMAGES["a.png"], "masks/a.png": mask_bytes(5, SIZE), "coco.json": writers.dumped(sample())}
    write_folder(tmp_path, files)
    assert [file.name for file in open_source(tmp_path)["a"].mask.files] == ["masks/a.png"]  # type: ignore[union-attr]
    named = open_source(tmp_path / "coco.json")
    assert named["a"].image.name == "images/a.png"
    assert (named["a"].load().mask == (FIRST > 0)).all()


def test_ids_that_stand_for_two_images_are_told(tmp_path: Path) -> None:
    """As where two files were put together: each image would get the objects of both."""
    value = of_classes()
    value["images"].append({**value["images"][0], "file_name": "b.png"})
    with pytest.raises(DataError, match="1 id in `images` used for several images"):
        opened(tmp_path, value)
