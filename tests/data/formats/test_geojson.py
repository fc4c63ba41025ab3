"""GeoJSON as QuPath writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
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


def square(left: int, top: int, side: int) -> list[list[float]]:
    return [[left, top], [left + side, top], [left + side, top + side], [left, top + side], [left, top]]


def feature(coordinates: object, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    told = {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}, **properties}
    return {"type": "Feature", "id": "x", "geometry": {"type": kind, "coordinates": coordinates}, "properties": told}


def opened(folder: Path, value: object, *, foreground: str | None = None, name: str = "slide.geojson") -> Dataset:
    write_folder(folder, {"slide.png": image_bytes(1, SIZE), name: writers.dumped(value)})
    return open_source(folder, options=SourceOptions(foreground=Foreground.parse(foreground) if foreground else None))


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


ONE = feature([square(5, 5, 10)])


@pytest.mark.parametrize("value", [collection(ONE), [ONE], ONE])
@pytest.mark.parametrize(
    "name", ["slide.geojson", "slide.json", "SLIDE.geojson", "slide.png.geojson", "slide_annotations.geojson", "qupath/slide.geojson"]
)
def test_ways_of_writing_one(value: object, name: str, tmp_path: Path) -> None:
    data = opened(tmp_path, value, name=name)
    mask = data["slide"].load().mask
    assert mask[5:15, 5:15].all()
    assert mask.sum() == 100
    assert data.problems == ()


@pytest.mark.parametrize("value", [collection(), []])
def test_no_features_are_an_empty_mask(value: object, tmp_path: Path) -> None:
    assert not opened(tmp_path, value)["slide"].load().mask.any()


def test_holes_and_parts(tmp_path: Path) -> None:
    several = feature([[square(0, 0, 10), square(2, 2, 4)], [square(20, 20, 5)]], "MultiPolygon")
    data = opened(tmp_path, collection(several, ONE))
    assert data["slide"].load().mask.sum() == 100 - 16 + 25 + 100 - 25 + 1  # a corner of the hole is covered by the other
    labels = data["slide"].load_instances()
    assert labels.max() == 2
    assert labels[21, 21] == labels[0, 0] == 1


def test_heights_are_passed_over(tmp_path: Path) -> None:
    assert opened(tmp_path, [feature([[[*point, 0] for point in square(5, 5, 10)]])])["slide"].load().mask.sum() == 100


@pytest.mark.parametrize(
    "ignored",
    [
        {"classification": {"name": "Ignore*"}},
        {"classification": {"name": "Region*"}},
        {"classification": {"names": ["Ignore*"]}},
        {"classification": {"name": "Fold"}, "isIgnored": True},
    ],
)
def test_ignored_classes_are_ground(ignored: dict[str, Any], tmp_path: Path) -> None:
    data = opened(tmp_path, collection(ONE, feature([square(20, 20, 10)], **ignored)))
    assert data["slide"].load().mask.sum() == 100


def test_classes_are_chosen(tmp_path: Path) -> None:
    value = collection(
        ONE,
        feature([square(20, 20, 4)], classification={"name": "Stroma", "colorRGB": -1}),
        feature([square(30, 20, 3)], classification={"names": ["Tumor", "Positive"]}),
        feature([square(40, 20, 2)], classification=None),
    )
    for text, area in (("Tumor", 100), ("stroma", 16), ("Tumor: Positive", 9), ("unclassified", 4), ("Tumor,Tumor: Positive", 109)):
        assert opened(tmp_path, value, foreground=text)["slide"].load().mask.sum() == area
    with pytest.raises(DataError, match=r"4 classes: Stroma \(1 object\), Tumor \(1 object\), Tumor: Positive \(1 object\), unclassified"):
        opened(tmp_path, value)


def test_features_without_any_class_are_all_foreground(tmp_path: Path) -> None:
    plain = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [square(1, 1, 3)]}}
    assert opened(tmp_path, collection(plain, {**plain, "properties": None}))["slide"].load_instances().max() == 2


@pytest.mark.parametrize("kind", ["Point", "LineString", "MultiPoint", "MultiLineString"])
def test_points_and_lines_are_left_out(kind: str, tmp_path: Path) -> None:
    data = opened(tmp_path, collection(ONE, feature([1, 2], kind), {"type": "Feature", "geometry": None}))
    assert data["slide"].load().mask.sum() == 100
    assert list(map(str, data.problems)) == [f"slide.geojson: features[1] is left out: a {kind} holds no area"]


def test_degenerate_part_is_left_out_alone(tmp_path: Path) -> None:
    data = opened(tmp_path, collection(feature([[square(0, 0, 3)[:2]], [square(5, 5, 10)]], "MultiPolygon")))
    assert data["slide"].load().mask.sum() == 100
    assert "features[0] is left out: a part of it: it has fewer than three points" in str(data.problems[0])


def test_unknown_geometry_leaves_its_image_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"slide.geojson is left out: features\[1\] is a 'GeometryCollection', which is not read"):
        opened(tmp_path, collection(ONE, feature([], "GeometryCollection")))


def test_file_without_its_image_is_told(tmp_path: Path) -> None:
    data = opened(tmp_path, collection(ONE))
    write_folder(tmp_path, {"other.geojson": writers.dumped(collection(ONE))})
    data = open_source(tmp_path)
    assert data.keys() == ("slide",)
    assert list(map(str, data.problems)) == ["other.geojson: 1 image not in the source: an image named as other"]


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (feature([[[1, 2], [3]]]), r"features\[0\].geometry.coordinates\[0\]\[1\]: List should have at least 2 items"),
        (feature([[[1, 2], [3, None]]]), r"features\[0\].geometry.coordinates\[0\]\[1\]\[1\]"),
        (feature("x"), r"features\[0\].geometry.coordinates: Input should be a valid list"),
        (feature(7, "MultiPolygon"), r"features\[0\].geometry.coordinates: Input should be a valid list"),
        ({"type": "Feature", "geometry": 3}, r"features\[0\].geometry: "),
        (feature([[[1e300, 2], [3, 4], [5, 6]]]), r"features\[0\].geometry.coordinates\[0\]\[0\]\[0\]: Input should be less than"),
    ],
)
def test_damage_is_an_error_that_names_the_entry(told: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"damaged at {what}"):
        opened(tmp_path, collection(told))
