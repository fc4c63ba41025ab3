"""From groups that are dealt out to parts to a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.splits.groups import labels
from limner.data.splits.split import Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from limner.data.splits.groups import Group


def build(
    parts: Mapping[str, Iterable[Group]], groups: Iterable[Group], *, seed: int, origin: str, fold: tuple[int, int] | None = None
) -> Split:
    """The split whose parts hold some groups.

    Args:
        parts: Groups by part.
        groups: All groups, whole: what a part holds may be a piece of one.
        seed: Of the draw.
        origin: How the split came about.
        fold: Which of how many.
    """
    keys = {part: [key for group in chosen for key in group.keys] for part, chosen in parts.items()}
    return build_of_keys(keys, groups, seed=seed, origin=origin, fold=fold)


def build_of_keys(
    keys: Mapping[str, Iterable[str]], groups: Iterable[Group], *, seed: int, origin: str, fold: tuple[int, int] | None = None
) -> Split:
    """The split whose parts hold some keys; see `build`."""
    chosen = {part: tuple(sorted(held)) for part, held in keys.items()}
    used = {key for held in chosen.values() for key in held}
    named = {key: label for key, label in sorted(labels(groups).items()) if key in used}
    return Split(train=chosen["train"], val=chosen["val"], test=chosen.get("test", ()), seed=seed, origin=origin, groups=named, fold=fold)
