"""How the split of a run comes about: drawn, given as lists, an official one, or one that was saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from limner.data.splits.draw import check_fractions, draw, draw_val
from limner.data.splits.evidence import groups_of
from limner.data.splits.folds import draw_folds
from limner.data.splits.keep import kept_links
from limner.data.splits.lists import parts_from_lists, split_from_lists
from limner.data.splits.split import load_split, verify_split
from limner.data.splits.words import some_of
from limner.data.wording import counted
from limner.errors import DataError, nearest

if TYPE_CHECKING:
    from limner.data.items import Dataset
    from limner.data.splits.evidence import Evidence
    from limner.data.splits.groups import Group
    from limner.data.splits.split import Split

SplitChoice: TypeAlias = "Mapping[str, Path] | Path | str | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawRules:
    """How splits are drawn.

    Attributes:
        val_fraction: Share of all items for validation, in (0, 1); of the train part, where that is given.
        test_fraction: Share of all items for the test, in [0, 1).
        seed: Another seed gives another split.
        stratify: Whether the size of the foreground is balanced.
        lookalikes: Whether images that look alike are grouped, besides known groups.

    Raises:
        DataError: The fractions are none, or leave nothing to train on.
    """

    val_fraction: float = 0.1
    test_fraction: float = 0.1
    seed: int = 0
    stratify: bool = True
    lookalikes: bool = True

    def __post_init__(self) -> None:
        check_fractions(self.val_fraction, self.test_fraction)

    def groups(self, dataset: Dataset, evidence: Evidence, *, keep: Split | None = None) -> tuple[Group, ...]:
        """The groups by which is drawn."""
        links = kept_links(keep) if keep else ()
        return groups_of(dataset.items, evidence, lookalikes=self.lookalikes, stratify=self.stratify, links=links)


def choose_split(dataset: Dataset, choice: SplitChoice, rules: DrawRules, evidence: Evidence, *, keep: Split | None = None) -> Split:
    """The split of a run.

    Args:
        dataset: The data set.
        choice: None to draw one; lists of ids by part; the path of a split.json; or the name of an official split.
        rules: How it is drawn, or its validation part where a given split has none.
        evidence: Of the data set.
        keep: Where one is drawn: an earlier split, whose items stay where they are.

    Raises:
        DataError: The split cannot be drawn or read, or does not belong to the data set.
    """
    if names_file(choice, dataset):
        return saved_split(choice, dataset)
    groups = rules.groups(dataset, evidence, keep=keep)
    if choice is None:
        return draw(groups, val_fraction=rules.val_fraction, test_fraction=rules.test_fraction, seed=rules.seed, keep=keep)
    if isinstance(choice, Mapping):
        return split_from_lists(dataset.keys(), choice, val_fraction=rules.val_fraction, seed=rules.seed, groups=groups)
    parts = official_parts(dataset, str(choice))
    return draw_val(parts, groups, val_fraction=rules.val_fraction, seed=rules.seed, origin=f"official split {choice}")


def check_choice(dataset: Dataset, choice: SplitChoice) -> None:
    """Find out whether a given split can be used, before any picture is read for it.

    Raises:
        DataError: It cannot be read, or does not belong to the data set.
    """
    if isinstance(choice, Mapping):
        parts_from_lists(dataset.keys(), choice)
    elif names_file(choice, dataset):
        _check_own(load_split(choice), choice, dataset)
    elif choice is not None:
        official_parts(dataset, str(choice))


def check_groups(dataset: Dataset, pattern: str | None) -> None:
    """Make sure that a user's pattern for groups finds any.

    Raises:
        DataError: It finds nothing in any key.
    """
    if pattern is not None and all(item.group is None for item in dataset.items):
        example = dataset.items[0].key if dataset.items else ""
        raise DataError(
            f"the pattern for groups, '{pattern}', finds nothing in any of {counted(len(dataset), 'key')}, such as '{example}'",
            where=dataset.place,
            fix="it is searched for in images' names without suffix; '^[^_]+' takes what stands before the first underscore",
        )


def choose_folds(dataset: Dataset, folds: int, rules: DrawRules, evidence: Evidence) -> tuple[Split, ...]:
    """The splits of a cross-validation; see `draw_folds`."""
    return draw_folds(rules.groups(dataset, evidence), folds, val_fraction=rules.val_fraction, seed=rules.seed)


def saved_split(file: str | Path, dataset: Dataset) -> Split:
    """A split that was saved with the hashes of its files, which must be those of the data set.

    Raises:
        DataError: It cannot be read, or files are gone or have changed.
    """
    _check_own(split := load_split(file), file, dataset)
    if changed := verify_split(file, dataset):
        raise DataError(
            f"{counted(len(changed), 'file')} changed or gone since the split was made: {some_of(changed)}",
            where=file,
            fix="bring them back, or make a split of what is there now (`limner split --keep` changes as little as can be)",
        )
    return split


def _check_own(split: Split, file: str | Path, dataset: Dataset) -> None:
    keys = split.part_of()
    if not any(key in dataset for key in keys):
        what = f"the split is of other data: none of its {counted(len(keys), 'image')} is in {dataset.place}"
        raise DataError(what, where=file, fix="name the data that it was made of, or draw a new split")


def names_file(choice: SplitChoice, dataset: Dataset) -> TypeGuard[str | Path]:
    """Whether a choice is the path of a saved split, of which nothing is left to be drawn.

    Raises:
        DataError: As for `names_official`.
    """
    return isinstance(choice, (str, Path)) and not names_official(choice, dataset)


def names_official(choice: str | Path, dataset: Dataset) -> bool:
    """Whether a choice is the name of an official split, and not the path of a file.

    Raises:
        DataError: It is a name, since there is no such file and it has no suffix, but of no official split of this data set.
    """
    name, known = str(choice), _official_names(dataset)
    if Path(choice).is_file() or name.endswith(".json"):
        return False
    if name in known:
        return True
    if Path(name).name != name:
        return False
    fix = nearest(name, known) if known else "give lists of ids, train=FILE,test=FILE[,val=FILE], or a split.json"
    raise DataError(f"limner knows no official split '{name}' of this data", where=dataset.place, fix=fix)


def official_parts(dataset: Dataset, name: str) -> dict[str, tuple[str, ...]]:
    """The keys of each part of an official split.

    Raises:
        DataError: There is no such split, or the data are not those that it was published for.
    """
    names_official(name, dataset)
    assert dataset.entry is not None, "it has official splits"
    return dict(dataset.entry.split(name, dataset.keys()))


def _official_names(dataset: Dataset) -> list[str]:
    return dataset.entry.split_names() if dataset.entry else []
