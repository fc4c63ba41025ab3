"""Match images with masks: first by name, then by what else leaves no doubt.

Each root is looked at by itself. What could be meant in two ways becomes a collision, what has no partner stays lone; both are listed,
never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.affixes import ONLY_CHANNEL, split_number, without_picture_suffix, without_split_word
from limner.data.names import normal, role_of
from limner.data.sides import by_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from limner.data.roles import RoledFile

_SPLIT_FOLDER = re.compile(r"(?:train|training|test|testing|val|valid|validation|fold|set|part|split)[-_ ]?\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """An image with its masks.

    Attributes:
        image: The image.
        masks: One mask, or several that each hold a part.
        alone: Whether the image has these masks because both are alone in their folder, and not by its name.
    """

    image: RoledFile
    masks: tuple[RoledFile, ...]
    alone: bool = False


@dataclass(slots=True)
class Matching:
    """What is known of one root; it grows as matches are found.

    Attributes:
        images: All images, by name.
        masks: All masks, by name.
        matches: Images with their masks.
        collisions: Images and masks that could belong together in several ways.
    """

    images: list[RoledFile]
    masks: list[RoledFile]
    matches: list[Match] = field(default_factory=list)
    collisions: list[tuple[list[RoledFile], list[RoledFile]]] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)

    def lone_images(self) -> list[RoledFile]:
        """Images that nothing is known of yet."""
        return [file for file in self.images if file.name not in self._taken]

    def lone_masks(self) -> list[RoledFile]:
        """Masks that nothing is known of yet."""
        return [file for file in self.masks if file.name not in self._taken]

    def settle(self, images: list[RoledFile], masks: list[RoledFile]) -> None:
        """Take files that share one name for a match, or several; if that leaves a doubt, for a collision."""
        found = matches_among(images, masks)
        self.matches += found
        if not found:
            self.collisions.append((images, masks))
        self._taken |= {file.name for file in (*images, *masks)}

    def match_alone(self, image: RoledFile, masks: list[RoledFile]) -> None:
        """Take all masks for those of the only image, unless they lie in several places or formats, or go by several words."""
        alike = len({(mask.place, "" if mask.folder else mask.word) for mask in masks}) == 1
        if alike and len({mask.stem.casefold() for mask in masks}) == len(masks):
            self.matches.append(Match(image, tuple(masks), alone=True))
        else:
            self.collisions.append(([image], masks))
        self._taken |= {file.name for file in (image, *masks)}

    def contest(self, claims: dict[str, list[RoledFile]]) -> None:
        """Take masks that may belong to images which have others, keyed by these images' names: then none of them is certain."""
        contested = [([match.image], [*match.masks]) for match in self.matches if match.image.name in claims]
        self.matches = [match for match in self.matches if match.image.name not in claims]
        for images, masks in (*self.collisions, *contested):
            masks += [mask for image in images for mask in claims.get(image.name, ())]
        self.collisions += contested
        self._taken |= {mask.name for masks in claims.values() for mask in masks}


def match_files(files: Iterable[RoledFile]) -> list[Matching]:
    """Match the images and masks of all roots."""
    found = [_matching(held) for held in by_root(files).values()]
    for matching in found:
        _by_name(matching)
        _by_shorter_name(matching)
        _by_number(matching)
    _by_place(found)
    return found


def _matching(files: list[RoledFile]) -> Matching:
    ordered = sorted(files, key=lambda file: file.name)
    return Matching([file for file in ordered if file.role == "image"], [file for file in ordered if file.role == "mask"])


def matches_among(images: list[RoledFile], masks: list[RoledFile]) -> list[Match]:
    """The matches among files of one identity.

    They are the only two; or paired by whole stems, if these leave nothing over (`a` and `a_seg` in both folders); or one image with
    the parts of its mask (`a_mask_1`, `a_mask_2`). Else there are none.
    """
    if len(images) == len(masks) == 1:
        return [Match(images[0], (masks[0],))]
    by_stem = {mask.stem: mask for mask in masks}
    stems = {image.stem for image in images}
    if len(stems) == len(images) and len(by_stem) == len(masks) and stems == set(by_stem):
        return [Match(image, (by_stem[image.stem],)) for image in images]
    return [Match(images[0], tuple(masks))] if len(images) == 1 and _are_parts(masks) else []


def _are_parts(masks: list[RoledFile]) -> bool:
    """Whether masks are told apart by the numbers behind one word, and by nothing else."""
    alike = len({(mask.place, mask.word, mask.observer) for mask in masks}) == 1
    return alike and len({mask.part for mask in masks}) == len({mask.stem.casefold() for mask in masks}) == len(masks)


def _grouped(files: Iterable[RoledFile], key: Callable[[RoledFile], str]) -> dict[str, list[RoledFile]]:
    groups: dict[str, list[RoledFile]] = defaultdict(list)
    for file in files:
        groups[key(file)].append(file)
    return groups


def _by_name(found: Matching) -> None:
    images = _grouped(found.images, lambda file: file.identity)
    masks = _grouped(found.masks, lambda file: file.identity)
    for name in images.keys() & masks.keys():
        found.settle(images[name], masks[name])


def _by_shorter_name(found: Matching) -> None:
    """DRIVE's `21_training` has the mask `21_manual1`, nnU-Net's `a_0000` the mask `a`, and `a.jpg` of other tools the mask `a.jpg.png`."""
    one_channel = all(image.identity.endswith(ONLY_CHANNEL) for image in found.images)  # else it may be the first of several frames

    def shorter(image: RoledFile) -> str:
        return image.identity.removesuffix(ONLY_CHANNEL) if one_channel else without_split_word(image.identity)

    images = _grouped(found.lone_images(), shorter)
    masks = _grouped(found.lone_masks(), lambda file: without_picture_suffix(file.identity))
    for name in images.keys() & masks.keys():
        found.settle(images[name], masks[name])


def _by_number(found: Matching) -> None:
    """Masks `a_1` and `a_2` are parts of the mask of `a`, if no image is numbered like that.

    One number alone may as well be that of an image which is not there; so some image must have several.
    """
    images = _grouped(found.images, lambda file: file.identity)
    numbered = {base for name in images for base, number in [split_number(name)] if number}
    masks = _grouped(found.lone_masks(), lambda file: split_number(file.identity)[0])
    parts = {base: group for base, group in masks.items() if base in images and base not in numbered}
    lone = {image.name for image in found.lone_images()}
    several = any(len(group) > 1 for group in parts.values())
    claims: dict[str, list[RoledFile]] = {}
    for base, group in parts.items():
        if images[base][0].name not in lone:
            claims[images[base][0].name] = group
        elif several:
            found.settle(images[base], [replace(mask, part=f"{split_number(mask.identity)[1]} {mask.part}") for mask in group])
    found.contest(claims)


def _by_place(found: list[Matching]) -> None:
    """One folder for each case, with one image and its masks of any names."""
    cases = _are_cases([matching for matching in found if matching.images and matching.masks])
    for matching in found:
        masks = matching.lone_masks()
        if not masks or len(matching.images) != 1:
            continue
        image, in_folder = matching.images[0], all(mask.folder for mask in masks)
        by_folder = in_folder and (_names_its_case(image) or (cases and bool(matching.lone_images())))
        if matching.lone_images() and (by_folder or _tell_only_roles(image, masks)):
            matching.match_alone(image, masks)
        elif by_folder or _numbered_roles(image, matching.masks):
            matching.contest({image.name: masks})


def _are_cases(found: list[Matching]) -> bool:
    """Whether each root is a folder with one image that nothing is named after, as only cases have, and several masks are the rule."""
    roots = [matching.images[0].root for matching in found]
    one_each = all(len(matching.images) == 1 and matching.lone_images() for matching in found)
    split = any(_SPLIT_FOLDER.fullmatch(part) for root in roots for part in root[-1:])
    names = {image.identity for matching in found for image in matching.images}
    named = any(mask.word or mask.identity in names for matching in found for mask in matching.masks)
    several = any(len(matching.masks) > 1 for matching in found)
    return len(found) > 1 and all(roots) and one_each and several and not split and not named


def _names_its_case(image: RoledFile) -> bool:
    """DSB2018: `ID/images/ID.png`."""
    return image.stem in (normal(part) for part in PurePosixPath(image.name).parts[:-1])


def _tell_only_roles(image: RoledFile, masks: list[RoledFile]) -> bool:
    """`case/image.png` is alone by its very name, and so is `case/mask.png`, whatever the image's name."""
    if not image.root and any(mask.place != image.place for mask in masks):
        return False
    if all(not mask.identity or role_of(mask.stem) == "mask" for mask in masks):
        return True
    return role_of(image.stem) == "image" and all(mask.folder or role_of(split_number(mask.stem)[0]) == "mask" for mask in masks)


def _numbered_roles(image: RoledFile, masks: list[RoledFile]) -> bool:
    """`case/image.png`, `case/mask.png` and `case/mask_1.png`."""
    return role_of(image.stem) == "image" and not any(mask.folder for mask in masks) and _tell_only_roles(image, masks)
