"""Whatever is in an annotation file, reading it gives items or a `DataError`, never anything else.

Valid files of each kind are damaged in thousands of ways, the same ones at each run.
"""

from __future__ import annotations

import copy
import json
import random
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.data.formats import memory, writers
from tests.imaging.fuzz import CASE_SECONDS, MEMORY, limit_memory

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH = 100  # damaged files of each kind, in each of three ways

LABELS = np.zeros(memory.SIZE, np.int32)
LABELS[1:4, 2:6], LABELS[5:7, 1:9] = 1, 2
MASKS = {"a.png": LABELS, "b.png": np.zeros_like(LABELS)}
ROWS = [
    {"image": "a.png", "mask": "a_mask.png", "patient": "7", "id": 1, "fov": "a_mask.png"},
    {"image": "b.png", "mask": ["a_mask.png"], "id": 2},
]
REGIONS: list[dict[str, Any]] = [
    {"type": "rectanglelabels", "value": {"x": 10, "y": 10, "width": 30, "height": 40, "rotation": 15, "rectanglelabels": ["cell"]}},
    {"type": "ellipselabels", "value": {"x": 60, "y": 60, "radiusX": 20, "radiusY": 30, "rotation": 15, "ellipselabels": ["cell"]}},
    {"type": "keypointlabels", "value": {"x": 60, "y": 60, "keypointlabels": ["cell"]}},
    {"type": "choices", "value": {"choices": ["good"]}},
]
SHAPES = [
    {"label": "cell", "points": [[1, 1], [4, 6]], "shape_type": "rectangle"},
    {"label": "cell", "points": [[5, 4], [7, 5]], "shape_type": "circle", "group_id": 3},
    {"label": "cell", "points": [[5, 4]], "shape_type": "point"},
]


def studio() -> list[dict[str, Any]]:
    tasks = writers.label_studio(MASKS)
    told = {"original_width": memory.SIZE[1], "original_height": memory.SIZE[0], "image_rotation": 0}
    tasks[0]["annotations"][0]["result"] += [{"id": f"q{index}", **told, **region} for index, region in enumerate(REGIONS)]
    return tasks


JSONS: dict[str, tuple[str, Any]] = {
    "manifest": ("list.json", ROWS),
    "items": ("list.json", {"items": ROWS}),
    "coco-polygons": ("coco.json", writers.coco(MASKS, writers.coco_polygons)),
    "coco-runs": ("coco.json", writers.coco(MASKS, writers.coco_runs)),
    "coco-packed": ("coco.json", writers.coco(MASKS, writers.coco_packed)),
    "labelme": ("a.json", writers.labelme("a.png", LABELS)),
    "labelme-shapes": ("a.json", {**writers.labelme("a.png", LABELS, stamps=True), "shapes": SHAPES}),
    "labelme-stamps": ("a.json", writers.labelme("a.png", LABELS, stamps=True)),
    "label-studio": ("export.json", studio()),
    "label-studio-brush": ("export.json", writers.label_studio(MASKS, brush=True)),
    "geojson": ("a.geojson", writers.geojson(LABELS)),
}
TABLES = {
    "csv": ("list.csv", b"image,mask,patient,id\na.png,a_mask.png,7,1\nb.png,a_mask.png,8,2\n"),
    "tsv": ("list.tsv", b'image\tmask\tpatient\tid\na.png\t"a_mask.png"\t7\t1\nb.png\ta_mask.png\t8\t2\n'),
    "jsonl": ("list.jsonl", b"\n".join(map(writers.dumped, ROWS))),
}
FILES = {**{kind: (name, writers.dumped(value)) for kind, (name, value) in JSONS.items()}, **TABLES}


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    """No file may take more than a gigabyte: what does ends in a MemoryError, which is no `DataError`."""
    resource = pytest.importorskip("resource")  # limits are Unix's
    before = limit_memory(MEMORY)
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def attempt(name: str, data: bytes) -> bool:
    """Whether the file is still read."""
    refused, start = None, time.process_time()
    try:
        memory.use(memory.read(name, data))
    except DataError as error:
        refused = error
    assert time.process_time() - start < CASE_SECONDS, "a watchdog, not a measurement: files of this size take a millisecond"
    assert refused is None or (refused.what and refused.where)
    return refused is None


def generator(kind: str, way: str) -> random.Random:
    return random.Random(f"{kind} {way}")


@pytest.mark.parametrize("kind", FILES)
def test_undamaged_files_are_read(kind: str) -> None:
    assert memory.use(memory.read(*FILES[kind])) > 10


@pytest.mark.parametrize("kind", FILES)
def test_flipped_bytes(kind: str) -> None:
    chance, (name, data) = generator(kind, "flips"), FILES[kind]
    for _ in range(EACH):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(data))] = chance.choice((chance.randrange(256), ord(chance.choice('0123456789-+.eE[]{},:" '))))
        attempt(name, bytes(damaged))


@pytest.mark.parametrize("kind", FILES)
def test_cut_short(kind: str) -> None:
    chance, (name, data) = generator(kind, "cuts"), FILES[kind]
    read = [attempt(name, data[: chance.randrange(len(data))]) for _ in range(EACH)]
    if kind not in TABLES:
        assert not any(read)


ODD: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1,
        3,
        2.5,
        -1e9,
        1e308,
        10**30,
        float("nan"),
        float("inf"),
        "",
        "x",
        "a.png",
        "é\x00",
        "../../etc/passwd",
        "9" * 400,
    ),
    *([], {}, [[]], [None], [1, 2, 3], [[1, 2], [3, 4]], [[[0, 0], [5, 0], [5, 5]]], {"size": [8, 10], "counts": [80]}, {"x": {"y": []}}),
    [[1e6, 1e6]] * 5,
    [0] * 1000,
    {"size": [10**9, 10**9], "counts": "1"},
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All containers within a JSON value, with each of their keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


@pytest.mark.parametrize("kind", JSONS)
def test_values_of_other_types(kind: str) -> None:
    chance, (name, value) = generator(kind, "swaps"), JSONS[kind]
    read = 0
    for _ in range(EACH):
        changed = copy.deepcopy(value)
        for _ in range(chance.randint(1, 2)):
            holder, key = chance.choice(list(places(changed)))
            if isinstance(holder, dict) and chance.random() < 0.1:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(chance.choice(ODD))
            if not list(places(changed)):
                break
        read += attempt(name, json.dumps(changed).encode())
    assert 0 < read < EACH


@pytest.mark.parametrize("kind", JSONS)
def test_every_value_of_other_types(kind: str) -> None:
    """Each key once, however deep, so that none is left to chance."""
    name, value = JSONS[kind]
    chance, seen = generator(kind, "each"), set()
    for index, (holder, key) in enumerate(list(places(value))):
        if isinstance(holder, dict) and (key, type(holder[key])) not in seen:
            seen.add((key, type(holder[key])))
            for odd in chance.sample(ODD, 4):
                changed = copy.deepcopy(value)
                inner, same = list(places(changed))[index]
                inner[same] = odd
                attempt(name, json.dumps(changed).encode())


def test_there_are_enough_cases() -> None:
    assert EACH * (2 * len(FILES) + len(JSONS)) >= 2500
