"""Where files lie: a folder, one file alone, or an archive (see `limner.data.archive`)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Store(Protocol):
    """A place that holds files under relative posix names. Reading is safe from several threads and after a fork."""

    @property
    def place(self) -> Path:
        """The folder or archive."""

    def names(self) -> list[str]:
        """Relative names of all files, in no particular order; never absolute, never with `..`."""

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            DataError: It cannot be read.
        """

    def display(self, name: str) -> str:
        """The file's place, for people."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file in a folder or an archive, not yet read.

    Attributes:
        name: Its relative posix name within the store; never absolute, never with `..`.
        store: The folder or archive.
    """

    name: str
    store: Store

    @property
    def display(self) -> str:
        """The file's place, for people: a path, or `a.zip:images/x.jpg`."""
        return self.store.display(self.name)

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            DataError: It cannot be read.
        """
        return self.store.read(self.name)


class FolderStore:
    """The files below a folder. Links to folders are followed; a folder that several names lead to is taken once."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def names(self) -> list[str]:
        """Relative names of all files below the folder."""
        return [(folder.relative_to(self.place) / file).as_posix() for folder, files in _walk(self.place) for file in files]

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        try:
            return (self.place / name).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"the file cannot be read: {reason}", where=self.display(name), fix="check that it is still there") from error

    def display(self, name: str) -> str:
        """The file's path."""
        return str(self.place / name)


def _walk(place: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below a place, once, with its files; links come last, so that a folder goes by its own name where it has one."""
    seen: set[tuple[int, int]] = set()
    starts = [place]
    for start in starts:  # grows by the links that are met
        for name, inner, files in os.walk(start, onerror=_raise):
            folder = Path(name)
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                inner.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            starts += sorted(path for path in map(folder.joinpath, inner) if path.is_symlink())
            yield folder, files


def _raise(error: OSError) -> None:
    """Left to itself, os.walk passes over what it may not read, and a part of the data would be missing without a word."""
    reason = error.strerror or type(error).__name__
    raise DataError(f"the folder cannot be read: {reason}", where=error.filename, fix="check its permissions") from error


class FileStore(FolderStore):
    """One file alone, under its own name."""

    def __init__(self, file: Path) -> None:
        super().__init__(file.parent)
        self._name = file.name

    def names(self) -> list[str]:
        """The file's name."""
        return [self._name]
