"""Data sets that come as several archives, or with each picture packed by gzip: read in place, as one folder would be."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING

from limner.data.archive import LARGEST_MEMBER, SUFFIXES, open_archive
from limner.data.names import is_picture
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.data.store import Store

_PACKED = ".gz"


def stem_of(archive: str) -> str:
    """An archive's name without suffix.

    Example:
        >>> stem_of("labels-ah.tar"), stem_of("a.b.TAR.GZ"), stem_of("folder")
        ('labels-ah', 'a.b', 'folder')
    """
    suffix = next((suffix for suffix in reversed(SUFFIXES) if archive.lower().endswith(suffix)), "")
    return archive[: len(archive) - len(suffix)]


class BundleStore:
    """Several archives beside each other, as if each was unpacked into a folder of its name."""

    def __init__(self, place: Path, archives: Sequence[str]) -> None:
        self.place = place
        self._parts = {stem_of(archive): open_archive(place / archive) for archive in sorted(archives)}

    def names(self) -> list[str]:
        """Relative names of all files in the archives, each below its archive's name."""
        return [f"{stem}/{name}" for stem, part in self._parts.items() for name in part.names()]

    def read(self, name: str) -> bytes:
        """The bytes of one member."""
        stem, _, inner = name.partition("/")
        return self._parts[stem].read(inner)

    def display(self, name: str) -> str:
        """Archive and member, as `a.zip:images/x.jpg`."""
        stem, _, inner = name.partition("/")
        return self._parts[stem].display(inner)


class GzipStore:
    """A store whose pictures are packed by gzip one by one (`im0001.ppm.gz`), under their names without `.gz`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.place = store.place
        names = store.names()
        packed = [name for name in names if is_packed_picture(name)]
        plain = {name: name for name in names if not is_packed_picture(name)}
        self._stored = {name[: -len(_PACKED)]: name for name in packed} | plain  # a picture that is there unpacked, too, is read so

    def names(self) -> list[str]:
        """Relative names of all files."""
        return list(self._stored)

    def read(self, name: str) -> bytes:
        """The bytes of one file, unpacked."""
        stored = self._stored[name]
        data = self._store.read(stored)
        return data if stored == name else _unpack(data, self.display(name))

    def display(self, name: str) -> str:
        """The place of the packed file."""
        return self._store.display(self._stored[name])


def is_packed_picture(name: str) -> bool:
    """Whether a name is that of a picture packed by gzip.

    Example:
        >>> is_packed_picture("im0001.ppm.gz"), is_packed_picture("im0001.ppm"), is_packed_picture("notes.txt.gz")
        (True, False, False)
    """
    return name.lower().endswith(_PACKED) and is_picture(name[: -len(_PACKED)])


def _unpack(data: bytes, where: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(LARGEST_MEMBER + 1)
    except (OSError, EOFError, zlib.error):
        raise DataError("the file is damaged: it cannot be unpacked", where=where, fix="copy or download it again") from None
    if len(unpacked) > LARGEST_MEMBER:
        raise DataError("unpacked, the file would be larger than any picture", where=where, fix="copy or download it again")
    return unpacked
