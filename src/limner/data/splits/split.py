"""A split as data: which items train, validate and test; saved with the hashes of the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from limner.data.splits.words import some_of
from limner.errors import DataError, nearest
from limner.files import write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    from limner.data.items import Dataset

PARTS = ("train", "val", "test")


class Split(BaseModel):
    """Keys of the three parts. They are disjoint, and only the test may be empty.

    Attributes:
        train: Keys to learn from.
        val: Keys on which everything is chosen: the epoch, the threshold.
        test: Keys that nothing is chosen on.
        seed: The seed by which keys were drawn.
        origin: How the split came about, in a phrase for reports.
        groups: The group of each key that is not on its own: a patient, a sequence, or images that look alike.
        fold: Which fold of how many (the first is 1); None for a split that is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...] = ()
    seed: int
    origin: str
    groups: dict[str, str] = {}
    fold: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _sound(self) -> Split:
        if fault := _fault({part: self.part(part) for part in PARTS}):
            raise ValueError(fault)
        return self

    def part(self, name: str) -> tuple[str, ...]:
        """The keys of `train`, `val` or `test`.

        Raises:
            DataError: There is no such part.
        """
        if name not in PARTS:
            raise DataError(f"a split has no part '{name}'", fix=nearest(name, PARTS))
        keys: tuple[str, ...] = getattr(self, name)
        return keys

    def part_of(self) -> dict[str, str]:
        """The part of each key."""
        return {key: part for part in PARTS for key in self.part(part)}

    def count_groups(self, part: str) -> int:
        """How many groups a part has; a key on its own is one.

        Example:
            >>> split = Split(train=("a", "b", "c"), val=("d",), seed=0, origin="by hand", groups={"a": "p1", "b": "p1"})
            >>> split.count_groups("train")
            2
        """
        keys = self.part(part)
        alone = [key for key in keys if key not in self.groups]
        return len(alone) + len({self.groups[key] for key in keys if key in self.groups})


def save_split(split: Split, dataset: Dataset, path: str | Path) -> None:
    """Write a split as JSON, with the SHA-256 of every file in it, atomically.

    Raises:
        DataError: A key is not in the data set, or a file cannot be read.
    """
    parts = {part: {key: dataset[key].hashes() for key in split.part(part)} for part in PARTS}
    fold = {} if split.fold is None else {"fold": list(split.fold)}
    write_json(path, {"seed": split.seed, "origin": split.origin, **fold, **parts, "groups": split.groups})


def load_split(path: str | Path) -> Split:
    """Read a split that `save_split` wrote.

    Raises:
        DataError: The file is missing, no JSON, or no sound split.
    """
    return _split(_read(Path(path)), Path(path))


def load_hashes(path: str | Path) -> dict[str, dict[str, dict[str, str]]]:
    """The SHA-256 of each file in a saved split: part -> key -> `image` or `mask` -> hash.

    Raises:
        DataError: As for `load_split`.
    """
    saved = _read(Path(path))
    _split(saved, Path(path))  # whatever is unsound about it is said here
    return {part: getattr(saved, part) for part in PARTS}


def verify_split(path: str | Path, dataset: Dataset, keys: Container[str] | None = None) -> tuple[str, ...]:
    """Compare the files of a data set with the hashes of a saved split.

    Args:
        path: The split file.
        dataset: The data set.
        keys: Of which items; by default all of the split.

    Returns:
        What differs, one sentence each: items that are gone, files that have changed. Empty when all is as it was.

    Raises:
        DataError: The split file cannot be read.
    """
    saved = _read(Path(path))
    hashes = saved.train | saved.val | saved.test
    wanted = (key for key in hashes if keys is None or key in keys)
    return tuple(fault for key in wanted for fault in _changes(key, hashes[key], dataset))


def overlap(parts: Mapping[str, Collection[str]]) -> str:
    """Which keys two parts share, in words; empty if none do."""
    names = list(parts)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            if common := sorted(set(parts[first]) & set(parts[second])):
                return f"{first} and {second} share {len(common)}: {some_of(common, 5)}"
    return ""


def _fault(parts: Mapping[str, Collection[str]]) -> str:
    """What is unsound about the parts of a split; empty if nothing."""
    empty = next((f"the {part} part is empty" for part in ("train", "val") if not parts[part]), "")
    twice = next((f"the {part} part names a key twice" for part, keys in parts.items() if len(set(keys)) != len(keys)), "")
    return empty or twice or overlap(parts)


def _changes(key: str, saved: dict[str, str], dataset: Dataset) -> list[str]:
    if key not in dataset:
        return [f"{key}: no longer in {dataset.place}"]
    now = dataset[key].hashes()
    return [f"{key}: the {role} has changed" for role in sorted(saved | now) if saved.get(role) != now.get(role)]


class _Saved(BaseModel):
    """A split file: key -> role -> SHA-256, for each part."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    origin: str
    fold: tuple[int, int] | None = None
    train: dict[str, dict[str, str]]
    val: dict[str, dict[str, str]]
    test: dict[str, dict[str, str]] = {}
    groups: dict[str, str] = {}


def _read(path: Path) -> _Saved:
    try:
        return _Saved.model_validate_json(path.read_bytes())
    except OSError:
        raise DataError("there is no such split file", where=path, fix="check the path; a run keeps its split in split.json") from None
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise _no_split(path, f"{place + ': ' if place else ''}{fault['msg']}") from None


def _split(saved: _Saved, path: Path) -> Split:
    values = {part: tuple(getattr(saved, part)) for part in PARTS}
    try:
        return Split(**values, seed=saved.seed, origin=saved.origin, groups=saved.groups, fold=saved.fold)
    except ValidationError as error:
        raise _no_split(path, error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _no_split(path: Path, reason: str) -> DataError:
    return DataError(f"the file is no split: {reason}", where=path, fix="use a split.json that limner wrote")
