"""Give each file of a source its role, image or mask, by the names around it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.names import Role, identity, normal, role_of, role_within, without_mask_affix

if TYPE_CHECKING:
    from collections.abc import Iterable

Folder = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoledFile:
    """A file with what its name tells.

    Attributes:
        name: Relative posix name, as given.
        place: Its folder, less the wrapper around everything.
        role: `image` or `mask`.
        root: Its place, less the part that told the role.
        folder: The folder that told the role; empty when the file's own name did.
        stem: Its own name without suffix.
        identity: What it shares with its partner; empty when the own name is but a role (`case1/mask.png`).
    """

    name: str
    place: Folder
    role: Role
    root: Folder
    folder: str
    stem: str
    identity: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What a folder tells of the files in it."""

    role: Role | None
    root: Folder
    folder: str


def give_roles(names: Iterable[str]) -> list[RoledFile]:
    """Give each name its role.

    A folder named for masks makes all in it masks, and what lies in the same place in other folders images. Where there is no folder
    of masks, files tell by their own affix. Folders around everything tell nothing, whatever their name.

    Example:
        >>> [file.role for file in give_roles(["images/a.png", "images/a_mask.png"])]
        ['image', 'mask']
    """
    parents = {name: PurePosixPath(name).parts[:-1] for name in names}
    wrapper = _common(set(parents.values()))
    told = _told_by_folders({parent[wrapper:] for parent in parents.values()})
    with_masks = {known.root for known in told.values() if known.role == "mask"}
    bases = {(parent, without_mask_affix(_stem(name))) for name, parent in parents.items() if _has_affix(_stem(name))}
    files = []
    for name, parent in parents.items():
        place = parent[wrapper:]
        known = told[place]
        by_folder = known.role is not None and known.root in with_masks
        is_base = known.root in with_masks or (parent, _stem(name)) in bases
        files.append(_by_folder(name, place, known) if by_folder else _by_own_name(name, place, known.root, is_base=is_base))
    return files


def _by_folder(name: str, place: Folder, known: _Told) -> RoledFile:
    stem = _stem(name)
    return RoledFile(name, place, known.role or "image", known.root, known.folder, stem, identity(stem))


def _by_own_name(name: str, place: Folder, root: Folder, *, is_base: bool) -> RoledFile:
    """A base is a name from which another is made by a mask's affix; it is an image, even if it has such an affix itself."""
    stem = _stem(name)
    if bare := role_of(stem):
        return RoledFile(name, place, bare, root, "", stem, "")
    role: Role = "mask" if _has_affix(stem) and not is_base else "image"
    return RoledFile(name, place, role, root, "", stem, identity(stem))


def _stem(name: str) -> str:
    return normal(PurePosixPath(name).stem)


def _has_affix(stem: str) -> bool:
    return without_mask_affix(stem) != stem


def _common(folders: set[Folder]) -> int:
    """How many leading parts all folders share."""
    if not folders:
        return 0
    low, high = min(folders), max(folders)
    return next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))


def _told_by_folders(folders: set[Folder]) -> dict[Folder, _Told]:
    beside: dict[Folder, set[tuple[Role, str]]] = defaultdict(set)
    for folder in folders:
        for depth, part in enumerate(folder):
            role, rest = _role_and_rest(part)
            if role:
                beside[folder[:depth]].add((role, rest))
    return {folder: _told(folder, beside) for folder in folders}


def _told(folder: Folder, beside: dict[Folder, set[tuple[Role, str]]]) -> _Told:
    """What the deepest part tells that has a twin beside it (`images` and `masks`, `train_images` and `train_masks`); else the deepest.

    Without a twin a whole name (`masks`) counts by itself, for there may be images around it; a word within a name (the `SEG` of
    `Kvasir-SEG`) only where some folder beside it tells the opposite. Twins go first, so that in `images/lesion` and `masks/lesion`
    the lesion tells nothing.
    """
    depths = range(len(folder) - 1, -1, -1)
    twins = [depth for depth in depths if _has_twin(folder[depth], beside[folder[:depth]])]
    alone = [depth for depth in depths if role_of(folder[depth]) or len({role for role, _ in beside[folder[:depth]]}) == 2]
    for depth in (*twins, *alone):
        before, part, after = folder[:depth], folder[depth], folder[depth + 1 :]
        role, rest = _role_and_rest(part)
        if role:
            return _Told(role, (*before, *((rest,) if rest else ()), *after), "/".join((*before, part)))
    return _Told(None, folder, "")


def _has_twin(part: str, beside: set[tuple[Role, str]]) -> bool:
    role, rest = _role_and_rest(part)
    return {("image", rest), ("mask", rest)} <= beside if role else False


def _role_and_rest(part: str) -> tuple[Role | None, str]:
    return (role, "") if (role := role_of(part)) else role_within(part)
