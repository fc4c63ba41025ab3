"""Annotation files: manifests, COCO, LabelMe, Label Studio, GeoJSON -> items.

An annotation file counts where the user names it, or where a source holds no masks as pictures. Which kind one is, is told by its
content. See docs/annotations.md for what is read of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.formats.assemble import make_items, missing_images, unnamed_images
from limner.data.formats.kinds import SUFFIXES, is_known, is_table, looks_meant, read_file, unknown
from limner.data.formats.lookup import Finder
from limner.data.names import is_picture, role_of
from limner.data.pairing import pair_names
from limner.data.problems import Problem
from limner.data.store import FileRef, FolderStore
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.data.formats.entries import Reading
    from limner.data.items import Item
    from limner.data.options import SourceOptions
    from limner.data.store import Store


@dataclass(frozen=True, slots=True)
class Annotated:
    """What annotation files say.

    Attributes:
        items: The images that they name, with their masks; sorted by key.
        problems: Entries that cannot be used, and images that no entry names.
    """

    items: tuple[Item, ...]
    problems: tuple[Problem, ...] = ()


def is_annotation_file(path: Path) -> bool:
    """Whether a path is that of an annotation file, by its suffix."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def annotation_names(names: Sequence[str]) -> list[str]:
    """The names that an annotation file may have, sorted; what is in the files is not looked at."""
    return sorted(name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES and _is_visible(name))


def find_annotations(path: Path, store: Store, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the annotation files of a source; empty where its masks are pictures.

    Args:
        path: What the user named; an annotation file counts whatever lies beside it.
        store: What holds the source's files.
        names: Their names.

    Raises:
        DataError: There are no masks as pictures, and the file that was to hold annotations is damaged.
    """
    if is_annotation_file(path):
        return (path.name,)
    candidates = annotation_names(names)
    if not candidates or pair_names(names).pairs:
        return ()
    damages: dict[str, DataError] = {}
    for index, name in enumerate(candidates, start=1):
        file = FileRef(name, store)
        try:
            if is_known(file):  # the others are read once only, except for tables, which may hold anything
                others = (other for other in candidates[index:] if not is_table(other) or is_known(FileRef(other, store)))
                return (*damages, name, *others)
        except DataError as error:
            if looks_meant(file):
                damages[name] = error
    if damages:
        raise next(iter(damages.values()))
    return ()


def read_annotations(annotations: Sequence[str], store: Store, names: Sequence[str], options: SourceOptions) -> Annotated:
    """Read annotation files.

    Of several, those of no known kind are passed over, and damaged ones are problems.

    Raises:
        DataError: None of them can be read, none of their images is there, or their classes leave open what is foreground.
    """
    store, names, prefix = _with_images(store, names)
    finder = Finder(store, names)
    readings, problems = _read([FileRef(prefix + name, store) for name in annotations], finder, options)
    items, claims = make_items(readings, options)
    problems += claims
    for reading in readings:
        problems += [*reading.problems, *missing_images(reading)]
    if not items:
        raise _nothing(readings, problems)
    problems += unnamed_images(finder, items)
    return Annotated(tuple(sorted(items, key=lambda item: item.key)), tuple(problems))


def _read(files: Sequence[FileRef], finder: Finder, options: SourceOptions) -> tuple[list[Reading], list[Problem]]:
    readings, damages = [], []
    for file in files:
        try:
            if reading := read_file(file, finder, options):
                readings.append(reading)
        except DataError as error:
            damages.append((file, error))
    if not readings:
        raise damages[0][1] if damages else unknown(files[0])
    return readings, [Problem("annotation", (file.name,), f"{file.name}: {error.what}") for file, error in damages]


def _is_visible(name: str) -> bool:
    """Whether a file is not one of those that systems leave behind, as for pictures."""
    return is_picture(f"{name}.png")


def _with_images(store: Store, names: Sequence[str]) -> tuple[Store, Sequence[str], str]:
    """The folder to look for images in: where annotations lie in one of their own, `x/annotations/a.json`, that around it."""
    if not isinstance(store, FolderStore) or any(map(is_picture, names)):
        return store, names, ""
    place = store.place.resolve()
    if role_of(place.name) != "mask":
        return store, names, ""
    around = FolderStore(place.parent)
    return around, around.names(), f"{place.name}/"


def _nothing(readings: Sequence[Reading], problems: Sequence[Problem]) -> DataError:
    if problems:
        fix = "mend it in the tool that made it, and export again"
        if any(reading.missing for reading in readings):
            fix = "keep the images in the annotation file's folder, or below it, under the names that it gives them"
        return DataError(f"none of the annotated images can be used: {problems[0]}", where=readings[0].file.display, fix=fix)
    return DataError("the annotations name no image", where=readings[0].file.display, fix="export them again, with what is annotated")
