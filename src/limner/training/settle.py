"""The split of a training, or the splits of a cross-validation, settled before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.splits import DrawRules, check_choice, check_groups, choose_folds, choose_split, find_leaks, gather, names_file
from limner.progress import show_progress

if TYPE_CHECKING:
    from limner.data.items import Dataset
    from limner.data.splits import LeakReport, Split, SplitChoice
    from limner.recipe import Recipe


def settle_split(dataset: Dataset, recipe: Recipe, choice: SplitChoice, *, progress: bool) -> tuple[Split, LeakReport]:
    """The split, and what two of its parts have in common; each picture is read once for both.

    Raises:
        DataError: The split cannot be drawn or read, or does not belong to the data set.
    """
    rules, data = draw_rules(recipe), recipe.data
    check_groups(dataset, data.group)
    check_choice(dataset, choice)
    with show_progress("looking for leaks", enabled=progress) as tick:
        evidence = gather(dataset, shares=data.stratify and not names_file(choice, dataset), progress=tick)
    split = choose_split(dataset, choice, rules, evidence)
    return split, find_leaks(dataset, split, evidence.looks, lookalikes=evidence.lookalikes)


def settle_folds(dataset: Dataset, recipe: Recipe, folds: int, *, progress: bool) -> tuple[list[Split], list[LeakReport]]:
    """The splits of a cross-validation, each with its leaks; every image is in the test part of one.

    Raises:
        DataError: There are fewer groups than folds, or too few are left to train and validate on.
    """
    rules, data = draw_rules(recipe), recipe.data
    check_groups(dataset, data.group)
    with show_progress("looking for leaks", enabled=progress) as tick:
        evidence = gather(dataset, shares=data.stratify, progress=tick)
    splits = choose_folds(dataset, folds, rules, evidence)
    return list(splits), [find_leaks(dataset, split, evidence.looks, lookalikes=evidence.lookalikes) for split in splits]


def draw_rules(recipe: Recipe) -> DrawRules:
    """How a recipe wants splits to be drawn."""
    data = recipe.data
    return DrawRules(
        val_fraction=data.val_fraction,
        test_fraction=data.test_fraction,
        seed=recipe.seed,
        stratify=data.stratify,
        lookalikes=data.lookalikes,
    )
