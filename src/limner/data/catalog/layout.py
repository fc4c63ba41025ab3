"""Layouts: how the files of a published data set are named, said in regular expressions, and how names become pairs by them.

A pattern is matched without case against the end of a file's name, from the start of a folder or file on and without the suffix. So it
does not matter in which folders somebody has packed the whole, nor that TIFF files were turned into PNG.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from limner.data.names import normal
from limner.data.pairing import Pair, Pairing
from limner.data.problems import Problem
from limner.data.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


@dataclass(frozen=True, slots=True)
class Layout:
    r"""How the files of a data set are named.

    Attributes:
        name: Which layout it is, in a phrase.
        image: The pattern of images; what its named groups match makes up the key.
        masks: The pattern of masks by each observer, with the same named groups.
        fov: The pattern of field-of-view masks, with the same named groups.
        key: Makes the key of the groups; equal keys, but for case, belong together.
        many: Whether an image has several masks, each with a part of it.
        besides: Patterns of pictures that belong to the data set and are not wanted, such as drawings.

    Example:
        >>> layout = Layout("flat", image=r"(?P<id>\d+)", masks=(r"(?P<id>\d+)_mask",))
        >>> fit_layout(layout, ["set/7.jpg", "set/7_mask.png"]).pairing.pairs
        (Pair(key='7', image='set/7.jpg', masks=('set/7_mask.png',), fov=None),)
    """

    name: str
    image: str
    masks: tuple[str, ...]
    fov: str | None = None
    key: str | Callable[[dict[str, str]], str] = "{id}"
    many: bool = False
    besides: tuple[str, ...] = ()

    def key_of(self, groups: dict[str, str]) -> str:
        """The key that named groups make up."""
        return self.key.format(**groups) if isinstance(self.key, str) else self.key(groups)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a layout makes of some names.

    Attributes:
        layout: The layout.
        pairing: Pairs and problems.
        share: Which share of the pictures has a place in the layout, from 0 to 1.
    """

    layout: Layout
    pairing: Pairing
    share: float

    @property
    def rank(self) -> tuple[int, float]:
        """The larger, the better the layout fits."""
        return len(self.pairing.pairs), self.share

    @property
    def is_perfect(self) -> bool:
        """Whether every picture has its place and its partner."""
        return self.share == 1 and bool(self.pairing.pairs) and not self.pairing.problems


@dataclass(frozen=True, slots=True)
class _Placed:
    """A picture whose place in the layout is known.

    Attributes:
        name: Relative posix name.
        role: `image`, `mask`, `fov`, or empty for what is not wanted.
        around: The folders before what the pattern matched.
        key: As the file spells it.
    """

    name: str
    role: str
    around: str
    key: str

    @property
    def joint(self) -> str:
        """By what it meets its partners."""
        return self.key.casefold()


def fit_layout(layout: Layout, pictures: Collection[str], *, observer: int = 1) -> Fit:
    """Pair pictures by a layout. Whoever's masks are not asked for are left out without a word.

    Args:
        layout: The layout.
        pictures: Relative posix names; of pictures only.
        observer: Whose masks: 1 for the first.
    """
    placed = [place for name in pictures if (place := _place(layout, normal(name), name, observer))]
    kept, copies = _one_copy(placed)
    pairs, problems = _pairs(layout, kept)
    foreign = _foreign(set(pictures) - {place.name for place in placed})
    count = Counter(place.role for place in kept)
    pairing = Pairing(tuple(sorted(pairs, key=lambda pair: pair.key)), (*problems, *copies, *foreign), count["image"], count["mask"])
    return Fit(layout, pairing, len(placed) / len(pictures) if pictures else 0.0)


@cache
def _patterns(layout: Layout, observer: int) -> Sequence[tuple[str, re.Pattern[str]]]:
    """Roles with their patterns. Around a pattern is as little as possible, so that optional folders in it count as part of it."""
    masks = [("mask" if number == observer else "", pattern) for number, pattern in enumerate(layout.masks, start=1)]
    fov = [("fov", layout.fov)] if layout.fov else []
    roles = [*masks, *fov, ("image", layout.image), *(("", pattern) for pattern in layout.besides)]
    return [(role, re.compile(rf"(?:(?P<around_>.*?)/)?(?:{pattern})\.[^./]+", re.IGNORECASE)) for role, pattern in roles]


def _place(layout: Layout, spelt: str, name: str, observer: int) -> _Placed | None:
    for role, pattern in _patterns(layout, observer):
        if found := pattern.fullmatch(spelt):
            groups = {group: text or "" for group, text in found.groupdict().items()}
            return _Placed(name, role, groups.pop("around_"), layout.key_of(groups) if role else "")
    return None


def _one_copy(placed: list[_Placed]) -> tuple[list[_Placed], list[Problem]]:
    """Where whole folders hold the same images again (as in two formats), those in the folder with the most images."""
    images: dict[str, set[str]] = defaultdict(set)
    for place in placed:
        if place.role == "image":
            images[place.around].add(place.joint)
    ranked = sorted(images, key=lambda around: (-len(images[around]), around))
    copies = {around for i, around in enumerate(ranked) if any(images[around] <= images[better] for better in ranked[:i])}
    kept = [place for place in placed if place.around not in copies]
    return kept, [_copied(around, [place.name for place in placed if place.around == around]) for around in sorted(copies)]


def _copied(around: str, names: list[str]) -> Problem:
    folder = f"{around}/" if around else "the outermost folder"
    text = f"{folder}: {counted(len(names), 'file')} left out, since they are another copy of images that are taken from elsewhere"
    return Problem("left-out", tuple(sorted(names)), text)


def _pairs(layout: Layout, placed: list[_Placed]) -> tuple[list[Pair], list[Problem]]:
    together: dict[str, list[_Placed]] = defaultdict(list)
    for place in placed:
        if place.role:
            together[place.joint].append(place)
    pairs, unclear, lone = [], [], []
    for joint in sorted(together):
        images, masks, fovs = (_of(role, together[joint]) for role in ("image", "mask", "fov"))
        if len(images) > 1 or (len(masks) > 1 and not layout.many) or len(fovs) > 1:
            unclear.append(_collision(together[joint]))
        elif images and masks:
            pairs.append(Pair(images[0].key, images[0].name, tuple(mask.name for mask in masks), fovs[0].name if fovs else None))
        else:
            lone += _orphans(images, masks)
    return pairs, [*unclear, *lone]


def _of(role: str, placed: list[_Placed]) -> list[_Placed]:
    return sorted((place for place in placed if place.role == role), key=lambda place: place.name)


def _collision(placed: list[_Placed]) -> Problem:
    names = tuple(sorted(place.name for place in placed))
    return Problem("collision", names, f"{', '.join(names)}: several files for one place in the data set; remove what does not belong")


def _orphans(images: list[_Placed], masks: list[_Placed]) -> list[Problem]:
    """Of several masks without image one sentence; a lone field of view is nothing that anybody would miss."""
    if images:
        return [Problem("orphan-image", (images[0].name,), f"{images[0].name}: an image without mask")]
    if not masks:
        return []
    names = tuple(mask.name for mask in masks)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [Problem("orphan-mask", names, f"{names[0]}{more}: a mask without image")]


def _foreign(names: Collection[str]) -> list[Problem]:
    """One sentence for each folder with pictures that have no place in the layout."""
    folders: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        folders[name.rpartition("/")[0]].append(name)
    return [_strange(held) for held in folders.values()]


def _strange(names: list[str]) -> Problem:
    more = f" and {len(names) - 1} more beside it" if len(names) > 1 else ""
    return Problem("left-out", tuple(names), f"{names[0]}{more}: left out, since the data set has no file of this name")
