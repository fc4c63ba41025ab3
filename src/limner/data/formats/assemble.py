"""Entries -> items: classes are chosen, keys given, and what does not fit is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.formats.classes import choose_classes
from limner.data.formats.shapes import ShapesMask
from limner.data.items import Item
from limner.data.masks import PictureMask
from limner.data.names import normal
from limner.data.problems import Problem
from limner.data.wording import counted
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from limner.data.formats.entries import Entry, Reading
    from limner.data.formats.lookup import Finder
    from limner.data.masks import MaskSource
    from limner.data.options import SourceOptions


def make_items(readings: Sequence[Reading], options: SourceOptions) -> tuple[list[Item], list[Problem]]:
    """The items of all files together; an image that several entries describe is none of them.

    Raises:
        DataError: Several classes could be foreground, or two images claim one key.
    """
    chosen = choose_classes(readings, options.foreground)
    entries = {id(entry): classes for reading, classes in zip(readings, chosen, strict=True) for entry in reading.entries}
    of_image: dict[str, list[Entry]] = defaultdict(list)
    for reading in readings:
        for entry in reading.entries:
            of_image[entry.image.display].append(entry)
    alone = [found[0] for found in of_image.values() if len(found) == 1]
    keys = _keys(alone)
    items = [
        Item(key, entry.image, _mask(entry, entries[id(entry)], options), entry.fov, entry.group, entry.columns)
        for key, entry in zip(keys, alone, strict=True)
    ]
    return items, _claimed_twice(found for found in of_image.values() if len(found) > 1)


def missing_images(reading: Reading) -> list[Problem]:
    """One sentence for all images that a file names and that are not there."""
    if not reading.missing:
        return []
    count = counted(len(reading.missing), "image")
    text = f"{reading.file.name}: {count} not in the source: {_few(reading.missing)}"
    return [Problem("annotation", (reading.file.name,), text)]


def unnamed_images(finder: Finder, items: Iterable[Item]) -> list[Problem]:
    """One sentence for all images that no entry names, though they lie beside some that one does; others have nothing to do with it."""
    named = {item.image.name for item in items}
    folders = {PurePosixPath(name).parent for name in named}
    beside = {name for name in finder.images() if PurePosixPath(name).parent in folders}
    left = sorted(beside - named - _pictures_of(items))
    if not left:
        return []
    count = counted(len(left), "image")
    return [Problem("orphan-image", tuple(left), f"{count} without usable annotations: {_few(left)}")]


def _pictures_of(items: Iterable[Item]) -> set[str]:
    masks = {file.name for item in items if isinstance(item.mask, PictureMask) for file in item.mask.files}
    return masks | {item.fov.name for item in items if item.fov}


def _mask(entry: Entry, classes: frozenset[str], options: SourceOptions) -> MaskSource:
    if entry.pictures:
        return PictureMask(entry.pictures, options.foreground)
    objects = tuple(drawn.shapes for drawn in entry.drawn if classes.intersection(drawn.classes))
    return ShapesMask((entry.file,), entry.place, entry.size, objects)


def _keys(entries: Sequence[Entry]) -> list[str]:
    """A unique key for each entry: what its file says, else the image's stem, with its folder where stems repeat, else its name."""
    paths = [PurePosixPath(normal(entry.image.name)) for entry in entries]
    level = [0] * len(entries)
    while True:
        keys = [
            entry.key or (path.stem, str(path.with_suffix("")), str(path), entry.image.display)[at]
            for entry, path, at in zip(entries, paths, level, strict=True)
        ]
        count = Counter(keys)
        repeated = [index for index, key in enumerate(keys) if count[key] > 1 and not entries[index].key and level[index] < 3]
        if not repeated:
            break
        for index in repeated:
            level[index] += 1
    if twice := [index for index, key in enumerate(keys) if count[key] > 1]:
        one, other = entries[twice[0]], next(entries[index] for index in twice[1:] if keys[index] == keys[twice[0]])
        what = f"the key '{keys[twice[0]]}' is given to {one.image.name} and {other.image.name}"
        raise DataError(what, where=one.file.display, fix="give each image a key of its own, or leave the column out")
    return keys


def _claimed_twice(groups: Iterable[list[Entry]]) -> list[Problem]:
    """One sentence for all images that the same entries' files describe."""
    shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for entries in groups:
        shared[tuple(sorted({entry.file.name for entry in entries}))].append(entries[0].image.name)
    problems = []
    for files, images in sorted(shared.items()):
        count = counted(len(images), "image")
        told = f"{files[0]}: {count} left out, annotated more than once: {_few(images)}"
        if len(files) > 1:
            told = f"{' and '.join(files[:3])}: {count} left out, annotated in each: {_few(images)}; name the one file that you mean"
        problems.append(Problem("collision", files, told))
    return problems


def _few(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 80 else f"{name[:77]}..." for name in names[:3]]
    return ", ".join(shown) + (", ..." if len(names) > 3 else "")
