"""Pair images with masks by name: pure functions on relative names, nothing is opened.

An image and a mask belong together when their roots (folders, less what told the roles) and identities (stems, less the affixes that
told the roles) are equal, and nothing else has them. Beyond that only what leaves no doubt is taken: the numbered parts of one mask,
one folder for each case, one observer's masks of several, fields of view. Whatever is in no pair is listed as a problem in plain words,
never guessed. Names are compared whole, so `train1` never meets `train10`, and never by their place in a sorted list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limner.data.affixes import split_number, without_split_word
from limner.data.fields import fields_of_view
from limner.data.findings import collision, copies, fields_left, in_order, masks_left, orphan, rivals
from limner.data.keys import give_keys
from limner.data.matching import match_files
from limner.data.names import is_picture
from limner.data.roles import RoledFile, give_roles, join_lone_roots
from limner.data.sides import choose_observer, find_fields_of_view, leave_objects, others_left, tell_observers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data.folders import Folder
    from limner.data.matching import Matching
    from limner.data.problems import Problem


@dataclass(frozen=True, slots=True)
class Pair:
    """An image's name with those of its mask.

    Attributes:
        key: Unique among the pairs.
        image: The image.
        masks: The pictures that make up the mask: one; several where each holds one object; none where masks are not asked for.
        fov: The field-of-view mask, as in fundus photographs, where there is one.
    """

    key: str
    image: str
    masks: tuple[str, ...]
    fov: str | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was found among the names.

    Attributes:
        pairs: Sorted by key; keys are unique.
        problems: What could belong together in several ways before what has no partner at all, that before what may be there twice,
            and last what is left out with reason. For images alone: which files were left out as masks, and why. Every picture is in
            a pair or among the files of a problem.
        images: How many files were taken for images.
        masks: How many were taken for masks.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...]
    images: int
    masks: int


def pair_names(names: Iterable[str], *, observer: int = 1) -> Pairing:
    """Pair relative posix names.

    Recognised: folders such as images/ and masks/ (also `Original`, `Ground Truth`, `train_images`, ...) at any depth and with equal
    folders around or below them; images and masks side by side, told apart by an affix (`a.jpg`, `a_mask.png`); one folder per case
    (`case1/image.png`, `case1/mask.png`; `ID/images/ID.png`, `ID/masks/*.png`); several masks of one image (`a_mask_1`, `a_mask_2`);
    masks by several observers (`_1stHO`, `2nd_manual/`, `expert1/`); fields of view (`fov/`, and `mask/` beside `1st_manual/`).
    A key is the image's stem, with its folder before it where stems repeat.

    Args:
        names: All names; those that are no pictures are passed over.
        observer: Whose masks, where several people drew them: 1 for the first.

    Raises:
        DataError: There is no such observer.

    Example:
        >>> found = pair_names(["x/images/train1.jpg", "x/images/train10.jpg", "x/masks/train10.png"])
        >>> found.pairs
        (Pair(key='train10', image='x/images/train10.jpg', masks=('x/masks/train10.png',), fov=None),)
        >>> [str(problem) for problem in found.problems]
        ['x/images/train1.jpg: an image without mask']
    """
    given = join_lone_roots(give_roles(name for name in names if is_picture(name)))
    files, objects = leave_objects(given)
    wanted, others = choose_observer(find_fields_of_view(tell_observers(files)), observer)
    refused, unclear = _refused(wanted, given)
    found = match_files(file for file in wanted if file.root not in refused)
    matches = [match for matching in found for match in matching.matches]
    unclear += [collision(images, masks) for matching in found for images, masks in matching.collisions]
    fields, fields_over = fields_of_view(matches, [file for file in wanted if file.root not in refused])
    keys = give_keys([match.image for match in matches])
    pairs = [
        Pair(keys[match.image.name], match.image.name, tuple(mask.name for mask in match.masks), fields.get(match.image.name))
        for match in matches
    ]
    copied = copies([match.image for match in matches if not match.alone])
    left = in_order([*objects, *others_left(others, observer), *fields_left(fields_over)])
    return _pairing(pairs, (*in_order(unclear), *_orphans(found, others, observer), *copied, *left), [*wanted, *others])


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
    images = [replace(file, role="image", root=file.place) if file.role != "image" else file for file in files if file.name not in left]
    pairs = [Pair(key, name, ()) for name, key in give_keys(images).items()]
    return _pairing(pairs, masks_left(masks), [*images, *(replace(file, role="mask") for file in masks)])


def _masks_of_images(files: list[RoledFile]) -> list[RoledFile]:
    """Files named after an image beside them, and folders of masks beside a folder of images or with a mask for an image beside them."""
    bare = any(not file.root for file in files)  # a bare root agrees with any other, which is too little to leave files out
    joined = tell_observers(files if bare else join_lone_roots(files))
    known = {(file.root, name) for file in joined if file.role == "image" for name in (file.identity, without_split_word(file.identity))}

    def named(file: RoledFile) -> bool:
        return (file.root, file.identity) in known or (file.root, split_number(file.identity)[0]) in known

    beside = {file.root for file in joined if file.folder and (file.role == "image" or named(file))}
    return [
        file
        for file, placed in zip(files, joined, strict=True)
        if file.role != "image" and (placed.root in beside if file.folder else named(placed))
    ]


def _refused(files: list[RoledFile], given: list[RoledFile]) -> tuple[set[Folder], list[Problem]]:
    """Roots with several folders that look like the masks of the same images, among all files that were given."""
    folders: dict[Folder, set[str]] = defaultdict(set)
    for file in files:
        if file.role == "mask" and file.folder:
            folders[file.root].add(file.folder)
    refused = {root: sorted(names) for root, names in folders.items() if len(names) > 1}
    held: dict[Folder, list[RoledFile]] = defaultdict(list)
    for file in files:
        if file.root in refused:
            held[file.root].append(file)
    return set(refused), [rivals(held[root], named, given) for root, named in refused.items()]


def _orphans(found: list[Matching], others: list[RoledFile], observer: int) -> list[Problem]:
    drawn = {(mask.root, mask.identity) for mask in others}
    images = [file for matching in found for file in matching.lone_images()]
    twins = _twins(images)
    lone = [orphan(file) for matching in found for file in matching.lone_masks()]
    for file in images:
        by_others = not drawn.isdisjoint({(file.root, file.identity), (file.root, without_split_word(file.identity))})
        lone.append(orphan(file, observer=observer if by_others else None, twin=twins.get(file.name, "")))
    return in_order(lone)


def _twins(images: list[RoledFile]) -> dict[str, str]:
    """Images of which one more, and no third, lies beside them under the same name but for the suffix, by their names."""
    alike: dict[tuple[Folder, str], list[str]] = defaultdict(list)
    for image in images:
        alike[image.place, image.stem].append(image.name)
    pairs = [names for names in alike.values() if len(names) == 2]
    return {one: other for first, second in pairs for one, other in ((first, second), (second, first))}


def _pairing(pairs: list[Pair], problems: tuple[Problem, ...], files: list[RoledFile]) -> Pairing:
    count = Counter(file.role for file in files)
    return Pairing(tuple(sorted(pairs, key=lambda pair: pair.key)), problems, count["image"], count["mask"])
