"""Give each file of a source its role, image, mask or field of view, by the names around it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.affixes import identity, mask_word, without_fov_suffix, without_mask_affix
from limner.data.folders import Claim, Folder, Told, told_by_folders
from limner.data.names import Role, normal, role_of, words
from limner.data.observers import observer_of, split_observer, surely_drawn

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class RoledFile:
    """A file with what its name tells.

    Attributes:
        name: Relative posix name, as given.
        place: Its folder, less the wrapper around everything.
        role: `image`, `mask`, `fov` (a field-of-view mask) or `objects` (a mask that tells objects apart, beside one that does not).
        root: Its place, less the part that told the role.
        folder: The folder that told the role; empty when the file's own name did.
        stem: Its own name without suffix.
        identity: What it shares with its partner; empty when the own name is but a role (`case1/mask.png`).
        observer: Who drew it, where that is told.
        claim: How it calls itself a mask (see `limner.data.folders.Told`).
        word: The word in its own name that calls it a mask.
        part: The number behind that word, as of several masks of one image.
    """

    name: str
    place: Folder
    role: Role
    root: Folder
    folder: str
    stem: str
    identity: str
    observer: str = ""
    claim: Claim = ""
    word: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class _Named:
    """A name in its parts, less the wrapper around everything."""

    name: str
    parent: Folder
    stem: str


def give_roles(names: Iterable[str]) -> list[RoledFile]:
    """Give each name its role.

    A folder named for masks makes all in it masks, and what lies in the same place in other folders images. Where there is no folder
    of masks, files tell by their own affix. Folders around everything tell nothing, whatever their name.

    Example:
        >>> [file.role for file in give_roles(["images/a.png", "images/a_mask.png"])]
        ['image', 'mask']
    """
    files = _named(names)
    told = told_by_folders({file.parent for file in files})
    bases = _bases([file for file in files if told[file.parent].role is None or told[file.parent].alone])
    told = _less_hasty(told, files, bases)
    with_masks = {known.root for known in told.values() if known.role in ("mask", "objects")}
    fields = _fields_of_view(files, told)
    stems = {file.stem.casefold() for file in files}
    with_bare = {file.parent for file in files if role_of(file.stem) == "image"}
    roled = []
    for file in files:
        known = told[file.parent]
        if file.name in fields:
            shared = shared_name(without_fov_suffix(file.stem))
            roled.append(RoledFile(file.name, file.parent, "fov", known.root, "", file.stem, shared))
        elif known.role == "fov" or (known.role and known.root in with_masks):
            roled.append(_by_folder(file, known))
        else:
            is_mask = known.root not in with_masks and (file.parent, file.stem) not in bases and _is_mask(file, stems, with_bare)
            roled.append(_by_own_name(file, known.root, stems, is_mask=is_mask))
    return roled


def _named(names: Iterable[str]) -> list[_Named]:
    paths = {name: PurePosixPath(name) for name in names}
    parents = {name: path.parts[:-1] for name, path in paths.items()}
    wrapper = _common(set(parents.values()))
    return [_Named(name, parents[name][wrapper:], normal(path.stem)) for name, path in paths.items()]


def _by_folder(file: _Named, known: Told) -> RoledFile:
    role = known.role or "image"
    shared = identity(without_fov_suffix(file.stem) if role == "fov" else file.stem)
    word, part = mask_word(file.stem)
    return RoledFile(file.name, file.parent, role, known.root, known.folder, file.stem, shared, known.observer, known.claim, word, part)


def _by_own_name(file: _Named, root: Folder, stems: set[str], *, is_mask: bool) -> RoledFile:
    base = without_mask_affix(file.stem)
    observer = observer_of(file.stem) if is_mask and (base == file.stem or base.casefold() not in stems) else ""
    if bare := "mask" if observer else role_of(file.stem):
        return RoledFile(file.name, file.parent, bare, root, "", file.stem, "", observer, _own_claim(file.stem), file.stem.lower())
    if not is_mask:
        return RoledFile(file.name, file.parent, "image", root, "", file.stem, identity(file.stem))
    shared = shared_name(without_mask_affix(file.stem))
    word, part = mask_word(file.stem)
    return RoledFile(file.name, file.parent, "mask", root, "", file.stem, shared, "", _own_claim(file.stem), word, part)


def shared_name(stem: str) -> str:
    """What a mask shares with its image, given its stem less what makes it a mask; nothing, if that is but the image's role."""
    return "" if role_of(stem) == "image" else identity(stem)


def _own_claim(stem: str) -> Claim:
    """By its own name a file claims to be drawn only if that counts the drawings, since `a_gt` beside `a_mask` may be the same twice."""
    word, part = mask_word(stem)
    if surely_drawn(stem):
        return "drawn"
    return "mask" if (word == "mask" and not part) or stem.casefold() == "mask" else ""


def _is_mask(file: _Named, stems: set[str], with_bare: set[Folder]) -> bool:
    """Whether a file calls itself a mask; a person's name makes it one only of an image that is there.

    Args:
        file: The file.
        stems: All stems, in lower case.
        with_bare: Folders with an image that has no name but its role.
    """
    if without_mask_affix(file.stem) != file.stem:
        return True
    rest, observer = split_observer(file.stem)
    if not observer:
        return bool(observer_of(file.stem)) and (file.parent in with_bare or surely_drawn(file.stem))
    return surely_drawn(file.stem) or not stems.isdisjoint({rest.casefold(), identity(rest)})


def _bases(files: list[_Named]) -> set[tuple[Folder, str]]:
    """Places and stems from which others are made by an affix."""
    stems = {(file.parent, file.stem) for file in files}
    bases = set()
    for file in files:
        base = without_mask_affix(file.stem)
        if base == file.stem:
            base = split_observer(file.stem)[0]
            whole = without_mask_affix(base)  # `a_mask_expert1` is made from `a`, if that is there
            base = whole if (file.parent, whole) in stems else base
        if base != file.stem:
            bases.add((file.parent, base))
    return bases


def _fields_of_view(files: list[_Named], told: dict[Folder, Told]) -> set[str]:
    """Files that call themselves a field of view and lie beside what they would be the field of view of.

    Nothing else makes them one: `sample_fov.png` may be a position under the microscope.
    """
    suffixed = [file for file in files if told[file.parent].role != "fov" and without_fov_suffix(file.stem) != file.stem]
    if not suffixed:
        return set()
    others = {(file.parent, identity(file.stem)) for file in files if without_fov_suffix(file.stem) == file.stem}
    count = Counter((told[file.parent].root, file.stem) for file in files)
    return {
        file.name
        for file in suffixed
        if (file.parent, identity(without_fov_suffix(file.stem))) in others and count[told[file.parent].root, file.stem] == 1
    }


def _less_hasty(told: dict[Folder, Told], files: list[_Named], bases: set[tuple[Folder, str]]) -> dict[Folder, Told]:
    """What folders tell, less those that do not hold what their names say.

    A folder of masks without a twin, that holds images and masks side by side, is a class (`lesion/a.png`, `lesion/a_mask.png`); a
    field of view that belongs to nothing is a position under the microscope.
    """
    bare: dict[Folder, set[Role | None]] = defaultdict(set)
    for file in files:
        bare[file.parent].add(role_of(file.stem))
    side_by_side = {file.parent for file in files if (file.parent, file.stem) in bases}
    side_by_side |= {folder for folder, roles in bare.items() if {"image", "mask"} <= roles}
    with_images = {known.root for known in told.values() if known.role in ("image", None)}
    others = with_images | {known.root for known in told.values() if known.role == "mask"}

    def hasty(folder: Folder, known: Told) -> bool:
        if known.role == "fov":
            return known.root not in others
        return known.role == "mask" and known.alone and known.root not in with_images and folder in side_by_side

    return {folder: Told(None, folder, "") if hasty(folder, known) else known for folder, known in told.items()}


def _common(folders: set[Folder]) -> int:
    """How many leading parts all folders share."""
    if not folders:
        return 0
    low, high = min(folders), max(folders)
    return next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))


def join_lone_roots(files: list[RoledFile]) -> list[RoledFile]:
    """Where all images have one root and all masks another, with nothing in one that speaks against the other, they belong together.

    So `a.png` and `drawn/masks/a.png`, or `Task1-2_Input` and `Task1_GroundTruth`; but not `train/images` and `test/masks`.
    """
    images = {file.root for file in files if file.role == "image"}
    masks = {file.root for file in files if file.role != "image"}
    if len(images) != 1 or len(masks) != 1:
        return files
    image_words, mask_words = (set(words("/".join(*roots))) for roots in (images, masks))
    agree = image_words <= mask_words or mask_words <= image_words
    return [replace(file, root=()) for file in files] if agree else files
