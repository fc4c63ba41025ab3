"""Which of the masks of a source are wanted: those of one observer, whole ones before single objects, no fields of view."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.affixes import identity, without_split_word
from limner.data.findings import names_of
from limner.data.observers import in_order, split_observer
from limner.data.problems import Problem
from limner.data.roles import shared_name
from limner.data.wording import counted
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data.folders import Folder
    from limner.data.roles import RoledFile

By = tuple["Folder", str]


def by_root(files: Iterable[RoledFile]) -> dict[Folder, list[RoledFile]]:
    """The files of each root."""
    roots: dict[Folder, list[RoledFile]] = defaultdict(list)
    for file in files:
        roots[file.root].append(file)
    return roots


def tell_observers(files: list[RoledFile]) -> list[RoledFile]:
    """Take the affixes that name an observer off the masks' identities, where that leads to an image and the whole name does not.

    So the masks of `reader_1.png` and `reader_2.png` stay what they are, while `a_reader_1.png` and `a_reader_2.png` are two people's
    masks of `a.png`.
    """
    images = {(file.root, file.identity) for file in files if file.role == "image"}
    loose = images | {(root, without_split_word(name)) for root, name in images}
    return [_told(file, images, loose) if file.role == "mask" else file for file in files]


def _told(file: RoledFile, images: set[By], loose: set[By]) -> RoledFile:
    if (file.root, file.identity) in images:
        return file
    stem, observer = split_observer(file.stem)
    if not observer:
        stem, observer = split_observer(identity(file.stem))
    shared = identity(stem) if file.folder else shared_name(stem)
    if not observer or (file.root, shared) not in loose:
        return file
    return replace(file, identity=shared, observer=file.observer or observer)


def leave_objects(files: list[RoledFile]) -> tuple[list[RoledFile], list[Problem]]:
    """Masks that tell objects apart give way to those beside them that do not; where there are none, they are the masks."""
    with_masks = {file.root for file in files if file.role == "mask"}
    left = [file for file in files if file.role == "objects" and file.root in with_masks]
    gone = {file.name for file in left}
    kept = [replace(file, role="mask") if file.role == "objects" else file for file in files if file.name not in gone]
    if not left:
        return kept, []
    word = PurePosixPath(min(file.folder for file in left)).name
    text = f"{word}/: {counted(len(left), 'file')} left out, since they tell single objects apart; the masks beside them are taken"
    return kept, [Problem("left-out", names_of(left), text)]


def find_fields_of_view(files: list[RoledFile]) -> list[RoledFile]:
    """Make what is called `mask` the field of view, where a drawing of the same images lies beside it (DRIVE, HRF, IOSTAR).

    That is only so where nothing else could be meant: one folder `mask`, nothing else that is a mask, and no other field of view.
    """
    fields: set[str] = set()
    for held in by_root(file for file in files if file.role != "image").values():
        fields |= _fields_of_view(held)
    return [replace(file, role="fov") if file.name in fields else file for file in files]


def _fields_of_view(held: list[RoledFile]) -> set[str]:
    drawn = [file for file in held if file.claim == "drawn"]
    plain = [file for file in held if file.claim == "mask" and not file.observer]
    told_alike = len({bool(file.folder) for file in held}) == 1 and len({file.folder for file in plain}) == 1
    if not drawn or not told_alike or len(drawn) + len(plain) < len(held):
        return set()
    if not plain[0].folder and all(file.observer != "1" for file in drawn):
        return set()  # `a_mask` beside `a_manual2` may be the first drawing
    of_drawn, of_plain = ({without_split_word(file.identity) for file in side} for side in (drawn, plain))
    return set() if of_drawn.isdisjoint(of_plain) else {file.name for file in plain}


def choose_observer(files: list[RoledFile], observer: int) -> tuple[list[RoledFile], list[RoledFile]]:
    """Keep one observer's masks, and those of which nobody tells who drew them.

    Args:
        files: All files.
        observer: Whose masks: 1 for the first.

    Returns:
        What is kept, and the masks by others.

    Raises:
        DataError: There is no such observer.
    """
    labels = in_order({file.observer for file in files if file.role == "mask" and file.observer})
    if not 1 <= observer <= max(1, len(labels)):
        raise _nobody(observer, labels)
    wanted = {"", *labels[observer - 1 : observer]}
    others = [file for file in files if file.role == "mask" and file.observer not in wanted]
    gone = {file.name for file in others}
    return [file for file in files if file.name not in gone], others


def _nobody(observer: int, labels: list[str]) -> DataError:
    if len(labels) < 2:
        what, fix = "no names tell of several observers", "leave --observer out"
    else:
        what, fix = f"the names tell of {len(labels)} observers ({', '.join(labels)})", f"choose one from 1 to {len(labels)}"
    return DataError(f"there are no masks by observer {observer}: {what}", where=f"--observer {observer}", fix=fix)


def others_left(others: list[RoledFile], observer: int) -> list[Problem]:
    """One sentence for all masks by other observers, and how to get them."""
    if not others:
        return []
    count = len({file.observer for file in others})
    numbers = [number for number in range(1, count + 2) if number != observer]
    who = "another observer" if count == 1 else f"{count} other observers"
    ways = f"`--observer {numbers[0]}`" if count == 1 else f"`--observer {numbers[0]}` to `{numbers[-1]}`"
    files = names_of(others)
    return [Problem("left-out", files, f"{files[0]}: {counted(len(files), 'mask')} by {who} left out; {ways} takes them instead")]
