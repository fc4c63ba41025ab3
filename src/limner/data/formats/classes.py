"""Which classes of annotation files are foreground."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from limner.data.formats.entries import Reading
    from limner.imaging.foreground import Foreground

UNNAMED = "unclassified"  # what an object without a class is called
_GROUND = frozenset({"_background_", "__ignore__"})  # LabelMe's names


def choose_classes(readings: Sequence[Reading], foreground: Foreground | None) -> list[frozenset[str]]:
    """The names of the foreground classes, for each file (the same id may be another class in another file).

    Without a choice all objects must be of one class. A choice names classes, by name or id; `nonzero` is all of them.
    Classes for ground are never foreground unless they are named: LabelMe's `_background_` and `__ignore__`, and those that end in `*`,
    as QuPath's `Ignore*`.

    Raises:
        DataError: There are several classes and no choice, or a chosen one is not there.
    """
    used = Counter(name for reading in readings for entry in reading.entries for drawn in entry.drawn for name in drawn.classes)
    usual = frozenset(name for name in used if name not in _GROUND and not name.endswith("*"))
    if foreground is None:
        if len(usual) > 1:
            raise _several({name: used[name] for name in sorted(usual)}, readings[0].file.display)
        return [usual] * len(readings)
    if foreground.keyword == "nonzero":
        return [usual] * len(readings)
    known = {name for reading in readings for name in reading.classes}  # none in manifests, whose pictures have levels or colours
    parts = _parts(foreground, known)
    chosen = [frozenset(filter(None, (_named(part, reading.classes) for part in parts))) for reading in readings]
    for part in parts:
        if known and not any(_named(part, reading.classes) for reading in readings):
            names = {name for reading in readings for name in reading.classes.values()}
            what = f"the annotations hold no class '{part}'"
            raise DataError(what, where=readings[0].file.display, fix=nearest(part, names))
    return chosen


def _parts(foreground: Foreground, known: Collection[str]) -> tuple[str, ...]:
    """The words of the choice, unless the whole is one name with a comma in it."""
    whole = foreground.text.strip()
    return (whole,) if whole in known else foreground.names


def _named(part: str, classes: dict[str, str]) -> str | None:
    """The class of a name or id; case counts only where it tells two apart."""
    if part in classes:
        return classes[part]
    alike = {name for called, name in classes.items() if called.casefold() == part.casefold()}
    return alike.pop() if len(alike) == 1 else None


def _several(used: dict[str, int], where: str) -> DataError:
    most = max(used, key=lambda name: used[name])
    told = ", ".join(f"{name} ({counted(count, 'object')})" for name, count in list(used.items())[:20])
    more = f" and {len(used) - 20} more" if len(used) > 20 else ""
    return DataError(
        f"the annotations are of {len(used)} classes: {told}{more}",
        where=where,
        fix=f"name those that are foreground, as --foreground {quote(most)}, with commas between several; or --foreground nonzero for all",
    )
