"""Splits given as lists of ids, as data sets publish them: one id a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from limner.data.names import SUFFIXES, normal
from limner.data.splits.draw import draw_val
from limner.data.splits.groups import find_groups
from limner.data.splits.split import PARTS, overlap
from limner.data.splits.words import some_of
from limner.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from limner.data.splits.groups import Group
    from limner.data.splits.split import Split


def split_from_lists(
    keys: Iterable[str],
    lists: Mapping[str, str | Path],
    *,
    val_fraction: float,
    seed: int,
    groups: Collection[Group] | None = None,
) -> Split:
    """Build a split from files with one id per line.

    Without a list for `val`, the validation part is drawn from the train list (never from the test), by whole groups. Keys on no list are
    not used.

    Args:
        keys: All keys of the data set.
        lists: `train`, and if wanted `test` and `val` (or `validation`), each with its file: UTF-8, `#` begins a comment, blank
            lines are skipped; an id is a key, or an image's file name.
        val_fraction: Share of the train list for validation, in (0, 1), when there is no `val`.
        seed: Of the draw.
        groups: All groups; by default each key is on its own. Lists that divide a group are taken as they are.

    Raises:
        DataError: A list is missing, unreadable or empty, names what is not in the data, names something twice, or two lists overlap.
    """
    parts = parts_from_lists(keys := set(keys), lists)
    origin = "lists " + ", ".join(f"{part} {path.name}" for part, path in _named_parts(lists).items())
    return draw_val(parts, find_groups(keys) if groups is None else groups, val_fraction=val_fraction, seed=seed, origin=origin)


def parts_from_lists(keys: Collection[str], lists: Mapping[str, str | Path]) -> dict[str, tuple[str, ...]]:
    """The keys of each part that has a list; see `split_from_lists`.

    Raises:
        DataError: As there.
    """
    files = _named_parts(lists)
    parts = {part: read_list(path, keys, part) for part, path in files.items()}
    if fault := overlap(parts):
        raise DataError(f"the lists overlap: {fault}", where=", ".join(map(str, files.values())), fix="keep each id in one list only")
    return parts


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
            f"the {part} list names {len(unknown)} of {len(ids)} ids that are not in the data: {some_of(unknown, 5)}",
            where=path,
            fix="check that list and data belong together; an id is an image's file name, with or without suffix",
        )
    resolved = [key for name in ids if (key := keys[name]) is not None]
    if twice := [key for key, count in Counter(resolved).items() if count > 1]:
        raise DataError(f"the {part} list names ids twice: {some_of(twice, 5)}", where=path, fix="keep one line of each")
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


def _named_parts(lists: Mapping[str, str | Path]) -> dict[str, Path]:
    """Lists by part, in the order of `PARTS`."""
    named = {"val" if part == "validation" else part: Path(path) for part, path in lists.items()}
    for part, path in named.items():
        if part not in PARTS:
            raise DataError(f"a split has no part '{part}'", where=path, fix=f"{nearest(part, PARTS)}; train=FILE,test=FILE[,val=FILE]")
    if "train" not in named:
        raise DataError("the split has no list for train", where=", ".join(lists), fix="give train=FILE,test=FILE[,val=FILE]")
    if len(named) != len(lists):
        raise DataError("val and validation are the same part", where=", ".join(lists), fix="give one of them")
    return {part: named[part] for part in PARTS if part in named}
