"""What was brought of a data set: whether it is that, which files it holds, and where in the data folder they go."""

from __future__ import annotations

import re
import shlex
import warnings
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from limner.data.archive import REPACK, is_archive, is_other_archive, open_archive
from limner.data.catalog import holds_something, recognise
from limner.data.catalog.bundle import is_packed_picture, stem_of
from limner.data.names import is_picture
from limner.data.store import FileStore, FolderStore
from limner.data.wording import counted
from limner.errors import DataError, LimnerWarning, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from limner.data.catalog.entry import CatalogEntry
    from limner.data.store import Store


@dataclass(frozen=True, slots=True)
class Piece:
    """An archive, a folder or a single file in which the data set, or a part of it, comes.

    Attributes:
        place: Where it lies.
        names: Relative posix names of the files in it.
    """

    place: Path
    names: Sequence[str]

    @classmethod
    def at(cls, place: Path) -> Piece:
        """What lies at a place. It is closed again, since Windows renames nothing that is open.

        Raises:
            DataError: It cannot be read.
        """
        return cls(place, tuple(open_piece(place).names()))


def open_piece(place: Path) -> Store:
    """The files of a folder or an archive, or a file alone."""
    if place.is_dir():
        return FolderStore(place)
    return open_archive(place) if is_archive(place) else FileStore(place)


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes where.

    Attributes:
        target: Where the data set is found afterwards.
        home: The folder of the data set.
        archives: Those that stay as they are, by their names in `home`; empty where all files go into one folder, `target`.
        files: Each file's piece and name, and its name in the data set.
    """

    target: Path
    home: Path
    archives: Mapping[str, Path]
    files: Sequence[tuple[Piece, str, str]]


def by_hand(entry: CatalogEntry) -> str:
    """What a user does who gets it by hand."""
    if entry.registration:
        return entry.registration
    names = [download.file for download in entry.downloads] or [entry.archives[0]]
    if len(names) == 1:
        return f"get {names[0]} from {entry.address}, then `limner data get {entry.name} --from FILE`"
    listed = (
        f"{', '.join(names[:-1])} and {names[-1]}" if len(names) < 4 else f"the {len(names)} archives of `limner data info {entry.name}`"
    )
    return f"get {listed} from {entry.address} and put them into one folder, then `limner data get {entry.name} --from FOLDER`"


def given(entry: CatalogEntry, sources: Sequence[Path]) -> list[Piece]:
    """What a user has brought: each place once.

    Raises:
        DataError: Something is not there, or cannot be read.
    """
    places = [place for source in sources for place in _places_in(entry, source.expanduser())]
    return [Piece.at(place) for place in {place.resolve(): place for place in places}.values()]


def _places_in(entry: CatalogEntry, source: Path) -> list[Path]:
    """A file; the archives of the data set that lie in a folder; the folder that these unpack to; or the folder itself."""
    if not source.exists():
        raise DataError("there is no such file or folder", where=source, fix="check the path")
    if is_other_archive(source):
        raise DataError("archives of this kind are not read", where=source, fix=f"{REPACK}: limner data get {entry.name} --from FOLDER")
    if not source.is_dir():
        return [source]
    held = {child.name.casefold(): child for child in source.iterdir() if child.is_file()}
    if several := [held[name] for name in _bundle(entry) if name in held]:
        return several
    if one := next((held[name.casefold()] for name in entry.archives if name.casefold() in held), None):
        return [one]
    return [source / entry.folder if (source / entry.folder).is_dir() else source]


def _bundle(entry: CatalogEntry) -> dict[str, str]:
    """The names of the official archives, where there are several, by these names without case."""
    return {download.file.casefold(): download.file for download in entry.downloads} if len(entry.downloads) > 1 else {}


def plan_for(entry: CatalogEntry, pieces: Sequence[Piece], home: Path) -> Plan:
    """What goes where: archives stay as they are where they are looked for under some name, all else becomes one folder.

    Args:
        entry: The data set.
        pieces: At least one.
        home: The folder of the data set.
    """
    archives = _kept(entry, pieces)
    if not archives:
        return Plan(home / entry.folder, home, {}, list(_laid_out(pieces, entry.folder)))
    one_of_many = not _bundle(entry).keys().isdisjoint(name.casefold() for name in archives)
    target = home if one_of_many else home / next(iter(archives))
    return Plan(target, home, archives, [(piece, name, f"{stem_of(piece.place.name)}/{name}") for piece in pieces for name in piece.names])


def _kept(entry: CatalogEntry, pieces: Sequence[Piece]) -> dict[str, Path]:
    """The archives by the names under which they are looked for; empty unless each has one."""
    if not all(is_archive(piece.place) and piece.place.is_file() for piece in pieces):
        return {}
    bundle = _bundle(entry)
    known = {bundle.get(_plain_name(piece.place), ""): piece.place for piece in pieces}
    if "" not in known and len(known) == len(pieces):
        return known
    place = pieces[0].place
    alike = [name for name in entry.archives if _ending(name) == _ending(place.name)]
    same = [name for name in alike if name.casefold() == _plain_name(place)]
    return {(same or alike)[0]: place} if alike and len(pieces) == 1 else {}


def _ending(archive: str) -> str:
    return archive[len(stem_of(archive)) :].lower()


def _plain_name(place: Path) -> str:
    """Without case, and without the number that browsers add to what is downloaded twice, as `a (1).zip`."""
    return re.sub(r" ?\(\d+\)(?=\.)", "", place.name).casefold()


def _laid_out(pieces: Sequence[Piece], root: str) -> Iterator[tuple[Piece, str, str]]:
    """Each file with its name in one folder for all. Of several pieces each gets a folder of its own in it, named after it."""
    taken: set[str] = set()
    for piece in pieces:
        stem = stem_of(piece.place.resolve().name)
        into = next(name for name in chain([stem], (f"{stem}-{number}" for number in count(2))) if name.casefold() not in taken)
        taken.add(into.casefold())
        wrapper = f"{into if len(pieces) > 1 else root}/".casefold()
        wrapped = all(name.casefold().startswith(wrapper) for name in piece.names)  # as the folder that it goes into is called
        for name in piece.names:
            rest = name[len(wrapper) :] if wrapped else name
            yield piece, name, f"{into}/{rest}" if len(pieces) > 1 else rest


def check_places(entry: CatalogEntry, plan: Plan, pieces: Sequence[Piece], base: Path) -> None:
    """Refuse to copy a folder into itself, and to put the new copy where an old one would hide it."""
    home = plan.home.resolve()
    for piece in pieces:
        place = piece.place.resolve()
        if place.is_relative_to(home) or home.is_relative_to(place):
            raise DataError("it lies where the copy would go", where=piece.place, fix="name what lies elsewhere, or move it away")
    for place in entry.places(base):
        if place == plan.target:
            break
        if holds_something(place):
            raise _hidden(entry, place)
    if plan.target == plan.home and plan.home.is_dir() and any(map(is_picture, FolderStore(plan.home).names())):
        raise _hidden(entry, plan.home)


def _hidden(entry: CatalogEntry, place: Path) -> OutputExistsError:
    return OutputExistsError(f"another copy of '{entry.name}' would hide the new one", where=place, fix="move it away, and run this again")


def check_pairs(entry: CatalogEntry, plan: Plan, pieces: Sequence[Piece]) -> None:
    """Compare the pairs with those that the data set has, and warn where they are not as many.

    Raises:
        DataError: There are none, it is another data set of the catalog, or neither the names nor the number of the pairs agree. Under the
            data set's name, such files would be reported with its citation, and trained on by whoever shares the folder.
    """
    names = [inside[: -len(".gz")] if is_packed_picture(inside) else inside for _, _, inside in plan.files]
    found, fits = len(entry.pair(names).pairs), entry.fit(names) is not None
    where = ", ".join(str(piece.place) for piece in pieces)
    others = [] if fits else [other for piece in pieces if (other := recognise(piece.place, piece.names)) and other.name != entry.name]
    if others:
        fix = f"limner data get {others[0].name} --from {shlex.quote(str(pieces[0].place))}"
        raise DataError(f"it is {others[0].title}, not {entry.title}", where=where, fix=fix)
    if not found:
        what = f"no pair of image and mask of {entry.title} is in it, only {counted(len(names), 'file')}"
        raise DataError(what, where=where, fix=f"give the official download as it is: {by_hand(entry)}")
    if found == entry.pairs:
        return
    if not fits:
        what = f"it is not {entry.title}: {counted(found, 'pair')} instead of {entry.pairs}, and the files are named otherwise"
        fix = f"to use it, name its path; to get {entry.title}: {by_hand(entry)}"
        raise DataError(what, where=where, fix=fix)
    text = f"{counted(found, 'pair')} found in {where}, but {entry.title} has {entry.pairs}: check that it is that, and whole"
    warnings.warn(text, LimnerWarning, stacklevel=3)
