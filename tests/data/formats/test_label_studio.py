"""Label Studio's export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.data.folders import image_bytes, write_folder
from tests.data.formats import writers

from limner.data import open_source
from limner.data.options import SourceOptions
from limner.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.items import Dataset

SIZE = (50, 100)  # so that a percent is another length along each side


def region(kind: str, labels: tuple[str, ...] = ("polyp",), **value: Any) -> dict[str, Any]:
    told = {"type": kind, "id": "r", "original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0}
    return {**told, "value": {**value, **({kind: list(labels)} if kind.endswith("labels") else {})}}


def rectangle(left: float = 10, **more: Any) -> dict[str, Any]:
    return region("rectanglelabels", x=left, y=20, width=20, height=40, **more)


def task(*results: dict[str, Any], image: str = "/data/upload/1/0a1b2c3d-a.png", **more: Any) -> dict[str, Any]:
    annotation = {"id": 1, "was_cancelled": False, "ground_truth": False, "result": list(results), **more}
    return {"id": 1, "data": {"image": image}, "annotations": [annotation], "predictions": []}


def opened(folder: Path, *tasks: dict[str, Any], observer: int = 1, **files: bytes) -> Dataset:
    write_folder(folder, {"a.png": image_bytes(1, SIZE), **files, "export.json": writers.dumped(list(tasks))})
    return open_source(folder, options=SourceOptions(observer=observer))


def test_rectangle_in_percent(tmp_path: Path) -> None:
    mask = opened(tmp_path, task(rectangle()))["a"].load().mask
    assert mask[10:30, 10:30].all()
    assert mask.sum() == 400


def test_rectangle_turns_about_its_upper_left_corner(tmp_path: Path) -> None:
    """By 90 degrees clockwise what was to the right of the corner lies below it, and what was below lies to the left."""
    mask = opened(tmp_path, task(region("rectanglelabels", x=50, y=20, width=20, height=10, rotation=90)))["a"].load().mask
    assert mask[10:30, 45:50].all()
    assert mask.sum() == 100


def test_ellipse(tmp_path: Path) -> None:
    mask = opened(tmp_path, task(region("ellipselabels", x=50, y=50, radiusX=30, radiusY=20, rotation=0)))["a"].load().mask
    assert mask.sum() == pytest.approx(np.pi * 30 * 10, rel=0.02)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx((24.5, 49.5), abs=0.2)


def test_polygon_and_labels_that_come_apart_from_it(tmp_path: Path) -> None:
    points = [[10, 20], [30, 20], [30, 60], [10, 60]]
    apart = [region("polygon", points=points), {**region("labels", points=points), "value": {"labels": ["polyp"]}}]
    data = opened(tmp_path, task(*apart))
    assert data["a"].load().mask.sum() == 400
    assert data["a"].load_instances().max() == 1


def test_several_labels_of_one_region(tmp_path: Path) -> None:
    from limner.imaging.foreground import Foreground

    opened_as = task(rectangle(labels=("polyp", "flat")), rectangle(60, labels=("fold",)))
    write_folder(tmp_path, {"a.png": image_bytes(1, SIZE), "export.json": writers.dumped([opened_as])})
    for text, area in (("flat", 400), ("polyp", 400), ("fold,flat", 800), ("nonzero", 800)):
        assert open_source(tmp_path, options=SourceOptions(foreground=Foreground.parse(text)))["a"].load().mask.sum() == area


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/0a1b2c3d-a.png",
        "/data/local-files/?d=set%2Fimages%2Fa.png",
        "/data/local-files/?d=images\\a.png",
        "s3://bucket/images/a.png",
        "https://host/path/a.png?signature=x.y",
        "a.png",
        "upload/7/a%2Epng",
    ],
)
def test_images_are_found_by_their_addresses(image: str, tmp_path: Path) -> None:
    assert opened(tmp_path, task(rectangle(), image=image))["a"].image.name == "a.png"


def test_uploaded_file_that_kept_its_new_name(tmp_path: Path) -> None:
    data = opened(tmp_path, task(rectangle()), **{"0a1b2c3d-a.png": image_bytes(3, SIZE)})
    assert data.keys() == ("0a1b2c3d-a",)


def test_other_data_beside_the_image(tmp_path: Path) -> None:
    told = task(rectangle())
    told["data"] = {"text": "seen at 10.30", "id": 3, "scan": "/data/upload/1/0a1b2c3d-a.png"}
    assert opened(tmp_path, told).keys() == ("a",)


def test_name_of_the_uploaded_file(tmp_path: Path) -> None:
    assert opened(tmp_path, {**task(rectangle(), image="/image7"), "file_upload": "0a1b2c3d-a.png"}).keys() == ("a",)


def test_empty_annotation_is_an_empty_mask(tmp_path: Path) -> None:
    assert not opened(tmp_path, task())["a"].load().mask.any()


def test_skipped_annotations_never_count(tmp_path: Path) -> None:
    told = task(rectangle(), was_cancelled=True)
    told["annotations"].append({"id": 2, "was_cancelled": False, "result": [rectangle(60), rectangle(10)]})
    assert opened(tmp_path, told)["a"].load().mask.sum() == 800


def test_observers_are_in_order_of_their_work_and_a_star_goes_first(tmp_path: Path) -> None:
    told = task()
    told["annotations"] = [{"id": number, "result": [rectangle()] * count} for number, count in ((30, 3), (10, 1), (20, 2))]
    for observer, objects in ((1, 1), (2, 2), (3, 3)):
        assert len(opened(tmp_path, told, observer=observer)["a"].mask.objects) == objects  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"\[0\] is left out: it has no annotation of observer 4"):
        opened(tmp_path, told, observer=4)
    told["annotations"][2]["ground_truth"] = True
    assert len(opened(tmp_path, told)["a"].mask.objects) == 2  # type: ignore[union-attr]


NOT_USABLE: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": (task(rectangle(), was_cancelled=True), "nobody has completed it"),
    "turned": (task({**rectangle(), "image_rotation": 90}), "was drawn while the image was turned by 90 degrees"),
    "page": (task({**rectangle(), "item_index": 2}), "is of another image than the first of its task"),
    "two images": (task({**rectangle(), "to_name": "before"}, {**rectangle(), "to_name": "after"}), "its regions are of several images"),
    "sizes": (task(rectangle(), {**rectangle(), "original_width": 7}), "its regions are of images of different sizes"),
    "no size": (task({**rectangle(), "original_width": None}), "does not say how large the image is"),
    "unknown": (task(region("bitmasklabels")), "is a 'bitmask', which is not read"),
    "no image": ({**task(rectangle()), "data": {"image": ["a.png"], "text": "hello"}}, "its data names no picture"),
}


@pytest.mark.parametrize("name", NOT_USABLE)
def test_tasks_that_cannot_be_used_are_left_out_and_told(name: str, tmp_path: Path) -> None:
    """A region whose area is not known would make the mask wrong, so its whole image is left out."""
    told, what = NOT_USABLE[name]
    data = opened(tmp_path, told, task(rectangle(), image="b.png"), **{"b.png": image_bytes(2, SIZE)})
    assert data.keys() == ("b",)
    assert what in str(data.problems[0])
    assert str(data.problems[0]).startswith("export.json: [0] is left out: ")


def test_what_has_no_area_is_left_out_alone(tmp_path: Path) -> None:
    rest = [{"type": "choices", "value": {"choices": ["good"]}}, {"type": "relation", "from_id": "r"}]
    data = opened(tmp_path, task(rectangle(), region("keypointlabels", x=1, y=2, width=1), region("polygonlabels", points=[[1, 2]]), *rest))
    assert data["a"].load().mask.sum() == 400
    assert [str(problem).split(" is left out: ")[1] for problem in data.problems] == [
        "a point holds no area",
        "it has fewer than three points, so it holds no area",
    ]


def test_size_must_be_the_images(tmp_path: Path) -> None:
    item = opened(tmp_path, task({**rectangle(), "original_width": 50, "original_height": 100}))["a"]
    with pytest.raises(DataError, match="mask is 50x100 pixels, but its image 100x50") as caught:
        item.load()
    assert "EXIF" in str(caught.value.fix)


def test_short_export_is_told_from_the_whole(tmp_path: Path) -> None:
    short = [{"image": "/data/upload/1/0a1b2c3d-a.png", "id": 1, "label": [{"x": 1, "rectanglelabels": ["polyp"]}]}]
    write_folder(tmp_path, {"a.png": image_bytes(1, SIZE), "export.json": writers.dumped(short)})
    with pytest.raises(DataError, match="of no kind of annotations") as caught:
        open_source(tmp_path / "export.json")
    assert "not as JSON-MIN" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (region("rectanglelabels", x=1, y=2, width=-3, height=4), r"\[0\].annotations\[0\].result\[0\].value.width"),
        (region("rectanglelabels", x="left", y=2, width=3, height=4), r"\[0\].annotations\[0\].result\[0\].value.x"),
        (region("ellipselabels", x=1, y=2, radiusX=3), r"\[0\].annotations\[0\].result\[0\].value.radiusY"),
        (region("brushlabels", rle=[0, 256]), r"\[0\].annotations\[0\].result\[0\].value.rle\[1\]"),
        ({"type": 3}, r"\[0\].annotations\[0\].result\[0\].type"),
    ],
)
def test_damage_is_an_error_that_names_the_entry(told: dict[str, Any], place: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"damaged at {place}: "):
        opened(tmp_path, task(told))
