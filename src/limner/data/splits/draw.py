"""Draw a split at random: groups are never divided, strata of foreground size are balanced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.splits.groups import Group, find_groups, within
from limner.data.splits.keep import add_to
from limner.data.splits.parts import build
from limner.data.splits.split import PARTS, Split
from limner.data.splits.strata import in_order
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_AIM = "be split so that some are left to train on"


def make_split(keys: Iterable[str], *, val_fraction: float, test_fraction: float, seed: int) -> Split:
    """Draw a split of keys that have nothing to do with each other; see `draw`, and `choose_split` for what training does by default.

    Args:
        keys: All keys.
        val_fraction: Share of all keys for validation, in (0, 1); at least one key.
        test_fraction: Share of all keys for the test, in [0, 1); at least one key unless 0.
        seed: Another seed gives another split.

    Raises:
        DataError: The shares leave nothing to train on, or there are too few keys.

    Example:
        >>> split = make_split("abcdefghij", val_fraction=0.1, test_fraction=0.2, seed=0)
        >>> len(split.train), len(split.val), len(split.test)
        (7, 1, 2)
    """
    return draw(find_groups(keys), val_fraction=val_fraction, test_fraction=test_fraction, seed=seed)


def draw(groups: Collection[Group], *, val_fraction: float, test_fraction: float, seed: int, keep: Split | None = None) -> Split:
    """Draw a split; no group is divided.

    The groups are put in an order in which the strata of their foreground size alternate evenly (see `strata`). The test is taken from
    its front and validation from its back: each group that brings the part nearer to its size. Every part gets a group at least, and as
    long as validation and test are to take no more than half of all items, each of them differs from what is asked by less than the
    largest group. The split does not depend on the order in which files are listed, and hardly changes when files are added.

    Args:
        groups: All groups. Those without shares of foreground are of one stratum.
        val_fraction: Share of all items for validation, in (0, 1).
        test_fraction: Share of all items for the test, in [0, 1).
        seed: Another seed gives another split.
        keep: A split of some of the items, which stay where they are. New items go with their group, new groups to where most is missing.

    Raises:
        DataError: The fractions leave nothing to train on, or there are fewer groups than parts.

    Example:
        >>> groups = find_groups("abcdefghij", known={"a": "p1", "b": "p1", "c": "p2", "d": "p2"})
        >>> split = draw(groups, val_fraction=0.1, test_fraction=0.2, seed=1)
        >>> len(split.train), len(split.val), len(split.test)
        (7, 1, 2)
        >>> split.groups
        {'a': 'p1', 'b': 'p1', 'c': 'p2', 'd': 'p2'}
    """
    check_fractions(val_fraction, test_fraction)
    total = sum(map(len, groups))
    order = in_order(groups, seed)
    if keep is not None:
        return add_to(keep, order, {"val": val_fraction, "test": test_fraction}, seed=seed)
    check_enough(groups, 3 if test_fraction else 2, _AIM)
    test = take(order, test_fraction * total, most=len(order) - 2)
    rest = without(order, test)
    val = take(rest[::-1], val_fraction * total, most=len(rest) - 1)
    origin = f"drawn at random{manner(groups)}: validation {val_fraction:.3g}, test {test_fraction:.3g} of {total}, seed {seed}"
    return build({"train": without(rest, val), "val": val, "test": test}, groups, seed=seed, origin=origin)


def draw_val(parts: Mapping[str, Collection[str]], groups: Collection[Group], *, val_fraction: float, seed: int, origin: str) -> Split:
    """The split of given parts; where they have no validation part it is drawn out of train, by whole groups.

    Args:
        parts: Keys of `train`, and maybe of `val` and `test`.
        groups: All groups, as for `draw`.
        val_fraction: Share of the train part for validation, in (0, 1), where there is no `val`.
        seed: Of the draw.
        origin: Where the parts come from, in a phrase.

    Raises:
        DataError: The train part has too few groups.
    """
    taken = {part: within(groups, parts.get(part, ())) for part in PARTS}
    if not taken["val"]:
        check_fractions(val_fraction, 0)
        check_enough(taken["train"], 2, _AIM, noun="images of the train part")
        order = in_order(taken["train"], seed)
        total = sum(map(len, order))
        taken["val"] = tuple(take(order[::-1], val_fraction * total, most=len(order) - 1))
        taken["train"] = tuple(without(order, taken["val"]))
        origin += f"; validation drawn from train{manner(order)}: {sum(map(len, taken['val']))} of {total}, seed {seed}"
    return build(taken, groups, seed=seed, origin=origin)


def take(order: Sequence[Group], target: float, *, most: int) -> list[Group]:
    """The groups of an order, from the front on, that together come nearest to a number of items; at least one unless none is asked for.

    A group so large that it would lead away from the target is passed over.
    """
    taken: list[Group] = []
    total = 0
    for group in order:
        if len(taken) < most and total + len(group) / 2 <= target:
            taken.append(group)
            total += len(group)
    return taken if taken or not target else [min(order, key=len)]


def check_fractions(val_fraction: float, test_fraction: float) -> None:
    """Raise unless the fractions are such, and leave something to train on."""
    for part, fraction, least in (("val", val_fraction, "more than 0"), ("test", test_fraction, "0 or more")):
        if not 0 <= fraction < 1 or (part == "val" and fraction == 0):
            fix = f"set data.{part}_fraction (--{part} of `limner split`) to {least} and less than 1"
            raise DataError(f"the {part} fraction is {fraction:g}", fix=fix)
    if val_fraction + test_fraction >= 1:
        fix = "lower data.val_fraction or data.test_fraction (--val, --test of `limner split`)"
        raise DataError(f"a val fraction of {val_fraction:g} and a test fraction of {test_fraction:g} leave nothing to train on", fix=fix)


def check_enough(groups: Collection[Group], wanted: int, aim: str, *, noun: str = "images") -> None:
    """Raise if there are fewer groups than parts wanted."""
    if len(groups) >= wanted:
        return
    total = sum(map(len, groups))
    largest = max(groups, key=len, default=None)
    if largest is None or largest.label is None:
        raise DataError(f"{total} {noun} cannot {aim}", fix=f"add images: {wanted} are needed at least")
    held = "all of them are of one group" if len(groups) == 1 else f"they are of {len(groups)} groups, and {wanted} are needed"
    raise DataError(
        f"{total} {noun} cannot {aim}: {held}; the largest, '{largest.label}', holds {len(largest)}",
        fix="add images of other patients or sequences; or, if these groups are not meant, check data.group, or switch the search for "
        "near-duplicates off (data.lookalikes=false, --no-lookalikes)",
    )


def without(order: Iterable[Group], taken: Iterable[Group]) -> list[Group]:
    """The groups that were not taken, in their order."""
    gone = {group.keys for group in taken}
    return [group for group in order if group.keys not in gone]


def manner(groups: Collection[Group]) -> str:
    """By what a draw went, in words."""
    grouped = any(group.label for group in groups)
    balanced = any(group.share is not None for group in groups)
    return (f" in {len(groups)} groups" if grouped else "") + (", balanced by the size of the foreground" if balanced else "")
