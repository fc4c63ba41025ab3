"""The split of a repaired copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.splits import PARTS, Split
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from limner.doctor.diagnose import Diagnosis


def leaking(diagnosis: Diagnosis) -> dict[str, str]:
    """Keys that have to leave their part, each with the reason: of two twins the one in the part that comes first, so never one of test.

    Of a group on both sides, all its items in that part have to.
    """
    part_of = diagnosis.part_of
    reasons: dict[str, str] = {}
    for leak in diagnosis.evidence.leaks:
        earlier, later = leak.parts
        if leak.kind == "group":
            members = [item.key for item in diagnosis.dataset if item.group == leak.group and part_of.get(item.key) == earlier]
            reasons |= dict.fromkeys(members, f"group {leak.group} is in {later} too")
        else:
            reasons[leak.first] = f"{leak.second} in {later} is {'identical' if leak.kind == 'identical' else 'a copy'}"
    return reasons


def repaired_split(diagnosis: Diagnosis, names: Mapping[str, str], dropped: Collection[str]) -> Split | None:
    """The split without what leaks and what is no longer there; None where none was given.

    Args:
        diagnosis: With its split.
        names: From the keys of the source that the copy still has to their keys in it.
        dropped: Keys of the source that have to leave their part.

    Raises:
        DataError: Nothing is left to train on or to validate with.
    """
    split = diagnosis.split
    if split is None:
        return None
    kept = {part: [key for key in split.part(part) if key in names and key not in dropped] for part in PARTS}
    if empty := next((part for part in ("train", "val") if not kept[part]), None):
        raise DataError(f"without what leaks or cannot be used, the {empty} part is empty", fix="draw a new split with `limner split`")
    parts = {part: tuple(sorted(names[key] for key in keys)) for part, keys in kept.items()}
    groups = {names[key]: group for key, group in split.groups.items() if key in names}
    gone = sum(len(split.part(part)) - len(kept[part]) for part in PARTS)
    origin = f"{split.origin}; {gone} taken out by limner doctor"
    return Split(train=parts["train"], val=parts["val"], test=parts["test"], seed=split.seed, origin=origin, groups=groups)
