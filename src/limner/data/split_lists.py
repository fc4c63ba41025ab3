"""Lists of ids, as data sets publish their splits: one id a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from limner.data.names import SUFFIXES, normal
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection


def read_list(path: Path, known: Collection[str], part: str) -> tuple[str, ...]:
    """Read a list and resolve each id to a key.

    An id may be a key, or an image's file name, with or without suffix and folders. A byte order mark, CRLF, blank lines, and comments
    (`#` at the start of a line or after a space) are allowed.

    Args:
        path: The list.
        known: All keys of the data set.
        part: What the list is for, for errors.

    Raises:
        DataError: The list is missing, no text, empty, names an unknown id, or names one twice.
    """
    ids = _lines(path, part)
    keys = {name: _resolve(name, known) for name in ids}
    if unknown := [name for name, key in keys.items() if key is None]:
        raise DataError(
            f"the {part} list names {len(unknown)} of {len(ids)} ids that are not in the data: {_shown(unknown)}",
            where=path,
            fix="check that list and data belong together; an id is an image's file name, with or without suffix",
        )
    resolved = [key for name in ids if (key := keys[name]) is not None]
    if twice := [key for key, count in Counter(resolved).items() if count > 1]:
        raise DataError(f"the {part} list names ids twice: {_shown(twice)}", where=path, fix="keep one line of each")
    return tuple(resolved)


def _lines(path: Path, part: str) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise DataError(f"there is no such file for the {part} list", where=path, fix="check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"the {part} list is not UTF-8 text", where=path, fix="save it as plain UTF-8 text, one id per line") from None
    stripped = [line.split(" #")[0].split("\t#")[0].strip() for line in text.splitlines()]
    ids = [normal(line) for line in stripped if line and not line.startswith("#")]
    if not ids:
        raise DataError(f"the {part} list is empty", where=path, fix="write one id per line, or leave the list out")
    return ids


def _resolve(name: str, known: Collection[str]) -> str | None:
    """The key that an id means: as it is, without suffix, or by its last part alone."""
    path = PurePosixPath(name.replace("\\", "/"))
    bare = str(path.with_suffix("")) if path.suffix.lower() in SUFFIXES else str(path)
    return next((key for key in (name, bare, PurePosixPath(bare).name) if key in known), None)


def _shown(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
