"""Published splits: which images the authors of a data set, or those who compare on it, train and test on.

No list of ids is kept here. A rule tells the part by the key; where there is no rule, a part is a bit mask over the sorted ids, with the
SHA-256 of these, so that it is applied to exactly the images that it was published for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class OfficialSplit:
    """A published split.

    Attributes:
        name: As given to `--split`.
        source: Who published or uses it, in a phrase.
        sizes: How many images each of its parts has.
        parts: From all keys, sorted, to those of each part.
    """

    name: str
    source: str
    sizes: Mapping[str, int] = field(hash=False)
    parts: Callable[[Sequence[str]], Mapping[str, Sequence[str]]]

    def parts_of(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The keys of each part, sorted.

        Raises:
            DataError: The keys are not those that it was published for, or a part has less than half of its images.
        """
        found = self.parts(sorted(set(keys)))
        for part, size in self.sizes.items():
            if 2 * len(found.get(part, ())) < size:
                raise _not_there(f"of the {size} images of its {part} part {len(found.get(part, ()))} are there", self)
        return {part: tuple(sorted(found[part])) for part in self.sizes}


def by_rule(part_of: Callable[[str], str | None]) -> Callable[[Sequence[str]], dict[str, list[str]]]:
    """Parts by a rule from key to part; None for what is in no part.

    Example:
        >>> by_rule(lambda key: "test" if key.endswith("_test") else "train")(["01_test", "21_training"])
        {'train': ['21_training'], 'val': [], 'test': ['01_test']}
    """

    def parts(keys: Sequence[str]) -> dict[str, list[str]]:
        return {part: [key for key in keys if part_of(key) == part] for part in _PARTS}

    return parts


def by_bits(fingerprint: str, bits: Mapping[str, str]) -> Callable[[Sequence[str]], dict[str, list[str]]]:
    """Parts by bit masks over the sorted ids.

    Args:
        fingerprint: As `fingerprint_of` the ids.
        bits: For each part but one, what `write_bits` made; whatever is in none of them is in the last part, given as "".

    Example:
        >>> split = by_bits(fingerprint_of("abcde"), {"test": write_bits([False, True, False, True, False]), "train": ""})
        >>> split("abcde")
        {'test': ['b', 'd'], 'train': ['a', 'c', 'e']}
    """

    def parts(keys: Sequence[str]) -> dict[str, list[str]]:
        if fingerprint_of(keys) != fingerprint:
            raise _not_there("the images are not, or not all, those that it was published for")
        chosen = {part: [key for key, is_in in zip(keys, read_bits(text, len(keys)), strict=True) if is_in] for part, text in bits.items()}
        taken = {key for members in chosen.values() for key in members}
        return {part: chosen[part] if text else [key for key in keys if key not in taken] for part, text in bits.items()}

    return parts


def fingerprint_of(keys: Iterable[str]) -> str:
    """SHA-256 of ids, one a line, sorted."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()


def write_bits(members: Iterable[bool]) -> str:
    """Membership as hexadecimal digits, four a digit, the first in the highest bit; filled up with zeros.

    Example:
        >>> write_bits([True, False, False, False, True])
        '88'
    """
    text = "".join("01"[member] for member in members)
    return "".join(f"{int(text[start : start + 4].ljust(4, '0'), 2):x}" for start in range(0, len(text), 4))


def read_bits(digits: str, count: int) -> list[bool]:
    """What `write_bits` made digits of; without digits, nobody is a member.

    Example:
        >>> read_bits("88", 5)
        [True, False, False, False, True]
    """
    text = "".join(f"{int(digit, 16):04b}" for digit in digits).ljust(count, "0")
    return [bit == "1" for bit in text[:count]]


def _not_there(why: str, split: OfficialSplit | None = None) -> DataError:
    named = f"the split '{split.name}'" if split else "the split"
    return DataError(
        f"{named} does not fit this copy of the data set: {why}", fix="name a whole copy of the data set, or give lists of your own"
    )
