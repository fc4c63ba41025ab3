"""The catalog: public data sets that limner knows by name. One file each holds the facts, the layout and the citation.

Nothing is downloaded. A name given as a source is looked for in the data folder: the one that the environment variable LIMNER_DATA
names, else `data` in the user's data folder for limner.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from limner.data.catalog.entry import CatalogEntry
from limner.data.catalog.kvasir_seg import KVASIR_SEG
from limner.errors import DataError, nearest

__all__ = ["CatalogEntry", "catalog_entry", "catalog_names", "data_folder", "locate"]

_ENTRIES = {entry.name: entry for entry in (KVASIR_SEG,)}


def catalog_names() -> list[str]:
    """Names of the known data sets, sorted.

    Example:
        >>> catalog_names()
        ['kvasir-seg']
    """
    return sorted(_ENTRIES)


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


def locate(name: str) -> Path:
    """The archive or folder of a data set below the data folder.

    Raises:
        DataError: It is not there; the message says where to get it and where to put it.
    """
    entry, folder = catalog_entry(name), data_folder()
    for place in entry.places(folder):
        if place.exists():
            return place
    raise DataError(
        f"the data set '{name}' is not in the data folder",
        where=folder,
        fix=f"get {entry.archives[0]} from {entry.address} and put it at {folder / name / entry.archives[0]}; "
        f"the environment variable LIMNER_DATA names another data folder",
    )
