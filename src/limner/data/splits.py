"""Splits: which items train, validate and test, as data that is saved with the hashes of the files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from limner.data.split_lists import read_list
from limner.errors import DataError, nearest
from limner.files import write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from limner.data.source import Dataset

PARTS = ("train", "val", "test")


class Split(BaseModel):
    """Keys of the three parts. They are disjoint, and only the test may be empty.

    Attributes:
        train: Keys to learn from.
        val: Keys on which everything is chosen: the epoch, the threshold.
        test: Keys that nothing is chosen on.
        seed: The seed by which keys were drawn.
        origin: How the split came about, in a phrase for reports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...] = ()
    seed: int
    origin: str

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


def make_split(keys: Iterable[str], *, val_fraction: float, test_fraction: float, seed: int) -> Split:
    """Draw a split at random.

    Keys are put in order by a hash of seed and key; the test is taken from the front and validation from the back. So the split does
    not depend on the order in which files are listed, and hardly changes when files are added.

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
    order = _shuffled(keys, seed)
    n_val, n_test = _shares(len(order), val_fraction, test_fraction)
    origin = f"drawn at random: validation {val_fraction:.3g}, test {test_fraction:.3g} of {len(order)}, seed {seed}"
    last = len(order) - n_val
    return _split(order[n_test:last], order[last:], order[:n_test], seed=seed, origin=origin)


def split_from_lists(keys: Iterable[str], lists: Mapping[str, str | Path], *, val_fraction: float, seed: int) -> Split:
    """Build a split from files with one id per line.

    Without a list for `val`, the validation part is drawn from the train list (never from the test). Keys on no list are not used.

    Args:
        keys: All keys of the data set.
        lists: `train`, and if wanted `test` and `val` (or `validation`), each with its file: UTF-8, `#` begins a comment, blank
            lines are skipped; an id is a key, or an image's file name.
        val_fraction: Share of the train list for validation, in (0, 1), when there is no `val`.
        seed: Of the draw.

    Raises:
        DataError: A list is missing, unreadable or empty, names what is not in the data, names something twice, or two lists overlap.
    """
    files = _named_parts(lists)
    known = set(keys)
    parts = {part: read_list(path, known, part) for part, path in files.items()}
    if fault := _overlap(parts):
        raise DataError(f"the lists overlap: {fault}", where=", ".join(map(str, files.values())), fix="keep each id in one list only")
    origin = "lists " + ", ".join(f"{part} {path.name}" for part, path in files.items())
    train, val = list(parts["train"]), list(parts.get("val", ()))
    if not val:
        order = _shuffled(train, seed)
        n_val = _share(len(order), val_fraction, "val")
        _check_left(len(order) - n_val, len(order), "of the train list's images")
        train, val = order[: len(order) - n_val], order[len(order) - n_val :]
        origin += f"; validation drawn from train: {n_val} of {len(order)}, seed {seed}"
    return _split(train, val, parts.get("test", ()), seed=seed, origin=origin)


def save_split(split: Split, dataset: Dataset, path: str | Path) -> None:
    """Write a split as JSON, with the SHA-256 of every file in it, atomically.

    Raises:
        DataError: A key is not in the data set, or a file cannot be read.
    """
    parts = {part: {key: dataset[key].hashes() for key in split.part(part)} for part in PARTS}
    write_json(path, {"seed": split.seed, "origin": split.origin, **parts})


def load_split(path: str | Path) -> Split:
    """Read a split that `save_split` wrote.

    Raises:
        DataError: The file is missing, no JSON, or no sound split.
    """
    saved = _read(Path(path))
    try:
        return Split(train=tuple(saved.train), val=tuple(saved.val), test=tuple(saved.test), seed=saved.seed, origin=saved.origin)
    except ValidationError as error:
        raise _no_split(Path(path), error.errors()[0]["msg"]) from None


def verify_split(path: str | Path, dataset: Dataset) -> tuple[str, ...]:
    """Compare the files of a data set with the hashes of a saved split.

    Returns:
        What differs, one sentence each: items that are gone, files that have changed. Empty when all is as it was.

    Raises:
        DataError: The split file cannot be read.
    """
    saved = _read(Path(path))
    hashes = saved.train | saved.val | saved.test
    return tuple(fault for key, known in hashes.items() for fault in _changes(key, known, dataset))


def _changes(key: str, saved: dict[str, str], dataset: Dataset) -> list[str]:
    if key not in dataset:
        return [f"{key}: no longer in {dataset.place}"]
    now = dataset[key].hashes()
    return [f"{key}: the {role} has changed" for role in sorted(saved | now) if saved.get(role) != now.get(role)]


def _shuffled(keys: Iterable[str], seed: int) -> list[str]:
    return sorted(set(keys), key=lambda key: sha256(f"{seed}|{key}".encode()).digest())


def _share(n: int, fraction: float, part: str) -> int:
    """How many of `n`; at least one, unless nothing is wanted."""
    if not 0 <= fraction < 1 or (part == "val" and fraction == 0):
        least = "more than 0" if part == "val" else "0 or more"
        raise DataError(f"the {part} fraction is {fraction}", fix=f"set data.{part}_fraction to {least} and less than 1")
    return max(1, int(n * fraction + 0.5)) if fraction else 0


def _shares(n: int, val_fraction: float, test_fraction: float) -> tuple[int, int]:
    """How many for validation and test. Where rounding would leave none to train on, the larger part gives one back."""
    n_val, n_test = _share(n, val_fraction, "val"), _share(n, test_fraction, "test")
    while n_val + n_test >= n and max(n_val, n_test) > 1 and val_fraction + test_fraction < 1:
        n_val, n_test = (n_val - 1, n_test) if n_val >= n_test else (n_val, n_test - 1)
    _check_left(n - n_val - n_test, n, "images")
    return n_val, n_test


def _check_left(left: int, n: int, noun: str) -> None:
    if left < 1:
        raise DataError(
            f"{n} {noun} cannot be split so that some are left to train on",
            fix="add images (three at least), or lower data.val_fraction and data.test_fraction",
        )


def _split(train: Collection[str], val: Collection[str], test: Collection[str], *, seed: int, origin: str) -> Split:
    return Split(train=tuple(sorted(train)), val=tuple(sorted(val)), test=tuple(sorted(test)), seed=seed, origin=origin)


def _named_parts(lists: Mapping[str, str | Path]) -> dict[str, Path]:
    """Lists by part, in the order of `PARTS`."""
    named = {"val" if part == "validation" else part: Path(path) for part, path in lists.items()}
    for part, path in named.items():
        if part not in PARTS:
            raise DataError(f"a split has no part '{part}'", where=path, fix=f"{nearest(part, PARTS)}; train=FILE,test=FILE[,val=FILE]")
    if "train" not in named:
        raise DataError("the split has no list for train", where=", ".join(lists), fix="give train=FILE,test=FILE[,val=FILE]")
    if len(named) != len(lists):
        raise DataError("val and validation are the same part", where=", ".join(lists), fix="give one of them")
    return {part: named[part] for part in PARTS if part in named}


def _fault(parts: Mapping[str, Collection[str]]) -> str:
    """What is unsound about the parts of a split; empty if nothing."""
    empty = next((f"the {part} part is empty" for part in ("train", "val") if not parts[part]), "")
    twice = next((f"the {part} part names a key twice" for part, keys in parts.items() if len(set(keys)) != len(keys)), "")
    return empty or twice or _overlap(parts)


def _overlap(parts: Mapping[str, Collection[str]]) -> str:
    names = list(parts)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            if common := sorted(set(parts[first]) & set(parts[second])):
                return f"{first} and {second} share {len(common)}: {', '.join(common[:5])}{', ...' if len(common) > 5 else ''}"
    return ""


class _Saved(BaseModel):
    """A split file: key -> role -> SHA-256, for each part."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    origin: str
    train: dict[str, dict[str, str]]
    val: dict[str, dict[str, str]]
    test: dict[str, dict[str, str]] = {}


def _read(path: Path) -> _Saved:
    try:
        return _Saved.model_validate_json(path.read_bytes())
    except OSError:
        raise DataError("there is no such split file", where=path, fix="check the path; a run keeps its split in split.json") from None
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise _no_split(path, f"{place + ': ' if place else ''}{fault['msg']}") from None


def _no_split(path: Path, reason: str) -> DataError:
    return DataError(f"the file is no split: {reason}", where=path, fix="use a split.json that limner wrote")
