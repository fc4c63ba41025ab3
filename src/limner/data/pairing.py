"""Pair images with masks by name: pure functions on relative names, nothing is opened.

An image and a mask belong together when their roots (folders, less what told the roles) and identities (stems, less the affixes that
told the roles) are equal, and nothing else has them. Whatever is not one image and one mask is listed as a problem in plain words,
never guessed. Names are compared whole, so `train1` never meets `train10`, and never by their place in a sorted list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.names import is_picture, normal, words
from limner.data.roles import Folder, RoledFile, give_roles
from limner.data.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Pair:
    """An image's name with its mask's (None where masks are not asked for)."""

    key: str
    image: str
    mask: str | None


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was found among the names.

    Attributes:
        pairs: Sorted by key; keys are unique.
        problems: One sentence each; what could belong together in several ways before what has no partner at all, and that before
            what may be there twice. For images alone: which files were left out as masks, and why.
        images: How many files were taken for images.
        masks: How many were taken for masks.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[str, ...]
    images: int
    masks: int


def pair_names(names: Iterable[str]) -> Pairing:
    """Pair relative posix names.

    Recognised: folders such as images/ and masks/ (also `Original`, `Ground Truth`, `train_images`, ...) at any depth and with equal
    folders around or below them; images and masks side by side, told apart by an affix (`a.jpg`, `a_mask.png`); one folder per case
    (`case1/image.png`, `case1/mask.png`). A key is the image's stem, with its folder before it where stems repeat.

    Example:
        >>> found = pair_names(["x/images/train1.jpg", "x/images/train10.jpg", "x/masks/train10.png"])
        >>> found.pairs
        (Pair(key='train10', image='x/images/train10.jpg', mask='x/masks/train10.png'),)
        >>> found.problems
        ('x/images/train1.jpg: an image without mask',)
    """
    files = _join_lone_roots(give_roles(name for name in names if is_picture(name)))
    rivals = _rival_folders(files)
    matched: list[tuple[RoledFile, RoledFile]] = []
    unclear = [_refusal(folders) for folders in rivals.values()]
    lone: list[str] = []
    for group in _groups([file for file in files if file.root not in rivals]):
        images, masks = _sides(group)
        found = _match(images, masks)
        matched += found
        if images and masks and not found:
            unclear.append(_collision(images, masks))
        elif not found:
            lone += [f"{file.name}: {'an image without mask' if images else 'a mask without image'}" for file in group]
    keys = _keys([image for image, _ in matched])
    pairs = [Pair(keys[image.name], image.name, mask.name) for image, mask in matched]
    return _pairing(pairs, (*sorted(unclear), *sorted(lone), *_copies([image for image, _ in matched])), files)


def image_names(names: Iterable[str]) -> Pairing:
    """Take the images only; masks that lie with them are left out and counted under `problems`.

    But a folder or file with a mask's name and no image that it would belong to counts as images: `lesion/` beside `normal/`, or a
    source of nothing but masks. To predict a mask by mistake does less harm than to pass over a folder of images.

    Every image gets a key of its own, with its suffix where only that tells two apart.

    Example:
        >>> [pair.key for pair in image_names(["images/a.png", "masks/a.png"]).pairs]
        ['a']
        >>> [pair.key for pair in image_names(["a.png", "a.jpg", "b_mask.png"]).pairs]
        ['a.jpg', 'a.png', 'b_mask']
    """
    files = give_roles(name for name in names if is_picture(name))
    masks = _masks_of_images(files)
    left = {file.name for file in masks}
    images = [replace(file, role="image", root=file.place) if file.role == "mask" else file for file in files if file.name not in left]
    pairs = [Pair(key, name, None) for name, key in _keys(images).items()]
    return _pairing(pairs, _left_out(masks), images + masks)


def _masks_of_images(files: list[RoledFile]) -> list[RoledFile]:
    """Files named after an image beside them, and folders of masks beside a folder of images or with a mask for an image beside them."""
    bare = any(not file.root for file in files)  # a bare root agrees with any other, which is too little to leave files out
    joined = files if bare else _join_lone_roots(files)
    known = {(file.root, file.identity) for file in joined if file.role == "image"}
    beside = {file.root for file in joined if file.folder and (file.role == "image" or (file.root, file.identity) in known)}
    return [
        file
        for file, placed in zip(files, joined, strict=True)
        if file.role == "mask" and (placed.root in beside if file.folder else (placed.root, placed.identity) in known)
    ]


def _left_out(masks: list[RoledFile]) -> tuple[str, ...]:
    """One sentence for all folders of masks with one name, and one for all files that were told by their own names."""
    told: dict[str, list[RoledFile]] = defaultdict(list)
    for file in masks:
        told[PurePosixPath(file.folder).name].append(file)
    return tuple(_reason(name, told[name]) for name in sorted(told))


def _reason(name: str, masks: list[RoledFile]) -> str:
    left = f"{counted(len(masks), 'file')} left out as masks"
    if not name:
        return f"{min(file.name for file in masks)}: {left}, since they are named like this and lie beside their images"
    folders = {file.folder for file in masks}
    place = f"{min(folders)}/" if len(folders) == 1 else f"{name}/ in {len(folders)} folders"
    return f"{place}: {left}, since a folder of this name lies beside its images"


def _pairing(pairs: list[Pair], problems: tuple[str, ...], files: list[RoledFile]) -> Pairing:
    count = Counter(file.role for file in files)
    return Pairing(tuple(sorted(pairs, key=lambda pair: pair.key)), problems, count["image"], count["mask"])


def _join_lone_roots(files: list[RoledFile]) -> list[RoledFile]:
    """Where all images have one root and all masks another, with nothing in one that speaks against the other, they belong together.

    So `a.png` and `drawn/masks/a.png`, or `Task1-2_Input` and `Task1_GroundTruth`; but not `train/images` and `test/masks`.
    """
    images, masks = ({file.root for file in files if file.role == role} for role in ("image", "mask"))
    if len(images) != 1 or len(masks) != 1:
        return files
    image_words, mask_words = (set(words("/".join(*roots))) for roots in (images, masks))
    agree = image_words <= mask_words or mask_words <= image_words
    return [replace(file, root=()) for file in files] if agree else files


def _copies(images: list[RoledFile]) -> list[str]:
    """Folders in which images of exactly the same names lie, as where a data set comes in two formats."""
    held: dict[Folder, set[str]] = defaultdict(set)
    for image in images:
        held[image.root].add(image.identity)
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for root, identities in held.items():
        alike[frozenset(identities - {""})].append(f"{'/'.join(root) or '.'}/")
    return sorted(_copied(sorted(roots)) for identities, roots in alike.items() if identities and len(roots) > 1)


def _copied(roots: list[str]) -> str:
    named = " and ".join(roots) if len(roots) < 4 else f"{roots[0]}, {roots[1]} and {len(roots) - 2} more folders"
    return f"{named}: they hold images of the same names and look like copies; if they are, keep one, or test images may be trained on"


def _rival_folders(files: list[RoledFile]) -> dict[Folder, list[str]]:
    """Roots with several folders that look like the masks of the same images: which is meant, nobody can tell."""
    folders: dict[Folder, set[str]] = defaultdict(set)
    for file in files:
        if file.role == "mask" and file.folder:
            folders[file.root].add(file.folder)
    return {root: sorted(names) for root, names in folders.items() if len(names) > 1}


def _refusal(folders: list[str]) -> str:
    named = " and ".join(f"{folder}/" for folder in folders)
    return f"{named}: several folders look like the masks of the same images; keep one of them"


def _groups(files: list[RoledFile]) -> Iterable[list[RoledFile]]:
    groups: dict[tuple[Folder, str], list[RoledFile]] = defaultdict(list)
    for file in files:
        groups[(file.root, file.identity)].append(file)
    return groups.values()


def _sides(group: list[RoledFile]) -> tuple[list[RoledFile], list[RoledFile]]:
    ordered = sorted(group, key=lambda file: file.name)
    return [file for file in ordered if file.role == "image"], [file for file in ordered if file.role == "mask"]


def _match(images: list[RoledFile], masks: list[RoledFile]) -> list[tuple[RoledFile, RoledFile]]:
    """The pairs of one group: the only two, or by whole stems if these leave nothing over (`a` and `a_seg` in both folders); else none."""
    if len(images) == len(masks) == 1:
        return [(images[0], masks[0])]
    by_stem = {mask.stem: mask for mask in masks}
    stems = {image.stem for image in images}
    unique = len(stems) == len(images) and len(by_stem) == len(masks)
    return [(image, by_stem[image.stem]) for image in images] if unique and stems == set(by_stem) else []


def _collision(images: list[RoledFile], masks: list[RoledFile]) -> str:
    listed = ", ".join(file.name for file in (*images, *masks))
    count = f"{counted(len(images), 'image')} and {counted(len(masks), 'mask')}"
    merge = "merge the masks into one, or " if len(images) == 1 else ""
    return f"{listed}: {count} share one name; {merge}rename or remove what does not belong"


def _keys(images: list[RoledFile]) -> dict[str, str]:
    """A unique key for each image's name, no longer than it takes."""
    level = {file.name: 0 for file in images}
    while True:
        keys = {file.name: _key(file, level[file.name]) for file in images}
        count = Counter(keys.values())
        repeated = [name for name, key in keys.items() if count[key] > 1]
        if not repeated:
            return keys
        for name in repeated:
            level[name] += 1


def _key(file: RoledFile, level: int) -> str:
    """The stem; with the folder before it; with the suffix behind it; the whole name, which nothing else has."""
    own = (file.stem,) if file.identity or not file.root else ()
    placed = normal("/".join((*file.root, *own)))
    return (placed.rsplit("/", 1)[-1], placed, placed + PurePosixPath(file.name).suffix, file.name)[min(level, 3)]
