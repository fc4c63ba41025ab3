"""Zip and tar archives, read in place: no member is ever written to disk, and no member's name is trusted as a path."""

from __future__ import annotations

import errno
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
SUFFIXES = (".zip", *TAR_SUFFIXES)
OTHER_SUFFIXES = (".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.lzma", ".7z", ".rar")
REPACK = f"unpack it and name the folder, or pack it as one of {', '.join(SUFFIXES)}"
LARGEST_MEMBER = 2**30  # bytes; no picture is this large, a decompression bomb is

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_AGAIN = "copy or download it again"
_FULL = "free some space in the folder for temporary files, into which it is unpacked, or name another by the variable TMPDIR"
_DENIED = "check its permissions, and those of the folder for temporary files, which the variable TMPDIR names"
_GONE = "check that it is still there, and that the variable TMPDIR names a folder for temporary files that can be written"
_FIXES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
    errno.ENOENT: _GONE,
}


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive limner reads."""
    return path.name.lower().endswith(SUFFIXES)


def is_other_archive(path: Path) -> bool:
    """Whether the name is that of an archive limner does not read."""
    return path.name.lower().endswith(OTHER_SUFFIXES)


def open_archive(path: Path) -> Archive:
    """Open a .zip, .tar, .tar.gz or .tgz.

    Raises:
        DataError: It is damaged, encrypted, or another kind of file.
    """
    return TarArchive(path) if path.name.lower().endswith(TAR_SUFFIXES) else ZipArchive(path)


def harmless(stored: str) -> str:
    r"""A member's name as a relative posix name: no drive, no leading slash, no `..`, no backslashes.

    Example:
        >>> harmless("../../etc/a.png"), harmless("C:\\images\\a.png"), harmless("/images/./a.png")
        ('etc/a.png', 'images/a.png', 'images/a.png')
    """
    parts = re.sub(r"^[A-Za-z]:", "", stored.replace("\\", "/")).split("/")
    return "/".join(part for part in parts if part not in {"", ".", ".."})


class Archive:
    """What zip and tar share: one handle per process, read under a lock, so that threads and forks do not disturb each other.

    Where an archive holds one name twice, the last counts, as in unpacking.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._lock = threading.Lock()
        with _plain_errors(str(place)):
            self._open()

    def __getstate__(self) -> dict[str, Any]:
        return {"place": self.place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["place"])  # type: ignore[misc]

    def names(self) -> list[str]:
        """Relative names of all files in the archive."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """The bytes of one member."""
        with self._lock, _plain_errors(self.display(name)):
            if self._process != os.getpid():  # a fork shares the file's position with its parent
                self._open()
            return self._read(self._members[name])

    def display(self, name: str) -> str:
        """Archive and member, as `a.zip:images/x.jpg`."""
        return f"{self.place}:{name}"

    def _open(self) -> None:
        self._process = os.getpid()
        self._handle = self._open_handle()
        self._members = {harmless(name): member for name, member in self._list()}

    def _open_handle(self) -> Any:  # noqa: ANN401 - a ZipFile or a TarFile
        raise NotImplementedError

    def _list(self) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _read(self, member: Any) -> bytes:  # noqa: ANN401 - a ZipInfo or a TarInfo
        raise NotImplementedError


class ZipArchive(Archive):
    """A zip file."""

    def _open_handle(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.place)  # closes itself when dropped

    def _list(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        for member in self._handle.infolist():
            if member.flag_bits & 1:
                raise DataError("the archive is encrypted", where=self.place, fix="unpack it with its password and name the folder")
            if not member.is_dir():
                yield member.filename, member

    def _read(self, member: zipfile.ZipInfo) -> bytes:
        _check_size(member.file_size, self.display(member.filename))
        return cast("bytes", self._handle.read(member))


class TarArchive(Archive):
    """A tar file. A compressed one is first inflated, as a whole, into a nameless temporary file, since it cannot be read out of order."""

    def _open_handle(self) -> tarfile.TarFile:
        plain = _inflated(self.place)
        weakref.finalize(self, plain.close)
        return tarfile.open(fileobj=plain, mode="r:")

    def _list(self) -> Iterator[tuple[str, tarfile.TarInfo]]:
        members = self._handle.getmembers()
        self._check_end()
        for member in members:
            if member.isreg():
                yield member.name, member

    def _check_end(self) -> None:
        """Python's tarfile stops at a header that is cut short as if nothing followed; a whole archive ends with a block of zeros."""
        plain = self._handle.fileobj
        plain.seek(self._handle.offset)
        if plain.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError("it is cut short")

    def _read(self, member: tarfile.TarInfo) -> bytes:
        _check_size(member.size, self.display(member.name))
        reader = self._handle.extractfile(member)
        data = cast("bytes", reader.read())
        if len(data) != member.size:
            raise EOFError("it is cut short")
        return data


def _inflated(place: Path) -> IO[bytes]:
    """The plain tar as an open file."""
    if place.suffix.lower() == ".tar":
        return place.open("rb")
    import gzip

    plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
    try:
        with gzip.open(place) as packed:
            shutil.copyfileobj(packed, plain, 2**20)
    except BaseException:
        plain.close()
        raise
    plain.seek(0)
    return plain


def _check_size(size: int, where: str) -> None:
    if size > LARGEST_MEMBER:
        raise DataError(f"the file would take {size / 2**30:.1f} GiB when unpacked", where=where, fix="leave it out of the archive")


@contextmanager
def _plain_errors(where: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        fix = _FIXES.get(error.errno or 0, _AGAIN) if isinstance(error, OSError) else _AGAIN
        raise DataError(f"the archive cannot be read: {reason}", where=where, fix=fix) from error
