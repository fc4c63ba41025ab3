"""What a recipe is made of, in words: the parts, their names, and what can be set in each. The words are the schema's own docstrings."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from limner.errors import RecipeError, nearest
from limner.recipe.io import parts_of
from limner.recipe.schema import NETWORK_PRESETS, Recipe

if TYPE_CHECKING:
    from pydantic import BaseModel

_ENTRY = re.compile(r"^    (\w+): (.*)$")


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be set.

    Attributes:
        key: As `--set` takes it.
        default: Its value where nothing is set, as JSON; empty where it must be given.
        meaning: What it does.
    """

    key: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One part, or one of those that a recipe chooses from by `name`.

    Attributes:
        part: The recipe's key, such as `network`.
        name: The name to choose it by; empty where there is only one.
        summary: What it is, in one line.
        keys: What can be set in it.
    """

    part: str
    name: str
    summary: str
    keys: tuple[Key, ...]


def describe_parts() -> list[Choice]:
    """Every part that a recipe can have, in the recipe's order; presets of networks come after the networks.

    Example:
        >>> [choice.name for choice in describe_parts() if choice.part == "schedule"]
        ['one_cycle', 'cosine', 'poly', 'plateau', 'constant']
    """
    choices = [_describe("", Recipe, named=False)]
    for part, field in Recipe.model_fields.items():
        classes = parts_of(field.annotation)
        choices += [_describe(part, each, named=len(classes) > 1) for each in classes]
    last = max(index for index, choice in enumerate(choices) if choice.part == "network")
    return [*choices[: last + 1], *(_preset(name, settings) for name, settings in NETWORK_PRESETS.items()), *choices[last + 1 :]]


def find_parts(word: str) -> list[Choice]:
    """The parts that a word means: a part (`loss`), one of its names (`dice`), or both (`loss.dice`).

    Raises:
        RecipeError: There is none.
    """
    choices = describe_parts()
    part, _, name = word.partition(".")
    found = [choice for choice in choices if (choice.part == part and name in {"", choice.name}) or (choice.name == word)]
    if not found:
        words = sorted({word for choice in choices for word in (choice.part, choice.name) if word})
        raise RecipeError(f"there is no part '{word}'", fix=f"{nearest(word, words)}; `limner recipes --parts` lists them")
    return found


def _describe(part: str, cls: type[BaseModel], *, named: bool) -> Choice:
    summary, meanings = _read_docstring(cls)
    fields = {key: field for key, field in cls.model_fields.items() if not parts_of(field.annotation) and not (named and key == "name")}
    keys = [
        Key(f"{part}.{key}" if part else key, _as_text(field.get_default(call_default_factory=True)), meanings.get(key, ""))
        for key, field in fields.items()
    ]
    return Choice(part, cls.model_fields["name"].default if named else "", summary, tuple(keys))


def _preset(name: str, settings: dict[str, Any]) -> Choice:
    changes = ", ".join(f"{key} {_as_text(value)}" for key, value in settings.items() if key != "name")
    return Choice("network", name, f"Preset: {settings['name']} with {changes}", ())


def _as_text(value: Any) -> str:  # noqa: ANN401 - any default
    return "" if value is PydanticUndefined else json.dumps(value)


def _read_docstring(cls: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """The first line, and the meaning of each attribute, its lines joined."""
    head, _, attributes = inspect.getdoc(cls).partition("Attributes:\n")  # type: ignore[union-attr] # each has one
    meanings: dict[str, str] = {}
    key = ""
    for line in attributes.splitlines():
        if entry := _ENTRY.match(line):
            key = entry[1]
            meanings[key] = entry[2]
        elif key:
            meanings[key] = f"{meanings[key]} {line.strip()}".rstrip()
    return head.split("\n\n")[0].replace("\n", " ").strip(), meanings
