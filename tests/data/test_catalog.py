"""Data sets by name."""

from __future__ import annotations

import pytest
from tests.data.folders import pairs, write_folder, write_zip

from limner.data import open_source
from limner.data.catalog import catalog_entry, catalog_names, data_folder, locate
from limner.errors import DataError

KEYS = [f"cju{i}" for i in range(3)]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("place", ["kvasir-seg/kvasir-seg.zip", "kvasir-seg.zip", "kvasir-seg/Kvasir-SEG.zip"])
def test_archive_is_found(data, place: str) -> None:
    (data / "kvasir-seg").mkdir()
    write_zip(data / place, pairs(KEYS, wrapper="Kvasir-SEG/") | {"Kvasir-SEG/kavsir_bboxes.json": b"{}"})
    found = open_source("kvasir-seg")
    assert found.name == "kvasir-seg"
    assert found.place == str(data / place)
    assert list(found.keys()) == KEYS


@pytest.mark.parametrize("place", ["kvasir-seg/Kvasir-SEG", "Kvasir-SEG", "kvasir-seg"])
def test_unpacked_folder_is_found(data, place: str) -> None:
    write_folder(data / place, pairs(KEYS))
    assert list(open_source("kvasir-seg").keys()) == KEYS


def test_missing_data_set_says_where_to_get_it_and_where_to_put_it(data) -> None:
    with pytest.raises(DataError, match="not in the data folder") as caught:
        open_source("kvasir-seg")
    assert catalog_entry("kvasir-seg").address in (caught.value.fix or "")
    assert str(data / "kvasir-seg" / "kvasir-seg.zip") in (caught.value.fix or "")


def test_unknown_name() -> None:
    with pytest.raises(DataError, match="no data set"):
        locate("imagenet")


def test_default_folder(monkeypatch) -> None:
    monkeypatch.delenv("LIMNER_DATA", raising=False)
    assert data_folder().parts[-2:] == ("limner", "data")


@pytest.mark.parametrize("name", catalog_names())
def test_entries_are_whole(name: str) -> None:
    entry = catalog_entry(name)
    assert entry.name == name
    assert entry.pairs > 0
    assert entry.address.startswith("https://")
    assert all([entry.title, entry.task, entry.licence, entry.citation, entry.archives, entry.folder, entry.notes])
