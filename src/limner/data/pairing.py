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
        problems: One sentence each; what could belong together in several ways before what has no partner at all.
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
    return _pairing(pairs, (*sorted(unclear), *sorted(lone)), files)


def image_names(names: Iterable[str]) -> Pairing:
    """Take the images only; masks that lie with them are left out, but a lone file with a mask's name counts as an image.

    Where all files look like masks, all are taken: who asks for images will mean these.

    Every image gets a key of its own, with its suffix where only that tells two apart.

    Example:
        >>> [pair.key for pair in image_names(["images/a.png", "masks/a.png"]).pairs]
        ['a']
        >>> [pair.key for pair in image_names(["a.png", "a.jpg", "b_mask.png"]).pairs]
        ['a.jpg', 'a.png', 'b_mask']
    """
    files = give_roles(name for name in names if is_picture(name))
    known = {(file.root, file.identity) for file in files if file.role == "image"}
    lone = [file for file in files if file.role == "mask" and not file.folder and (file.root, file.identity) not in known]
    keys = _keys([file for file in files if file.role == "image"] + lone or files)
    return _pairing([Pair(key, name, None) for name, key in keys.items()], (), files)


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
    count = f"{_count(len(images), 'image')} and {_count(len(masks), 'mask')}"
    return f"{listed}: {count} share one name; rename or remove what does not belong"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
