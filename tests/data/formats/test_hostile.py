"""Files that are made to do harm: each is refused in plain words, before it costs time or memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.data.formats import memory, writers

from limner.errors import DataError
from limner.imaging import encode_png

Image.preinit()  # what Pillow imports at its first picture is not what a file takes
LABELS = np.zeros(memory.SIZE, np.int32)
LABELS[1:4, 2:6] = 1


def coco(**image: Any) -> dict[str, Any]:
    value = writers.coco({"a.png": LABELS}, writers.coco_runs)
    value["images"][0].update(image)
    return value


def segmented(segmentation: object) -> dict[str, Any]:
    value = coco()
    value["annotations"][0]["segmentation"] = segmentation
    return value


def polygon(*points: float) -> dict[str, Any]:
    return segmented([list(points)])


def studio(**changes: Any) -> list[dict[str, Any]]:
    tasks = writers.label_studio({"a.png": LABELS}, brush=True)
    result = tasks[0]["annotations"][0]["result"][0]
    result.update({key: value for key, value in changes.items() if key != "value"})
    result["value"].update(changes.get("value", {}))
    return tasks


HUGE = 2**40
BOMB = "iVBORw0KGgoAAAANSUhEUgAAgAAAAIAACAAAAAA="  # the beginning of a PNG of 32768x32768
REFUSED: dict[str, tuple[object, str]] = {
    "huge coordinates": (polygon(0, 0, 1e300, 0, 5, 5), r"annotations\[0\].segmentation\[0\]\[2\]: Input should be less than"),
    "coordinates beyond any image": (polygon(0, 0, 1e6, 0, 5, 5), "reaches far beyond the image of 10x8"),
    "NaN": (polygon(0, 0, float("nan"), 0, 5, 5), r"annotations\[0\].segmentation\[0\]\[2\]: Input should be a finite number"),
    "infinity": (polygon(0, 0, float("-inf"), 0, 5, 5), r"annotations\[0\].segmentation\[0\]\[2\]: Input should be"),
    "odd number of coordinates": (polygon(0, 0, 1, 1, 2, 2, 3), r"annotations\[0\].segmentation\[0\] holds an odd number"),
    "negative size": (coco(width=-10), r"images\[0\].width: Input should be greater than or equal to 1"),
    "size of a gigabyte": (coco(width=2**15, height=2**15), "mask is 32768x32768 pixels, but its image 10x8"),
    "size beyond all bounds": (coco(width=10**30, height=10**30), r"images\[0\].\w+: Input should be less than"),
    "runs of a gigabyte": (segmented({"size": [2**15, 2**15], "counts": [0, 2**30]}), "run lengths are for an image of 32768x32768"),
    "runs that are too long": (segmented({"size": [8, 10], "counts": [0, HUGE]}), "do not add up to the 80 pixels"),
    "many runs": (segmented({"size": [8, 10], "counts": [0] * 300_000 + [80]}), "do not add up to the 80 pixels"),
    "run beyond all bounds": (segmented({"size": [8, 10], "counts": [10**30]}), r"annotations\[0\].segmentation.counts\[0\]: "),
    "negative run": (segmented({"size": [8, 10], "counts": [81, -1]}), r"annotations\[0\].segmentation.counts\[1\]: "),
    "packed runs that are too long": (segmented({"size": [8, 10], "counts": "oooooo0"}), "do not add up|larger than any image"),
    "packed runs without end": (segmented({"size": [8, 10], "counts": "o" * 1_000_000}), "cut short"),
    "strange signs": (segmented({"size": [8, 10], "counts": "\U0001f600\x00"}), "signs that COCO's packing does not use"),
    "text for a list": (segmented("MN" * 1000), r"annotations\[0\].segmentation: Input should be"),
    "unknown image": ({**coco(), "images": []}, r"annotations\[0\] is of an image or a category that the file does not list"),
    "brush of nothing": (studio(value={"rle": []}), "brush strokes are damaged"),
    "brush that claims a gigabyte": (studio(value={"rle": [64, 0, 0, 0, 57, 34, 34]}), "brush strokes are damaged"),
    "brush of a gigabyte": (studio(original_width=2**15, original_height=2**15), "mask is 32768x32768 pixels"),
    "rectangle without end": (
        studio(type="rectangle", value={"x": 0, "y": 0, "width": 1e300, "height": 1}),
        r"\[0\].annotations\[0\].result\[0\].value.width: Input should be less than",
    ),
    "stamp of a gigabyte": (
        writers.labelme("a.png", LABELS, shapes=[{"label": "x", "shape_type": "mask", "points": [[0, 0], [9, 9]], "mask": BOMB}]),
        "its mask is no PNG, or larger than the image",
    ),
    "many shapes of the wrong type": (writers.labelme("a.png", LABELS) | {"shapes": [0] * 300_000}, r"shapes\[0\]: Input should be"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_plain_words(name: str) -> None:
    value, what = REFUSED[name]
    data = json.dumps(value).encode()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=what) as caught:
            memory.use(memory.read("a.json", data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value.where).startswith("memory/a.json")
    assert caught.value.fix
    assert peak < 20 * len(data) + 2**20  # what the text and its values take


TEXTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no JSON: EOF"),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, "no JSON: recursion limit exceeded"),
    "deep objects": (b'{"shapes":' * 5_000, "no JSON: recursion limit exceeded"),
    "not UTF-8": (b'{"images": "\xff\xfe"}', "not text in UTF-8: the byte at 12"),
    "half a surrogate": (b'{"images": "\\ud800"}', "no JSON"),
    "UTF-16 cut in half": (b"\xff\xfe{\x00}", "not text in UTF-8"),
    "a number without end": (b"[" + b"9" * 100_000 + b"]", "no JSON: number out of range"),
    "something else": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not text in UTF-8"),
    "two values": (b"{}{}", "no JSON: trailing characters"),
    "a number": (b"7", "of no kind of annotations"),
    "an empty list": (b"[]", "of no kind of annotations"),
    "a package": (b'{"name": "x", "version": "1", "images": [], "files": ["a.png"]}', "of no kind of annotations"),
    "boxes alone": (b'{"a": {"height": 8, "width": 10, "bbox": [{"label": "polyp", "xmin": 1}]}}', "of no kind of annotations"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_no_annotation(name: str) -> None:
    data, what = TEXTS[name]
    with pytest.raises(DataError, match=what) as caught:
        memory.read("a.json", data)
    assert caught.value.where == "memory/a.json"


def test_names_the_kinds_that_are_read() -> None:
    with pytest.raises(DataError) as caught:
        memory.read("a.json", b"{}")
    assert caught.value.fix == (
        "limner reads manifests (CSV or JSON), COCO, LabelMe, Label Studio (exported as JSON, not as JSON-MIN) and GeoJSON"
    )


def test_of_two_values_under_one_key_the_last_counts() -> None:
    text = writers.dumped(writers.labelme("a.png", LABELS))
    assert memory.use(memory.read("a.json", text.replace(b'"shapes":', b'"shapes": 7, "shapes":'))) == 12


def test_bytes_in_utf_16_and_with_a_mark_are_read() -> None:
    text = writers.dumped(writers.labelme("a.png", LABELS)).decode()
    assert memory.use(memory.read("a.json", text.encode("utf-16"))) == 12
    assert memory.use(memory.read("a.json", text.encode("utf-8-sig"))) == 12


def test_outlines_of_millions_of_points_are_refused_before_they_are_drawn() -> None:
    data = json.dumps(polygon(0, 0, 1, 1, 2, 2)).replace("[0, 0, 1, 1, 2, 2]", "[" + "1," * 2_000_000 + "1]").encode()
    with pytest.raises(DataError, match=r"segmentation\[0\]: List should have at most 2000000 items"):
        memory.read("a.json", data)


def test_hundred_thousand_points_in_one_place_are_drawn() -> None:
    assert memory.use(memory.read_value(polygon(*[3.0, 3.0] * 100_000, 7, 3, 7, 7, 3, 7), "a.json")) == 16


def test_image_names_that_are_none() -> None:
    for name in ("", ".", "..", "/", "\x00.png", "x" * 5000 + ".png", "a.png/../c", "C:\\a.gif"):
        with pytest.raises(DataError, match="1 image not in the source"):
            memory.read_value(coco(file_name=name), "notes.json")


def test_masks_that_are_no_pictures_are_errors_when_they_are_read() -> None:
    stamped = writers.labelme("a.png", LABELS, stamps=True)
    png = encode_png(np.ones((3, 4), bool))
    import base64

    stamped["shapes"][0]["mask"] = base64.b64encode(png[: len(png) // 2]).decode()
    with pytest.raises(DataError, match="cannot be read"):
        memory.use(memory.read_value(stamped, "a.json"))
