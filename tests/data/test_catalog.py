"""Data sets by name."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.data.folders import pairs, write_folder, write_zip

import limner.data
from limner.data import open_source
from limner.data.catalog import Download, catalog_entry, catalog_names, data_folder, entries, locate
from limner.data.catalog.table import catalog_table
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
    assert "`limner data get kvasir-seg`" in (caught.value.fix or "")
    assert catalog_entry("kvasir-seg").address in (caught.value.fix or "")
    assert str(data / "kvasir-seg" / "kvasir-seg.zip") in (caught.value.fix or "")


def test_missing_data_set_that_needs_a_registration_says_so(data) -> None:
    with pytest.raises(DataError) as caught:
        open_source("drive")
    assert "register at https://drive.grand-challenge.org/" in (caught.value.fix or "")
    assert "limner data get drive --from FOLDER" in (caught.value.fix or "")


def test_broken_download_is_not_taken_for_the_data_set(data) -> None:
    write_folder(data / "kvasir-seg", {"kvasir-seg.zip.part": b"PK", "kvasir-seg.zip.part.json": b"{}"})
    with pytest.raises(DataError, match="not in the data folder"):
        open_source("kvasir-seg")


def test_folder_may_be_spelt_with_underscores(data) -> None:
    (data / "chase_db1").mkdir()
    archive = write_zip(data / "chase_db1" / "CHASEDB1.zip", pairs(KEYS))
    assert locate("chase-db1") == archive


def test_unknown_name() -> None:
    with pytest.raises(DataError, match="no data set"):
        locate("imagenet")


def test_default_folder(monkeypatch) -> None:
    monkeypatch.delenv("LIMNER_DATA", raising=False)
    assert data_folder().parts[-2:] == ("limner", "data")


def test_names() -> None:
    assert catalog_names() == [entry.name for entry in entries()] == sorted(catalog_names())
    assert len(catalog_names()) == 15


@pytest.mark.parametrize("name", catalog_names())
def test_entries_are_whole(name: str) -> None:
    entry = catalog_entry(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert entry.name == name
    assert entry.pairs > 0
    assert entry.address.startswith("https://")
    assert entry.archives[0].endswith(".zip")
    assert all([entry.title, entry.task, entry.modality, entry.image_size, entry.licence, entry.citation, entry.folder, entry.notes])
    assert str(entry.year) in entry.citation
    assert entry.is_open == (entry.registration is None)
    assert entry.registration is None or f"`limner data get {name} --from " in entry.registration
    assert entry.layouts[0].name == "official" or name == "cvc-colondb"


@pytest.mark.parametrize("name", catalog_names())
def test_downloads_can_be_checked(name: str) -> None:
    for download in catalog_entry(name).downloads:
        assert download.url is None or download.url.startswith("https://")
        assert download.url is None or download.url.endswith(f"/{download.file}")
        assert re.fullmatch("[0-9a-f]{64}", download.sha256 or "0" * 64)
        assert re.fullmatch("[0-9a-f]{32}", download.md5 or "0" * 32)


def test_no_two_data_sets_go_by_one_name() -> None:
    known = [{re.sub(r"[^a-z0-9]", "", name.lower()) for name in entry.known_as} for entry in entries()]
    assert sum(map(len, known)) == len(set.union(*known))


def test_size_is_known_when_all_parts_are() -> None:
    entry = catalog_entry("drive")
    assert entry.size is None
    parts = (Download("a.zip", size=2), Download("b.zip", size=3))
    assert replace(entry, downloads=parts).size == 5
    assert replace(entry, downloads=(*parts, Download("c.zip"))).size is None
    assert replace(entry, downloads=()).size is None


def test_catalog_is_imported_without_heavy_packages() -> None:
    code = (
        "import sys, types; package = types.ModuleType('limner.data'); package.__path__ = [sys.argv[1]]; "
        "import limner; sys.modules['limner.data'] = package; import limner.data.catalog; "
        "print([name for name in ('numpy', 'PIL', 'cv2', 'torch', 'requests', 'pydantic') if name in sys.modules])"
    )
    run = [sys.executable, "-c", code, str(Path(limner.data.__file__).parent)]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_page_shows_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "catalog.md"
    assert catalog_table() in page.read_text(encoding="utf-8")


def test_table_has_all_data_sets() -> None:
    rows = catalog_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == catalog_names()
    [chase] = [row for row in rows if "chase-db1" in row]
    assert (
        "| 28 | CC BY 4.0 | `limner data get chase-db1`; [page](https://researchdata.kingston.ac.uk/96/) | child | `first-20-8` |" in chase
    )
