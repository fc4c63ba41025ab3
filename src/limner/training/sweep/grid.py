"""The grid of a sweep: from `KEY=V1,V2,...` to the recipe of each run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from limner.errors import RecipeError
from limner.recipe import change_recipe, full_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from limner.recipe import Recipe

_EXAMPLE = "for example --grid model.levels=2,3,4"
_ONE_SPLIT = "all runs of a sweep share one split of one data set: change it with --set instead"
_FIXED: Final = {
    "seed": "the seeds of a sweep are given with --seeds, for example --seeds 0,1,2",
    **dict.fromkeys((f"data.{name}" for name in ("val_fraction", "test_fraction", "stratify", "lookalikes", "group")), _ONE_SPLIT),
    **dict.fromkeys((f"data.{name}" for name in ("foreground", "observer")), _ONE_SPLIT),
    "dataset": _ONE_SPLIT,
}
_LONGEST_SLUG = 120  # of characters: file systems take 255 bytes, and a run's files come below it


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting of the grid.

    Attributes:
        key: The setting's full key.
        label: Its name in tables: the last word of the key, or the key where that is the last word of another axis too.
        values: Its values as they were given, YAML.
    """

    key: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        name: Its folder's name, such as `levels-3_normalisation-minmax_seed-0`.
        choices: The value of each axis, by its label.
        seed: The seed of the training.
        recipe: The whole recipe.
    """

    name: str
    choices: dict[str, str]
    seed: int
    recipe: Recipe


def read_grid(texts: Iterable[str], settings: Iterable[str] = ()) -> tuple[Axis, ...]:
    """Read `KEY=V1,V2,...`; `settings` are those that hold for all runs.

    Raises:
        ValueError: One cannot be read, a key is given twice, or the key decides on the data; with a message for the user.

    Example:
        >>> read_grid(["model.levels=2,3", "network.filters=[8,16],[16,32]"])[1]
        Axis(key='network.filters', label='filters', values=('[8,16]', '[16,32]'))
    """
    entries = [_entry(text) for text in texts]
    if not entries:
        raise ValueError(f"a sweep needs a grid, {_EXAMPLE}")
    keys = [key for key, _ in entries]
    fixed = [full_key(setting.partition("=")[0]) for setting in settings]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"'{key}' is given twice: write all its values into one, {_EXAMPLE}")
        if key in fixed:
            raise ValueError(f"'{key}' is both in the grid and set to one value")
        if key in _FIXED:
            raise ValueError(f"'{key}' cannot be in the grid: {_FIXED[key]}")
    return tuple(Axis(key, label, values) for (key, values), label in zip(entries, _labels(keys), strict=True))


def read_seeds(text: str) -> tuple[int, ...]:
    """Read `0,1,2`.

    Raises:
        ValueError: It is no list of different seeds; with a message for the user.

    Example:
        >>> read_seeds("0, 7")
        (0, 7)
    """
    entries = [entry.strip() for entry in text.split(",")]
    if not all(re.fullmatch(r"\d{1,9}", entry) for entry in entries):
        raise ValueError(f"'{text}' is no list of seeds; write it as 0,1,2")
    return distinct_seeds(map(int, entries))


def distinct_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    """The seeds.

    Raises:
        ValueError: One is given twice.
    """
    seeds = tuple(seeds)
    if twice := [str(seed) for seed, count in Counter(seeds).items() if count > 1]:
        raise ValueError(f"the seed {twice[0]} is given twice")
    return seeds


def plan_runs(base: Recipe, axes: Sequence[Axis], seeds: Sequence[int]) -> tuple[PlannedRun, ...]:
    """Every run: the grid in its order, the last axis changing fastest, once with each seed.

    The first seed comes with all combinations before the second, so that there is something to compare early.

    Raises:
        RecipeError: A combination is not valid, or is the same as another; nothing has been trained then.
    """
    combinations = [_combine(base, axes, values) for values in product(*(axis.values for axis in axes))]
    _refuse_duplicates(combinations)
    runs = [(choices, seed, change_recipe(recipe, [f"seed={seed}"])) for seed in seeds for choices, recipe in combinations]
    names = _names([f"{slug(choices)}_seed-{seed}" for choices, seed, _ in runs])
    return tuple(PlannedRun(name, *run) for name, run in zip(names, runs, strict=True))


def in_words(choices: dict[str, str]) -> str:
    """A combination on one line.

    Example:
        >>> in_words({"levels": "3", "normalisation": "minmax"})
        'levels=3, normalisation=minmax'
    """
    return ", ".join(f"{label}={value}" for label, value in choices.items())


def slug(choices: dict[str, str]) -> str:
    """A combination as a part of a folder's name, in letters that every file system takes.

    Example:
        >>> slug({"levels": "3", "filters": "[8, 16]", "optimiser.learning_rate": "1e-3"})
        'levels-3_filters-8-16_optimiser-learning_rate-1e-3'
    """
    parts = (f"{label.replace('.', '-')}-{_plain(value)}" for label, value in choices.items())
    return "_".join(parts)[:_LONGEST_SLUG].rstrip("-_")


def _plain(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+]+", "-", value).strip("-.") or "none"


def _names(slugs: Sequence[str]) -> Iterator[str]:
    """The slugs, with a number where one would be another's, also on file systems that do not tell capitals from small letters."""
    taken: set[str] = set()
    for wanted in slugs:
        name, number = wanted, 2
        while name.casefold() in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name.casefold())
        yield name


def _entry(text: str) -> tuple[str, tuple[str, ...]]:
    key, separator, values = text.partition("=")
    if not separator or not key.strip():
        raise ValueError(f"a grid must read KEY=V1,V2,..., not '{text}': {_EXAMPLE}")
    split = tuple(_split(values))
    if not all(split):
        raise ValueError(f"there is an empty value in '{text}': {_EXAMPLE}")
    return full_key(key.strip()), split


def _split(text: str) -> Iterator[str]:
    """The values between commas that are neither in brackets nor in quotes."""
    value, depth, quote = "", 0, ""
    for char in text:
        if char == "," and not (depth or quote):
            yield value.strip()
            value = ""
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char in "[{") - (char in "]}")
        value += char
    if depth or quote:
        raise ValueError(f"a bracket or a quote is not closed in '{text}'")
    yield value.strip()


def _labels(keys: Sequence[str]) -> list[str]:
    """The last word of each key; a part that is chosen by its name goes by the part."""
    short = [key.removesuffix(".name").rpartition(".")[2] for key in keys]
    return [word if short.count(word) == 1 else key.removesuffix(".name") for word, key in zip(short, keys, strict=True)]


def _combine(base: Recipe, axes: Sequence[Axis], values: Sequence[str]) -> tuple[dict[str, str], Recipe]:
    choices = {axis.label: value for axis, value in zip(axes, values, strict=True)}
    try:
        recipe = change_recipe(base, [f"{axis.key}={value}" for axis, value in zip(axes, values, strict=True)])
    except RecipeError as error:
        raise RecipeError(error.what, where=f"the combination {in_words(choices)}", fix="correct --grid or --set") from None
    return choices, recipe


def _refuse_duplicates(combinations: Sequence[tuple[dict[str, str], Recipe]]) -> None:
    seen: dict[str, dict[str, str]] = {}
    for choices, recipe in combinations:
        first = seen.setdefault(recipe.model_dump_json(), choices)
        if first is not choices:
            raise RecipeError(
                "two combinations of the grid are the same recipe",
                where=f"{in_words(first)} and {in_words(choices)}",
                fix="leave out one of the values",
            )
