"""Masks that are written as annotations in each format are read back as they were."""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from tests.data.folders import write_folder, write_zip
from tests.data.formats import writers

from limner.data import open_source
from limner.data.phantoms import instances, phantom
from limner.imaging import encode_png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Files = dict[str, bytes]

SIZE = (96, 128)
NAMES = {"nuclei-1": ("nuclei", 1), "nuclei-5": ("nuclei", 5), "polyp-2": ("polyp", 2), "vessel-3": ("vessel", 3)}


@cache
def truth(key: str) -> NDArray[np.int32]:
    """The labels of a phantom; those of nuclei that touch stay apart."""
    style, seed = NAMES[key]
    if style == "nuclei":
        return instances(seed, SIZE)
    return np.asarray(cv2.connectedComponents(phantom(style, seed, SIZE).mask.astype(np.uint8))[1])  # type: ignore[arg-type]


def images() -> Files:
    return {f"{key}.png": encode_png(phantom(style, seed, SIZE).image) for key, (style, seed) in NAMES.items()}


def truths() -> dict[str, NDArray[np.int32]]:
    return {f"{key}.png": truth(key) for key in NAMES}


def per_image(write: Callable[[str, NDArray[np.int32]], object], suffix: str) -> Files:
    return {f"{key}{suffix}": writers.dumped(write(f"{key}.png", truth(key))) for key in NAMES}


FORMATS: dict[str, Callable[[], Files]] = {
    "coco-polygons": lambda: {"coco.json": writers.dumped(writers.coco(truths(), writers.coco_polygons))},
    "coco-runs": lambda: {"coco.json": writers.dumped(writers.coco(truths(), writers.coco_runs))},
    "coco-packed": lambda: {"coco.json": writers.dumped(writers.coco(truths(), writers.coco_packed))},
    "labelme-polygons": lambda: per_image(writers.labelme, ".json"),
    "labelme-masks": lambda: per_image(lambda name, labels: writers.labelme(name, labels, stamps=True), ".json"),
    "label-studio-polygons": lambda: {"export.json": writers.dumped(writers.label_studio(truths()))},
    "label-studio-brush": lambda: {"export.json": writers.dumped(writers.label_studio(truths(), brush=True))},
    "geojson": lambda: per_image(lambda _, labels: writers.geojson(labels), ".geojson"),
}
WITH_HOLES = {"coco-runs", "coco-packed", "labelme-masks", "label-studio-brush", "geojson"}
EXACT = {"coco-runs", "coco-packed", "labelme-masks", "label-studio-brush"}


def filled(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The mask, with the holes filled that polygons without holes cannot have."""
    mask = np.zeros(labels.shape, np.uint8)
    for area in writers.areas(labels):
        cv2.drawContours(mask, cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, 1, -1)
    return mask > 0


@pytest.fixture(scope="module", params=FORMATS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, write_folder(tmp_path_factory.mktemp(request.param), {**images(), **FORMATS[request.param]()})


@pytest.mark.parametrize("key", NAMES)
def test_masks_come_back(written: tuple[str, Path], key: str) -> None:
    name, folder = written
    data = open_source(folder)
    assert data.keys() == tuple(NAMES)
    found = data[key].load().mask
    wanted = truth(key) > 0 if name in WITH_HOLES else filled(truth(key))
    if name in EXACT:
        assert (found == wanted).all()
    assert np.count_nonzero(found & wanted) / np.count_nonzero(found | wanted) > 0.98


@pytest.mark.parametrize("key", ["nuclei-1", "nuclei-5"])
def test_objects_that_touch_stay_apart(written: tuple[str, Path], key: str) -> None:
    name, folder = written
    found, wanted = open_source(folder)[key].load_instances(), writers.areas(truth(key))
    parts = sum(len(writers.rings(area)) for area in wanted)
    assert found.dtype == np.int32
    assert len(writers.areas(found)) == found.max() == (parts if name == "label-studio-polygons" else len(wanted))
    for area in wanted:
        best = max(np.count_nonzero(area & other) / np.count_nonzero(area | other) for other in writers.areas(found))
        assert best > (0.9 if len(writers.rings(area)) == 1 or name != "label-studio-polygons" else 0)


def test_archive_is_the_same(written: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = written
    archive = open_source(write_zip(tmp_path / "all.zip", {f"top/{file}": data for file, data in {**images(), **FORMATS[name]()}.items()}))
    assert [item.hashes() for item in archive] == [item.hashes() for item in open_source(folder)]


def test_items_travel_between_processes(written: tuple[str, Path]) -> None:
    for item in open_source(written[1]):
        copy = pickle.loads(pickle.dumps(item))
        assert copy.hashes() == item.hashes()
        assert (copy.load().mask == item.load().mask).all()
