"""What the pictures say that a split depends on: how each image looks, and how much of it is foreground. Each picture is read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from limner.cores import on_all_cores
from limner.data.lookalikes import Lookalike, find_lookalikes, look
from limner.data.splits.groups import Group, find_groups
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from limner.data.items import Dataset, Item
    from limner.data.lookalikes import Look
    from limner.progress import Progress


@dataclass(frozen=True)
class Evidence:
    """What is known of images beyond their names.

    Attributes:
        looks: How each image looks, by key, without those that cannot be read.
        shares: The share of foreground of each, in [0, 1], by key, without those whose mask cannot be read.
    """

    looks: Mapping[str, Look] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def lookalikes(self) -> list[Lookalike]:
        """All pairs of images that look alike."""
        return find_lookalikes(self.looks)


def gather(dataset: Dataset, *, looks: bool = True, shares: bool = True, progress: Progress | None = None) -> Evidence:
    """Read all pictures of a data set, on all cores.

    What cannot be read is left out: the training, which needs it, will say so.

    Args:
        dataset: The data set.
        looks: Whether images are looked at.
        shares: Whether masks are measured.
        progress: Called in this thread after each item with how many are done, and of how many.
    """
    if not (looks or shares):
        return Evidence()
    found = on_all_cores(lambda item: _see(item, looks, shares), dataset.items, progress=progress)
    seen = dict(zip(dataset.keys(), found, strict=True))
    return Evidence(
        {key: found for key, (found, _) in seen.items() if found is not None},
        {key: share for key, (_, share) in seen.items() if share is not None},
    )


def groups_of(
    items: Iterable[Item], evidence: Evidence, *, lookalikes: bool = True, stratify: bool = True, links: Iterable[tuple[str, str]] = ()
) -> tuple[Group, ...]:
    """The groups of some items: those that are known, and those of images that look alike.

    Two images that are only similar, not copies, are not joined where both are known to be of different patients or sequences: what is
    known goes before a resemblance.

    Args:
        items: Which.
        evidence: Their looks and shares.
        lookalikes: Whether images that look alike are grouped.
        stratify: Whether groups know their share of foreground, by which a draw balances them.
        links: More pairs of keys that belong together.
    """
    items = list(items)
    known = {item.key: item.group for item in items if item.group is not None}
    shares = evidence.shares if stratify else {}
    alike = evidence.lookalikes if lookalikes else []
    joined = [(pair.first, pair.second) for pair in alike if not _contradicted(pair, known)]
    return find_groups((item.key for item in items), known=known, links=[*joined, *links], shares=shares)


def _contradicted(pair: Lookalike, known: Mapping[str, str]) -> bool:
    return pair.kind == "similar" and pair.first in known and pair.second in known


def _see(item: Item, looks: bool, shares: bool) -> tuple[Look | None, float | None]:
    try:
        image = item.load_image()
    except DataError:
        return None, None
    return look(image) if looks else None, _share(item, image.shape[:2]) if shares else None


def _share(item: Item, size: tuple[int, int]) -> float | None:
    try:
        return None if item.mask is None else float(item.mask.load(size).mean())
    except DataError:
        return None
