"""Data sets that come as several archives, and pictures packed by gzip."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.data.catalog.made import isic, stare
from tests.data.catalog.pictures import drawn, image
from tests.data.folders import pairs, write_folder, write_tar, write_zip

from limner.data import open_source
from limner.data.catalog import see_through
from limner.data.catalog.bundle import GzipStore
from limner.data.options import SourceOptions
from limner.data.store import FolderStore
from limner.errors import DataError


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path))
    return tmp_path


def write_stare(folder) -> None:
    """The three official archives, each picture in them packed."""
    made = stare(".ppm.gz", top="")
    folder.mkdir()
    for part in ("stare-images", "labels-ah", "labels-vk"):
        files = {name.removeprefix(f"{part}/"): data for name, data in made.files.items() if name.startswith(f"{part}/")}
        assert files
        write_tar(folder / f"{part}.tar", files)


@pytest.mark.parametrize("observer", [1, 2])
def test_stare_is_read_as_it_is_handed_out(data, observer: int) -> None:
    write_stare(data / "stare")
    found = open_source("stare", options=SourceOptions(observer=observer))
    made = stare(".ppm.gz")
    assert list(found.keys()) == sorted(made.keys)
    assert found.problems == ()
    numbers = made.keys if observer == 1 else made.second
    for item in found:
        assert np.array_equal(item.load().mask, drawn(numbers[item.key]))
    assert found["im0001"].image.display == f"{data / 'stare' / 'stare-images.tar'}:im0001.ppm.gz"


def test_isic_is_read_as_it_is_handed_out(data) -> None:
    made = isic("")
    (data / "isic2018-task1").mkdir()
    for part in {name.partition("/")[0] for name in made.files}:
        files = {name: data for name, data in made.files.items() if name.startswith(f"{part}/")}
        write_zip(data / "isic2018-task1" / f"{part}.zip", files)
    found = open_source("isic2018-task1")
    assert list(found.keys()) == sorted(made.keys)
    assert found.problems == ()
    for item in found:
        assert np.array_equal(item.load().mask, drawn(made.keys[item.key]))


def test_half_of_the_archives_is_a_start(data) -> None:
    write_stare(data / "stare")
    (data / "stare" / "labels-vk.tar").unlink()
    assert len(open_source("stare")) == 5


def test_packed_pictures_in_a_folder(tmp_path) -> None:
    write_folder(tmp_path, stare(".ppm.gz").files)
    found = open_source(tmp_path)
    assert found.entry is not None
    assert np.array_equal(found["im0139"].load().mask, drawn(2))


def test_picture_that_is_there_unpacked_too_is_taken_once(tmp_path) -> None:
    write_folder(tmp_path, {"a.ppm": b"plain", "a.ppm.gz": image(0, "ppm.gz"), "b.ppm.gz": image(1, "ppm.gz"), "log.txt.gz": b""})
    store = GzipStore(FolderStore(tmp_path))
    assert sorted(store.names()) == ["a.ppm", "b.ppm", "log.txt.gz"]
    assert store.read("a.ppm") == b"plain"
    assert store.read("b.ppm") == image(1, "ppm")


def test_damaged_picture(tmp_path) -> None:
    write_folder(tmp_path, {"a.ppm.gz": image(0, "ppm.gz")[:40], "b.ppm.gz": b"no gzip"})
    store = see_through(FolderStore(tmp_path))
    for name in ("a.ppm", "b.ppm"):
        with pytest.raises(DataError, match="cannot be unpacked") as caught:
            store.read(name)
        assert f"{name}.gz" in str(caught.value.where)


def test_own_archives_have_to_be_named(tmp_path) -> None:
    write_zip(tmp_path / "mine.zip", pairs("ab"))
    store = FolderStore(tmp_path)
    assert see_through(store) is store
    with pytest.raises(DataError, match="no pictures") as caught:
        open_source(tmp_path)
    assert "mine.zip" in (caught.value.fix or "")


def test_stores_travel_to_other_processes(data) -> None:
    write_stare(data / "stare")
    item = pickle.loads(pickle.dumps(open_source("stare")["im0002"]))
    assert np.array_equal(item.load().mask, drawn(1))
