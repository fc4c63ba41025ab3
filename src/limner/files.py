"""Files that are whole or absent: everything is written to a temporary name beside its place and renamed into it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}(\.\w+)?")  # what `atomic_path` names its temporary files


@contextmanager
def atomic_path(path: str | Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write; on success it becomes `path`, on any error it is removed and `path` is left as it was.

    The temporary file keeps the suffix of `path`, since many writers choose the format by it. Parent folders are made.

    Args:
        path: The file.
        durable: Wait until it is on the disk, so that not even a power cut leaves half of it. For what took long to make.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{uuid4().hex[:8]}{target.suffix}")
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def expand_home(path: str | Path) -> Path:
    """`~` and `~name` in the beginning of a path replaced by the home folder, if there is one: a file may be called so too."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a process killed inside `atomic_path` has left in a folder."""
    for path in folder.glob(".*"):
        if _LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write `value` as indented JSON, atomically. NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of `data`.

    Example:
        >>> sha256(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()
