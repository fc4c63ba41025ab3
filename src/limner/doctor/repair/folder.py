"""A folder that is whole or absent."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from limner.errors import DataError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`; on success it becomes `out`, on any error or Ctrl-C it is removed.

    Args:
        out: The folder; new, or empty.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        yield temporary
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_target(out: Path, source: Path) -> None:
    """Refuse a folder into which nothing may be written.

    Raises:
        OutputExistsError: It holds something already.
        DataError: It lies inside the source, which is never changed.
    """
    whole, place = out.resolve(), source.resolve()
    if place.is_dir() and whole.is_relative_to(place):
        raise DataError("the copy would lie inside the source, which is never changed", where=out, fix="name a folder elsewhere with --out")
    if out.is_dir() and any(out.iterdir()):
        raise OutputExistsError("the folder for the repaired copy is not empty", where=out, fix="name a new or empty folder with --out")
    if out.exists() and not out.is_dir():
        raise OutputExistsError("there is a file where the repaired copy should be", where=out, fix="name a new or empty folder with --out")
