"""LabelMe JSON."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tests.data.folders import image_bytes, write_folder
from tests.data.formats import writers

from limner.data import open_source
from limner.data.options import SourceOptions
from limner.errors import DataError
from limner.imaging.foreground import Foreground

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.items import Dataset

SIZE = (40, 50)


def shape(kind: str | None, *points: tuple[float, float], label: str = "polyp", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": list(points), "shape_type": kind, "group_id": None, **more}


def sample(*shapes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = {"version": "5.4.1", "flags": {}, "imagePath": "a.png", "imageData": None, "imageHeight": SIZE[0], "imageWidth": SIZE[1]}
    return {**told, "shapes": list(shapes), **changes}


def opened(folder: Path, value: object, *, foreground: str | None = None, image: bytes | None = None) -> Dataset:
    write_folder(folder, {"a.png": image or image_bytes(1, SIZE), "a.json": writers.dumped(value)})
    return open_source(folder, options=SourceOptions(foreground=Foreground.parse(foreground) if foreground else None))


@pytest.mark.parametrize(
    ("drawn", "area"),
    [
        (shape("rectangle", (30, 20), (10, 5)), 20 * 15),
        (shape("rectangle", (10, 5), (30, 5), (30, 20), (10, 20)), 20 * 15),
        (shape("polygon", (10, 5), (30, 5), (30, 20), (10, 20)), 20 * 15),
        (shape(None, (10, 5), (30, 5), (30, 20), (10, 20)), 20 * 15),
        (shape("circle", (25, 20), (25, 8)), np.pi * 144),
        (shape("polygon", (0, 0), (40, 0), (0, 40)), 800),
    ],
)
def test_shapes(drawn: dict[str, Any], area: float, tmp_path: Path) -> None:
    assert opened(tmp_path, sample(drawn))["a"].load().mask.sum() == pytest.approx(area, rel=0.03)


def test_rectangle_is_where_it_should_be(tmp_path: Path) -> None:
    mask = opened(tmp_path, sample(shape("rectangle", (10, 5), (30, 20))))["a"].load().mask
    assert mask[5:20, 10:30].all()
    assert mask.sum() == 300


def test_no_shapes_are_an_empty_mask(tmp_path: Path) -> None:
    assert not opened(tmp_path, sample())["a"].load().mask.any()


@pytest.mark.parametrize("kind", ["point", "points", "line", "linestrip"])
def test_shapes_without_area_are_left_out(kind: str, tmp_path: Path) -> None:
    data = opened(tmp_path, sample(shape("rectangle", (0, 0), (2, 2)), shape(kind, (1, 1), (4, 4), (8, 1))))
    assert data["a"].load().mask.sum() == 4
    assert list(map(str, data.problems)) == [f"a.json: shapes[1] is left out: a {kind} holds no area"]


def test_group_makes_one_object(tmp_path: Path) -> None:
    parts = [shape("rectangle", (left, 0), (left + 2, 2), group_id=group) for left, group in ((0, 7), (10, 7), (20, None), (30, None))]
    parts.append(shape("rectangle", (40, 0), (42, 2), group_id=7, label="other"))
    labels = opened(tmp_path, sample(*parts), foreground="polyp,other")["a"].load_instances()
    assert [int(labels[0, left]) for left in (0, 10, 20, 30, 40)] == [1, 1, 2, 3, 4]


def test_names_for_ground_are_no_classes(tmp_path: Path) -> None:
    ground = [shape("rectangle", (0, 0), (9, 9), label=label) for label in ("_background_", "__ignore__")]
    data = opened(tmp_path, sample(*ground, shape("rectangle", (20, 20), (22, 22))))
    assert data["a"].load().mask.sum() == 4


def test_choice_among_classes_of_several_files(tmp_path: Path) -> None:
    for key, label in (("b", "polyp"), ("c", "fold")):
        told = sample(shape("rectangle", (0, 0), (3, 3), label=label), imagePath=f"{key}.png")
        write_folder(tmp_path, {f"{key}.png": image_bytes(2, SIZE), f"{key}.json": writers.dumped(told)})
    with pytest.raises(DataError, match=r"2 classes: fold \(1 object\), polyp \(1 object\)"):
        open_source(tmp_path)
    data = open_source(tmp_path, options=SourceOptions(foreground=Foreground.parse("fold")))
    assert [item.load().mask.sum() for item in data] == [0, 9]


def test_path_out_of_the_folder(tmp_path: Path) -> None:
    told = sample(shape("rectangle", (0, 0), (3, 3)), imagePath="..\\images\\a.png")
    write_folder(tmp_path, {"images/a.png": image_bytes(1, SIZE), "json/a.json": writers.dumped(told)})
    for source in (tmp_path, tmp_path / "json" / "a.json", tmp_path / "json"):
        assert open_source(source)["a"].load().mask.sum() == 9


def test_image_that_was_renamed_with_its_file(tmp_path: Path) -> None:
    data = opened(tmp_path, sample(shape("rectangle", (0, 0), (3, 3)), imagePath="IMG_0001.jpg"))
    assert data["a"].image.name == "a.png"


def test_image_within_the_file_is_used_where_there_is_no_other(tmp_path: Path) -> None:
    inside = base64.b64encode(image_bytes(4, SIZE)).decode()
    value = sample(shape("rectangle", (0, 0), (3, 3)), imagePath="gone.png", imageData=inside)
    write_folder(tmp_path, {"case.json": writers.dumped(value)})
    item = open_source(tmp_path)["case"]
    assert item.load().mask.sum() == 9
    beside = opened(tmp_path / "beside", sample(imageData=inside), image=image_bytes(5, SIZE))["a"]
    assert not (beside.load_image() == item.load_image()).all()
    assert item.image.display == f"{tmp_path / 'case.json'} (imageData)"
    (tmp_path / "case.json").write_bytes(writers.dumped(sample(imagePath="gone.png", imageData="%%%")))
    with pytest.raises(DataError):
        open_source(tmp_path)["case"].load()


def test_images_are_upright(tmp_path: Path) -> None:
    """A camera's picture that lies on its side is turned by LabelMe as by limner; so are its width and height."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = io.BytesIO()
    Image.fromarray(np.zeros((SIZE[1], SIZE[0], 3), np.uint8)).save(lying, "PNG", exif=exif)
    data = opened(tmp_path, sample(shape("rectangle", (0, 0), (50, 2))), image=lying.getvalue())
    assert data["a"].load().mask.sum() == 100
    assert data["a"].load_image().shape == (*SIZE, 3)


def test_one_damaged_file_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    opened(tmp_path, sample(shape("rectangle", (0, 0), (3, 3))))
    write_folder(tmp_path, {"b.png": image_bytes(2, SIZE), "b.json": writers.dumped(sample())[:-30]})
    data = open_source(tmp_path)
    assert data.keys() == ("a",)
    assert str(data.problems[0]).startswith("b.json: the file is no JSON: EOF")
    with pytest.raises(DataError, match="the file is no JSON: EOF") as caught:
        open_source(tmp_path / "b.json")
    assert caught.value.where == str(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (shape("cuboid", (1, 1), (2, 2)), r"shapes\[0\] is a cuboid of 2 points, which is not read"),
        (shape("rectangle", (1, 1)), r"shapes\[0\] is a rectangle of 1 points"),
        (shape("polygon", (1, 1), (2, 2), (3, float("nan"))), r"damaged at shapes\[0\].points\[2\]\[1\]: Input should be a finite number"),
        (shape("mask", (1, 1), (2, 2), mask="A"), "no base64"),
        (shape("mask", (1, 1), (2, 2)), "no base64"),
        ({"label": "x"}, r"damaged at shapes\[0\].points: Field required"),
    ],
)
def test_damaged_shapes_are_errors_that_name_them(changed: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=what):
        opened(tmp_path, sample(changed))
