"""The catalog: public data sets that limner knows by name. One file each holds the facts, the layouts and the citation.

A name given as a source is looked for in the data folder: the one that the environment variable LIMNER_DATA names, else `data` in the
user's data folder for limner. Importing this is cheap: nothing is matched, and nothing decoded, before a data set is opened.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from limner.data.archive import is_archive
from limner.data.catalog.bundle import BundleStore, GzipStore, is_packed_picture, stem_of
from limner.data.catalog.busi import BUSI
from limner.data.catalog.chase_db1 import CHASE_DB1
from limner.data.catalog.cvc_clinicdb import CVC_CLINICDB
from limner.data.catalog.cvc_colondb import CVC_COLONDB
from limner.data.catalog.drive import DRIVE
from limner.data.catalog.dsb2018 import DSB2018
from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.etis_larib import ETIS_LARIB
from limner.data.catalog.fives import FIVES
from limner.data.catalog.hrf import HRF
from limner.data.catalog.hyperkvasir import HYPERKVASIR_SEGMENTED
from limner.data.catalog.isic2018 import ISIC2018_TASK1
from limner.data.catalog.kvasir_seg import KVASIR_SEG
from limner.data.catalog.official import OfficialSplit
from limner.data.catalog.ph2 import PH2
from limner.data.catalog.polypgen import POLYPGEN
from limner.data.catalog.stare import STARE
from limner.data.names import is_picture
from limner.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from limner.data.store import Store

__all__ = [
    "CatalogEntry",
    "Download",
    "OfficialSplit",
    "catalog_entry",
    "catalog_names",
    "data_folder",
    "entries",
    "find",
    "holds_something",
    "locate",
    "recognise",
    "see_through",
]

_ALL = (
    *(BUSI, CHASE_DB1, CVC_CLINICDB, CVC_COLONDB, DRIVE, DSB2018, ETIS_LARIB, FIVES),
    *(HRF, HYPERKVASIR_SEGMENTED, ISIC2018_TASK1, KVASIR_SEG, PH2, POLYPGEN, STARE),
)
_ENTRIES = {entry.name: entry for entry in sorted(_ALL, key=lambda entry: entry.name)}
_SURE = 0.9  # share of the pictures that must have a place in a layout


def catalog_names() -> list[str]:
    """Names of the known data sets, sorted.

    Example:
        >>> "kvasir-seg" in catalog_names()
        True
    """
    return list(_ENTRIES)


def entries() -> list[CatalogEntry]:
    """All data sets, sorted by name."""
    return list(_ENTRIES.values())


def catalog_entry(name: str) -> CatalogEntry:
    """The facts of one data set.

    Raises:
        DataError: It is not in the catalog.

    Example:
        >>> catalog_entry("kvasir-seg").pairs
        1000
    """
    if name not in _ENTRIES:
        raise DataError(f"the catalog has no data set '{name}'", fix=nearest(name, _ENTRIES))
    return _ENTRIES[name]


def data_folder() -> Path:
    """The folder in which data sets are looked for by name."""
    named = os.environ.get("LIMNER_DATA")
    return Path(named).expanduser() if named else user_data_path("limner", appauthor=False) / "data"


def recognise(place: Path, names: Collection[str]) -> CatalogEntry | None:
    """The data set that a folder or archive is a copy of; None for a user's own data, and whenever that is not sure.

    It, or a folder around all that is in it, must be called like the data set, and nine of ten pictures must be named as there.

    Args:
        place: The folder or archive.
        names: Relative posix names of the files in it.
    """
    called = {_simple(name) for name in (place.resolve().name, *_wrappers(names))}
    for entry in _ENTRIES.values():
        if called & {_simple(name) for name in entry.known_as} and (fit := entry.fit(names)) and fit.share >= _SURE:
            return entry
    return None


def locate(name: str) -> Path:
    """The archive or folder of a data set below the data folder.

    Raises:
        DataError: It is not there; the message says where to get it and where to put it.
    """
    entry, folder = catalog_entry(name), data_folder()
    if place := find(entry):
        return place
    how = f"`limner data get {name}` fetches it" if entry.is_open else entry.registration or f"get it from {entry.address}"
    raise DataError(
        f"the data set '{name}' is not in the data folder",
        where=folder,
        fix=f"{how}; official page: {entry.address}; what you have already goes to {folder / name / entry.archives[0]}, or unpacked to "
        f"{folder / name}; the environment variable LIMNER_DATA names another data folder",
    )


def find(entry: CatalogEntry, folder: Path | None = None) -> Path | None:
    """Where a data set lies in a data folder, by default the user's; None where it does not."""
    return next((place for place in entry.places(folder or data_folder()) if holds_something(place)), None)


def see_through(store: Store) -> Store:
    """Look into the archives of a data set that comes as several beside each other, and into pictures packed by gzip."""
    names = store.names()
    packed = [name for name in names if "/" not in name and is_archive(Path(name))]
    if packed and _is_bundle(packed) and not any(map(is_picture, names)):
        store = BundleStore(store.place, packed)
        names = store.names()
    return GzipStore(store) if any(map(is_packed_picture, names)) else store


def _is_bundle(archives: Collection[str]) -> bool:
    """Whether the archives are those that one data set comes as; of a user's own archives one has to be named."""
    downloads = [{download.file for download in entry.downloads} for entry in _ENTRIES.values()]
    return any(len(files) > 1 and set(archives) <= files for files in downloads)


def holds_something(place: Path) -> bool:
    """Whether there is a file, or a folder with more in it than a broken download."""
    if not place.is_dir():
        return place.is_file()
    return any(child.is_dir() or is_archive(child) or is_picture(child.name) for child in place.iterdir())


def _simple(name: str) -> str:
    return re.sub(r"[-_ .]", "", stem_of(name).casefold())


def _wrappers(names: Iterable[str]) -> tuple[str, ...]:
    """The folders around all pictures."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        if folder not in folders and is_picture(name):
            folders.add(folder)
    shared = os.path.commonpath([f"/{folder}" for folder in folders]) if folders else ""
    return PurePosixPath(shared).parts[1:]
