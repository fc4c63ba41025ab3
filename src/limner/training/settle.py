"""The split of a training, settled before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.splits import DrawRules, check_choice, check_groups, choose_split, find_leaks, gather, names_file
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
    data = recipe.data
    rules = DrawRules(
        val_fraction=data.val_fraction,
        test_fraction=data.test_fraction,
        seed=recipe.seed,
        stratify=data.stratify,
        lookalikes=data.lookalikes,
    )
    check_groups(dataset, data.group)
    check_choice(dataset, choice)
    with show_progress("looking for leaks", enabled=progress) as tick:
        evidence = gather(dataset, shares=data.stratify and not names_file(choice, dataset), progress=tick)
    split = choose_split(dataset, choice, rules, evidence)
    return split, find_leaks(dataset, split, evidence.looks, lookalikes=evidence.lookalikes)
