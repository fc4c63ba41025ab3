"""What the folders around files tell of them: their role, who drew them, and what is left of the path when that is taken away."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from limner.data.names import MASK_WORDS, role_of, role_within, words
from limner.data.observers import observer_of, observer_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data.names import Role

Folder = tuple[str, ...]
Claim = Literal["drawn", "mask", ""]

# Not `expert1` and the like: a `masks` beside these may be what they agreed on.
_DRAWN = frozenset({"manual", "ho", "vessel", "vessels"})  # beside `gt/`, `masks/` may as well be another version of it
_FOV_WORDS = frozenset({"fov", "fovs"})
_VESSELS = frozenset({"vessel", "vessels"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a folder tells of the files in it.

    Attributes:
        role: None where it tells nothing.
        root: The folder, less the part that told.
        folder: The folder that told; empty where none did.
        observer: Who drew the masks, where that is told.
        claim: `drawn` for a name that speaks of somebody's drawing, such as `1st_manual`; `mask` for that bare word, which means the
            field of view where it stands beside such a name.
        alone: Whether it tells without a twin beside it.
    """

    role: Role | None
    root: Folder
    folder: str
    observer: str = ""
    claim: Claim = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one part of a path says: a role, and the words that are left."""

    role: Role | None
    rest: str
    observer: str = ""
    claim: Claim = ""


_Beside = dict[Folder, set[tuple["Role", str]]]


def told_by_folders(folders: Iterable[Folder]) -> dict[Folder, Told]:
    """What each folder tells, given all that hold files."""
    reader = _Reader(folders)
    told = {folder: reader.read(folder) for folder in reader.folders}
    with_images = {known.root for known in told.values() if known.role in ("image", None)}
    return {folder: _without_observers(known, with_images) for folder, known in told.items()}


def _without_observers(told: Told, with_images: set[Folder]) -> Told:
    """Masks in `masks/observer1` belong to the images of the folder around both, unless images lie in an `observer1` of their own."""
    if told.role in ("image", None) or told.root in with_images:
        return told
    named = [depth for depth, part in enumerate(told.root) if observer_of(part)]
    if not named or (root := (*told.root[: named[-1]], *told.root[named[-1] + 1 :])) not in with_images:
        return told
    part = told.root[named[-1]]
    return replace(told, root=root, observer=told.observer or observer_of(part), claim=_claim(part))


class _Reader:
    """Reads folders, each in the light of those beside it."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        self.folders = list(folders)
        parts = {part for folder in self.folders for part in folder}
        self._plain = {part: _plain(part) for part in parts}
        self._special = {part: found for part in parts if (found := _special(part))}
        self._beside: _Beside = defaultdict(set)
        for folder in self.folders:
            for depth, part in enumerate(folder):
                self._beside[folder[:depth]] |= self._roles(part)

    def _roles(self, part: str) -> set[tuple[Role, str]]:
        plain, special = self._plain[part], self._special.get(part)
        roles: set[tuple[Role, str]] = {(plain.role, plain.rest)} if plain.role else set()
        return roles if special is None or special.role == "fov" else roles | {("mask", special.rest)}

    def read(self, folder: Folder) -> Told:
        """What the deepest part tells that has a twin beside it (`images` and `masks`, `train_images` and `train_masks`); else the deepest.

        Without a twin a whole name (`masks`) counts by itself, for there may be images around it; a word within a name (the `SEG` of
        `Kvasir-SEG`) only where some folder beside it tells the opposite. Twins go first, so that in `images/lesion` and
        `masks/lesion` the lesion tells nothing.
        """
        for tell in (self._twin, self._alone):
            for depth in range(len(folder) - 1, -1, -1):
                if found := tell(folder[:depth], folder[depth]):
                    return _told(folder, depth, found, alone=tell == self._alone)
        return Told(None, folder, "")

    def _twin(self, before: Folder, part: str) -> _Reading | None:
        plain, special, beside = self._plain[part], self._special.get(part), self._beside[before]
        if plain.role and {("image", plain.rest), ("mask", plain.rest)} <= beside:
            return plain
        if plain.role and (agreed := self._agreed(before)) is not None:
            return replace(plain, rest=agreed)
        return special if special and ("image", special.rest) in beside else None

    def _agreed(self, before: Folder) -> str | None:
        """The other words of the images, where one name for images and one for masks lie side by side that agree but for a word more.

        So `images` and `cell_masks`; but not `train_images` and `test_masks`.
        """
        beside = self._beside[before]
        rests = dict(beside)
        if len(beside) != 2 or rests.keys() != {"image", "mask"}:
            return None
        images, masks = (set(rests[role].split("-")) - {""} for role in ("image", "mask"))
        return rests["image"] if images <= masks or masks <= images else None

    def _alone(self, before: Folder, part: str) -> _Reading | None:
        plain, special = self._plain[part], self._special.get(part)
        if special and not special.rest and special.role != "mask":
            return special
        if special and not special.rest and special.observer:
            return special
        opposed = len({role for role, _ in self._beside[before]}) == 2
        return plain if plain.role and (not plain.rest or opposed) else None


def _told(folder: Folder, depth: int, found: _Reading, *, alone: bool) -> Told:
    before, part, after = folder[:depth], folder[depth], folder[depth + 1 :]
    root = (*before, *((found.rest,) if found.rest else ()), *after)
    return Told(found.role, root, "/".join((*before, part)), found.observer, found.claim, alone)


def _plain(part: str) -> _Reading:
    """The reading by the words for images and masks alone."""
    role = role_of(part)
    if role in ("image", "mask"):
        return _Reading(role, "", claim=_claim(part))
    role, rest = role_within(part)
    return _Reading(role, rest, claim=_claim(part) if role else "")


def _special(part: str) -> _Reading | None:
    """The reading as one observer's masks, a field of view, masks of single objects, or masks of vessels; None where it is none of them."""
    role = role_of(part)
    if role in ("fov", "objects"):
        return _Reading(role, "")
    if role == "image" or role_within(part)[0] == "image":
        return None
    observer, left = observer_within(part)
    if observer:
        return _Reading("mask", _less(left.split("-"), MASK_WORDS), observer, _claim(part))
    tokens = words(part)
    if _FOV_WORDS & set(tokens):
        return _Reading("fov", _less(tokens, _FOV_WORDS | MASK_WORDS))
    if _VESSELS & set(tokens) and (len(tokens) == 1 or role_within(part)[0] == "mask"):
        return _Reading("mask", _less(tokens, _VESSELS | MASK_WORDS), claim="drawn")
    return None


def _less(tokens: list[str], known: frozenset[str]) -> str:
    return "-".join(token for token in tokens if token not in known)


def _claim(part: str) -> Claim:
    tokens = words(part)
    return "drawn" if _DRAWN & set(tokens) else "mask" if tokens in (["mask"], ["masks"]) else ""
