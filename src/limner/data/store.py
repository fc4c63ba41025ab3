"""Where files lie: a folder, one file alone, or an archive (see `limner.data.archive`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from limner.errors import DataError


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


class FolderStore:
    """The files below a folder. Links to folders are not followed, since they may lead in circles."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def names(self) -> list[str]:
        """Relative names of all files below the folder."""
        found = []
        for folder, _, files in os.walk(self.place, onerror=_raise):
            inner = Path(folder).relative_to(self.place)
            found += [(inner / file).as_posix() for file in files]
        return found

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
