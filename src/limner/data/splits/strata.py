"""Strata: groups of like foreground size, and an order of all groups in which every stretch holds them in like proportion."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from math import frexp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data.splits.groups import Group

EMPTY = "empty"
UNKNOWN = "unknown"


def stratum(share: float | None) -> str:
    """The stratum of a share of foreground: its octave; `empty` for none.

    The octaves are fixed, unlike quantiles, so that no item changes its stratum when others are added.

    Args:
        share: In [0, 1], or None where it is not known.

    Example:
        >>> [stratum(share) for share in (1.0, 0.6, 0.5, 0.13, 0.0, None)]
        ['2^0', '2^-1', '2^-1', '2^-3', 'empty', 'unknown']
    """
    if share is None:
        return UNKNOWN
    return f"2^{frexp(share)[1] - 1}" if share > 0 else EMPTY


def in_order(groups: Iterable[Group], seed: int) -> list[Group]:
    """All groups at random, yet so that from both ends on every stretch holds the strata in proportion.

    Within its stratum, of n groups, each has a rank by a hash of seed and name; at (rank + u) / n it is put in the common order, u in
    [0, 1) being the stratum's own. This is systematic sampling (Madow and Madow, On the Theory of Systematic Sampling, 1944): the
    first p of the order hold p n of a stratum, give or take one. The order does not depend on that of the groups, and one group more
    moves the others of its stratum by one rank at most.
    """
    strata: defaultdict[str, list[Group]] = defaultdict(list)
    for group in groups:
        strata[stratum(group.share)].append(group)
    placed: list[tuple[float, bytes, tuple[str, ...], Group]] = []
    for name, members in strata.items():
        start = int.from_bytes(_digest(f"{seed}|stratum|{name}")[:6]) / 2**48
        ranked = sorted((hash_of(group, seed), group.keys, group) for group in members)
        placed += [((rank + start) / len(ranked), digest, keys, group) for rank, (digest, keys, group) in enumerate(ranked)]
    return [group for *_, group in sorted(placed, key=lambda entry: entry[:3])]


def hash_of(group: Group, seed: int) -> bytes:
    """By which a group has its place; its name decides alone, so that it keeps the place when members are added."""
    return _digest(f"{seed}|group|{group.name}" if group.known else f"{seed}|{group.name}")


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
