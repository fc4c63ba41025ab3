"""Groups: items that belong into one part of a split, since they are of one patient or sequence, or look alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

LIKE = "like "  # before the label of a group that is known by its looks alone


@dataclass(frozen=True, slots=True)
class Group:
    """Items that no split divides; one alone is a group too.

    Attributes:
        name: Of the patient or sequence, the first one where several are merged; where none is known, the first key.
        keys: Its items, sorted.
        known: Whether its name is that of a patient or sequence.
        share: The median share of the image that is foreground, in [0, 1]; None where it is not known.
    """

    name: str
    keys: tuple[str, ...]
    known: bool = False
    share: float | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def label(self) -> str | None:
        """How the split file and people call it; None for an item on its own."""
        if self.known:
            return self.name
        return f"{LIKE}{self.name}" if len(self.keys) > 1 else None


def find_groups(
    keys: Iterable[str],
    *,
    known: Mapping[str, str] | None = None,
    links: Iterable[tuple[str, str]] = (),
    shares: Mapping[str, float] | None = None,
) -> tuple[Group, ...]:
    """Put keys into groups. Groups that a link connects are merged, so each key is in one.

    Args:
        keys: All keys; known groups and links of others are passed over.
        known: The patient or sequence of each key of which it is known.
        links: Pairs of keys that belong together.
        shares: The share of foreground of each key of which it is known, in [0, 1].

    Returns:
        The groups, sorted by their first keys.

    Example:
        >>> found = find_groups("abcde", known={"a": "p1", "c": "p1", "d": "p2"}, links=[("b", "c")])
        >>> [(group.label, "".join(group.keys)) for group in found]
        [('p1', 'abc'), ('p2', 'd'), (None, 'e')]
    """
    wanted = sorted(set(keys))
    named = {key: name for key in wanted if (name := (known or {}).get(key)) is not None}
    roots = _Union(wanted)
    first_of: dict[str, str] = {}
    for key, name in named.items():
        roots.join(key, first_of.setdefault(name, key))
    for first, second in links:
        if first in roots and second in roots:
            roots.join(first, second)
    return tuple(_group(members, named, shares or {}) for members in roots.sets())


def within(groups: Iterable[Group], keys: Collection[str]) -> tuple[Group, ...]:
    """What of each group is among some keys; names and shares stay those of the whole group."""
    chosen = set(keys)
    parts = ((group, tuple(key for key in group.keys if key in chosen)) for group in groups)
    return tuple(replace(group, keys=kept) for group, kept in parts if kept)


def labels(groups: Iterable[Group]) -> dict[str, str]:
    """The label of each key's group, without keys on their own."""
    return {key: group.label for group in groups if group.label is not None for key in group.keys}


def _group(members: list[str], named: Mapping[str, str], shares: Mapping[str, float]) -> Group:
    names = sorted({named[key] for key in members if key in named})
    found = [shares[key] for key in members if key in shares]
    return Group(
        name=names[0] if names else members[0], keys=tuple(members), known=bool(names), share=float(median(found)) if found else None
    )


class _Union:
    """Disjoint sets that can be joined: union-find with path halving."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._parent = {key: key for key in keys}

    def __contains__(self, key: str) -> bool:
        return key in self._parent

    def join(self, first: str, second: str) -> None:
        """Make one set of those that two keys are in."""
        low, high = sorted((self._root(first), self._root(second)))
        self._parent[high] = low

    def sets(self) -> list[list[str]]:
        """All sets, in the order of the keys."""
        members: defaultdict[str, list[str]] = defaultdict(list)
        for key in self._parent:
            members[self._root(key)].append(key)
        return list(members.values())

    def _root(self, key: str) -> str:
        while (parent := self._parent[key]) != key:
            self._parent[key] = key = self._parent[parent]
        return key
