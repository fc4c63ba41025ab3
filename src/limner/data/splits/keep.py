"""Add items to a split without moving any that is in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from limner.data.splits.parts import build_of_keys
from limner.data.splits.split import PARTS, Split
from limner.data.wording import counted
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from limner.data.splits.groups import Group


def add_to(keep: Split, order: Sequence[Group], fractions: Mapping[str, float], *, seed: int) -> Split:
    """The split with new items in it, without those that are gone.

    Args:
        keep: The split; each of its items that is still there stays in its part.
        order: All groups, new ones in the order in which they are dealt out. New items of a group that is in the split go with it: into
            the part that holds most of it. A new group goes to where most is missing.
        fractions: The shares of all items wanted for `val` and `test`.
        seed: For the record.

    Raises:
        DataError: As for `check_keep`, or a part would be empty.
    """
    check_keep(keep, {key for group in order for key in group.keys})
    was, targets = keep.part_of(), _targets(order, fractions)
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    new = []
    for group in order:
        if home := _home(group, was):
            for key in group.keys:
                parts[was.get(key, home)].append(key)
        else:
            new.append(group)
    for group in new:
        parts[_neediest(parts, targets)] += group.keys
    _check_left(parts)
    return build_of_keys(parts, order, seed=seed, origin=_origin(keep, parts))


def check_keep(keep: Split, keys: Container[str]) -> None:
    """Find out whether a split can be added to, before any picture is read for it.

    Args:
        keep: The split.
        keys: Those of the data.

    Raises:
        DataError: It is one of several folds, or of other data.
    """
    if keep.fold is not None:
        raise DataError("a fold of a cross-validation cannot be added to: new images would be tested in several folds", fix="draw anew")
    if not any(key in keys for key in keep.part_of()):
        what = f"none of the {counted(len(keep.part_of()), 'image')} of the split that is to be kept is in the data"
        raise DataError(what, fix="check that split and data belong together, or draw a new split")


def kept_links(keep: Split) -> list[tuple[str, str]]:
    """Pairs of keys that were of one group when the split was made, enough to join each group anew."""
    first_of: dict[str, str] = {}
    return [(key, first) for key, label in keep.groups.items() if (first := first_of.setdefault(label, key)) != key]


def _home(group: Group, was: Mapping[str, str]) -> str | None:
    """The part that most of a group is in; None for a new group."""
    held = Counter(was[key] for key in group.keys if key in was)
    return max(PARTS, key=lambda part: held[part]) if held else None


def _targets(order: Sequence[Group], fractions: Mapping[str, float]) -> dict[str, float]:
    total = sum(map(len, order))
    return {"train": total * (1 - sum(fractions.values())), **{part: total * fraction for part, fraction in fractions.items()}}


def _neediest(parts: Mapping[str, Sequence[str]], targets: Mapping[str, float]) -> str:
    """Where most is missing; a part that is wanted and has nothing at all comes first."""
    return max(PARTS, key=lambda part: (targets[part] > 0 and not parts[part], targets[part] - len(parts[part])))


def _check_left(parts: Mapping[str, Sequence[str]]) -> None:
    if empty := next((part for part in ("train", "val") if not parts[part]), None):
        raise DataError(f"nothing of the {empty} part of the split that is to be kept is left in the data", fix="draw a new split")


def _origin(keep: Split, parts: Mapping[str, Sequence[str]]) -> str:
    was, now = set(keep.part_of()), {key for keys in parts.values() for key in keys}
    changes = [f"{counted(len(some), 'image')} {verb}" for some, verb in ((now - was, "added"), (was - now, "gone")) if some]
    return "; ".join([keep.origin, *changes])
