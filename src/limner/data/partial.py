"""What has come of a download so far: the bytes in a `.part` file beside its place, what the server said of them, and a lock."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from limner.errors import DataError
from limner.files import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True, slots=True)
class Notes:
    """What the server said of the file that a part belongs to.

    Attributes:
        url: Where it comes from.
        total: Bytes of the whole as it is sent; None where the server does not say.
        etag: Changes whenever the file changes.
        last_modified: When it was changed last, as the server writes it.
        encoding: How it is packed on its way, such as `gzip`; empty for not at all.
    """

    url: str
    total: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    encoding: str = ""

    @property
    def validator(self) -> str | None:
        """What goes into `If-Range`; weak tags may not (RFC 9110, 13.1.5)."""
        strong = self.etag is not None and not self.etag.startswith("W/")
        return self.etag if strong else self.last_modified


class Part:
    """The part of a file that has come, and the notes on it.

    Args:
        target: The place of the whole file.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def notes(self) -> Notes | None:
        """What is known of it; None where that is nothing."""
        try:
            return Notes(**json.loads(self._notes.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, notes: Notes) -> None:
        """Start anew. The old bytes go first, so that new notes never stand beside them, whenever the process dies."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.open("wb").close()
        write_json(self._notes, asdict(notes))

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """While it lasts, no other process (nor thread) enters for the same target. The system ends the lock of a process that dies.

    Raises:
        DataError: Another is in it already.
    """
    path = target.with_name(f".{target.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _take(path)
    if file is None:
        raise DataError("another process is getting it at this moment", where=target, fix="wait until that has ended, then run this again")
    with file:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps a file that is open
                path.unlink()


def _take(path: Path) -> IO[str] | None:
    while True:
        file = path.open("a", encoding="utf-8")
        try:
            _lock(file)
        except OSError as error:
            file.close()
            if error.errno in _NO_LOCKS:
                raise DataError("this file system has no locks", where=path.parent, fix="choose a folder on another disk") from error
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # its holder has removed it between our opening and our locking


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
