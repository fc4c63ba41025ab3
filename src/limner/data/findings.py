"""What pairing has to tell its user, in plain words."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.problems import Problem
from limner.data.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data.folders import Folder
    from limner.data.roles import RoledFile

_SHOWN = 6  # of the names in one sentence


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by their text."""
    return sorted(problems, key=lambda problem: (problem.text, problem.files))


def names_of(files: Iterable[RoledFile]) -> tuple[str, ...]:
    """Their names, sorted."""
    return tuple(sorted(file.name for file in files))


def orphan(file: RoledFile, *, observer: int | None = None, twin: str = "") -> Problem:
    """A file without partner.

    Args:
        file: Image or mask.
        observer: Of an image of which others have drawn masks, who has not.
        twin: Of an image, the name of another beside it that differs by its suffix alone.
    """
    if file.role == "image":
        by = f" by observer {observer}" if observer else ""
        hint = f"; if it is the mask of {twin}, or that is its mask, add `_mask` to the mask's name" if twin else ""
        return Problem("orphan-image", (file.name,), f"{file.name}: an image without mask{by}{hint}")
    return Problem("orphan-mask", (file.name,), f"{file.name}: a mask without image")


def collision(images: list[RoledFile], masks: list[RoledFile]) -> Problem:
    """Images and masks that could belong together in several ways."""
    ordered = (*names_of(images), *names_of(masks))
    count = f"{counted(len(images), 'image')} and {counted(len(masks), 'mask')}"
    merge = "merge the masks into one, or " if len(images) == 1 else ""
    text = f"{_listed(ordered)}: {count} share one name; {merge}rename or remove what does not belong"
    return Problem("collision", tuple(sorted(ordered)), text)


def _listed(names: tuple[str, ...]) -> str:
    more = f", ... and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def rivals(held: list[RoledFile], folders: list[str], files: list[RoledFile]) -> Problem:
    """Several folders that look like the masks of the same images: which is meant, nobody can tell.

    Args:
        held: All files that are left out for that: images, masks and fields of view.
        folders: The folders of masks.
        files: All files of the source.
    """
    named = " and ".join(f"{folder}/" for folder in folders)
    text = f"{named}: several folders look like the masks of the same images; keep one of them"
    return Problem("rival-masks", _with_folders(held, files), text)


def _with_folders(held: list[RoledFile], files: list[RoledFile]) -> tuple[str, ...]:
    """The names of files; a folder stands for all in it, if it told that they are masks, and all its pictures are among them."""
    count = Counter(folder for file in files for folder in _folders(file.name))
    left = Counter(folder for file in held for folder in _folders(file.name))
    whole = {told for file in held if file.role != "image" and (told := _folder_that_told(file)) and count[told] == left[told]}
    outermost = {folder for folder in whole if whole.isdisjoint(_folders(folder))}
    lone = {file.name for file in held if outermost.isdisjoint(_folders(file.name))}
    return tuple(sorted(outermost | lone))


def _folders(name: str) -> list[str]:
    return [f"{folder}/" for folder in PurePosixPath(name).parents if folder.parts]


def _folder_that_told(file: RoledFile) -> str:
    """Its name within the source, with the wrapper around everything."""
    if not file.folder:
        return ""
    parts = PurePosixPath(file.name).parts
    wrapper = len(parts) - 1 - len(file.place)
    return "/".join(parts[: wrapper + len(PurePosixPath(file.folder).parts)]) + "/"


def copies(images: list[RoledFile]) -> list[Problem]:
    """Folders in which images of exactly the same names lie, as where a data set comes in two formats."""
    held: dict[Folder, set[str]] = defaultdict(set)
    places: dict[Folder, set[str]] = defaultdict(set)
    for image in images:
        held[image.root].add(image.identity)
        places[image.root].add(f"{PurePosixPath(image.name).parent}/")
    alike: dict[frozenset[str], list[Folder]] = defaultdict(list)
    for root, identities in held.items():
        alike[frozenset(identities - {""})].append(root)
    return in_order(_copied(roots, places) for identities, roots in alike.items() if identities and len(roots) > 1)


def _copied(roots: list[Folder], places: dict[Folder, set[str]]) -> Problem:
    spelt = sorted(f"{'/'.join(root) or '.'}/" for root in roots)
    named = " and ".join(spelt) if len(spelt) < 4 else f"{spelt[0]}, {spelt[1]} and {len(spelt) - 2} more folders"
    text = f"{named}: they hold images of the same names and look like copies; if they are, keep one, or test images may be trained on"
    return Problem("copied-folder", tuple(sorted(min(places[root]) for root in roots)), text)


def fields_left(fields: list[RoledFile]) -> list[Problem]:
    """One sentence for all fields of view without a match."""
    if not fields:
        return []
    files = names_of(fields)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    text = f"{files[0]}{more}: left out as field of view, since no one pair has this name; if they are masks, name their folder `masks`"
    return [Problem("left-out", files, text)]


def masks_left(masks: list[RoledFile]) -> tuple[Problem, ...]:
    """Of masks beside images to predict: one sentence for all folders with one name, one for all files that were told by their own."""
    told: dict[str, list[RoledFile]] = defaultdict(list)
    for file in masks:
        told[PurePosixPath(file.folder).name].append(file)
    return tuple(_reason(name, told[name]) for name in sorted(told))


def _reason(name: str, masks: list[RoledFile]) -> Problem:
    files = names_of(masks)
    left = f"{counted(len(masks), 'file')} left out as masks"
    if not name:
        return Problem("left-out", files, f"{files[0]}: {left}, since they are named like this and lie beside their images")
    folders = {file.folder for file in masks}
    place = f"{min(folders)}/" if len(folders) == 1 else f"{name}/ in {len(folders)} folders"
    return Problem("left-out", files, f"{place}: {left}, since a folder of this name lies beside its images")
