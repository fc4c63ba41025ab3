"""Folds of a cross-validation: each item is tested exactly once, groups are never divided."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from limner.data.splits.draw import check_enough, check_fractions, manner, take, without
from limner.data.splits.parts import build
from limner.data.splits.strata import hash_of, in_order, stratum
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from limner.data.splits.groups import Group
    from limner.data.splits.split import Split


def draw_folds(groups: Collection[Group], folds: int, *, val_fraction: float, seed: int) -> tuple[Split, ...]:
    """Draw the splits of a cross-validation.

    The groups are dealt out largest first. Each goes to a fold that stays within the largest group's size of the smallest fold; among
    these to that which holds the fewest groups of its stratum, and then to the smallest. So no two folds differ by more than the largest
    group. The test of each split is one fold; its validation part is drawn out of the others, as in `draw`.

    Args:
        groups: All groups.
        folds: How many, two at least.
        val_fraction: Share of all items for validation, in (0, 1).
        seed: Another seed gives other folds.

    Raises:
        DataError: There are fewer groups than folds, or a fold leaves too few to train and validate on.

    Example:
        >>> from limner.data.splits import find_groups
        >>> splits = draw_folds(find_groups("abcdef"), 3, val_fraction=0.2, seed=0)
        >>> sorted(key for split in splits for key in split.test)
        ['a', 'b', 'c', 'd', 'e', 'f']
        >>> [(split.fold, len(split.train), len(split.val), len(split.test)) for split in splits]
        [((1, 3), 3, 1, 2), ((2, 3), 3, 1, 2), ((3, 3), 3, 1, 2)]
    """
    check_fractions(val_fraction, 0)
    if folds < 2:
        raise DataError(f"a cross-validation cannot have {folds} folds", fix="ask for two at least")
    check_enough(groups, max(folds, 3), f"be put into {folds} folds")
    total = sum(map(len, groups))
    order = in_order(groups, seed)
    dealt = _deal(groups, folds, seed)
    splits = []
    for number, test in enumerate(dealt, start=1):
        rest = without(order, test)
        check_enough(rest, 2, f"be trained and validated on in fold {number} of {folds}", noun="images of the other folds")
        val = take(rest[::-1], val_fraction * total, most=len(rest) - 1)
        origin = f"fold {number} of {folds}, drawn at random{manner(groups)}: validation {val_fraction:.3g} of {total}, seed {seed}"
        parts = {"train": without(rest, val), "val": val, "test": test}
        splits.append(build(parts, groups, seed=seed, origin=origin, fold=(number, folds)))
    return tuple(splits)


def _deal(groups: Collection[Group], folds: int, seed: int) -> list[list[Group]]:
    dealt: list[list[Group]] = [[] for _ in range(folds)]
    held: list[Counter[str]] = [Counter() for _ in range(folds)]
    sizes = [0] * folds
    largest = max(map(len, groups))
    for group in sorted(groups, key=lambda group: (-len(group), stratum(group.share), hash_of(group, seed), group.keys)):
        fold = _choose(group, sizes, held, largest)
        dealt[fold].append(group)
        held[fold][stratum(group.share)] += 1
        sizes[fold] += len(group)
    return dealt


def _choose(group: Group, sizes: Sequence[int], held: Sequence[Counter[str]], largest: int) -> int:
    eligible = [fold for fold, size in enumerate(sizes) if size + len(group) <= min(sizes) + largest]
    return min(eligible, key=lambda fold: (held[fold][stratum(group.share)], sizes[fold], fold))
