"""Recipes as files: find one by name or path, apply `key=value` settings, read and write YAML."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from limner.errors import RecipeError, nearest
from limner.files import write_text
from limner.recipe.schema import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SCIENTIFIC = re.compile(r"[-+]?\d+(\.\d*)?e[-+]?\d+", re.IGNORECASE)
_NOT_YAML = (yaml.YAMLError, ValueError)  # the latter of dates that there are not, such as 2026-02-31
_ALIASES = {"model": "network"}
_LIBRARY = files("limner.recipe") / "library"


def recipe_names() -> list[str]:
    """Names of the shipped recipes, sorted."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _LIBRARY.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name_or_file: str | Path, settings: Iterable[str] = ()) -> Recipe:
    """Load a shipped recipe by name, or one from a YAML file, and apply settings to it.

    Args:
        name_or_file: A name from `recipe_names()`, or the path of a YAML file.
        settings: Strings `key=value`; a dot goes down a level, and the value is read as YAML. `model` means `network`, and a key that only
            one part has may stand alone: `levels=3` for `network.levels=3`.

    Raises:
        RecipeError: No such recipe, or a key or value that is not valid.

    Example:
        >>> load_recipe("phantom-unet", ["epochs=3", "optimiser.learning_rate=1e-4"]).epochs
        3
        >>> load_recipe("phantom-unet", ["network=unet-resnet34", "normalisation=unit"]).network.encoder_name
        'resnet34'
    """
    values = _read(name_or_file)
    _apply_all(values, settings)
    return parse_recipe(values, where=str(name_or_file))


def change_recipe(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """Apply settings `key=value` to a recipe.

    Raises:
        RecipeError: A key or value is not valid.

    Example:
        >>> change_recipe(Recipe(name="a"), ["epochs=3"]).epochs
        3
    """
    values = recipe.model_dump(mode="json")
    _apply_all(values, settings)
    return parse_recipe(values, where=recipe.name)


def data_settings(**data: str | int | None) -> list[str]:
    """Settings of a recipe's data part; JSON is YAML, and keeps `#ff0000` from being read as a comment.

    Example:
        >>> data_settings(foreground="#ff0000", group=None)
        ['data.foreground="#ff0000"']
    """
    return [f"data.{name}={json.dumps(value)}" for name, value in data.items() if value is not None]


def parse_recipe(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Validate the values of a recipe; `where` names their origin in errors.

    Raises:
        RecipeError: With one line per fault, unknown keys with the nearest valid one.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_explain(fault) for fault in error.errors())
        raise RecipeError(
            f"the recipe is not valid: {faults}", where=where, fix="correct the recipe or the --set option; see `limner recipes`"
        ) from None


def save_recipe(recipe: Recipe, path: str | Path) -> None:
    """Write the fully resolved recipe as YAML, atomically."""
    write_text(path, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def _read(name_or_file: str | Path) -> dict[str, Any]:
    path = Path(name_or_file)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise RecipeError("there is no such recipe file", where=path, fix="check the path, or name one of `limner recipes`")
        text = path.read_bytes().decode("utf-8", errors="replace")
    elif str(name_or_file) in recipe_names():
        text = (_LIBRARY / f"{name_or_file}.yaml").read_text(encoding="utf-8")
    else:
        raise RecipeError(
            f"there is no recipe named '{name_or_file}'",
            fix=f"{nearest(str(name_or_file), recipe_names())}; a file's name must end in .yaml",
        )
    try:
        values = yaml.safe_load(text)
    except _NOT_YAML as error:
        raise RecipeError(f"the recipe is not YAML: {str(error).splitlines()[0]}", where=path, fix="correct the file") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise RecipeError("the recipe is not a YAML mapping of keys to values", where=path, fix="start from `limner recipes --show NAME`")
    return values


def full_key(key: str) -> str:
    """A setting's key as the recipe has it.

    `model` is what many call the network, a part that is exchanged by its name may be set to it, and a word that only one part has
    needs no part before it.

    Example:
        >>> full_key("model.levels"), full_key("loss"), full_key("normalisation"), full_key("epochs")
        ('network.levels', 'loss.name', 'data.normalisation', 'epochs')
    """
    first, dot, rest = key.partition(".")
    first = _ALIASES.get(first, first)
    if dot:
        return f"{first}.{rest}"
    if field := Recipe.model_fields.get(first):
        return f"{first}.name" if any("name" in part.model_fields for part in parts_of(field.annotation)) else first
    parts = [name for name, field in Recipe.model_fields.items() if any(key in part.model_fields for part in parts_of(field.annotation))]
    return f"{parts[0]}.{key}" if len(parts) == 1 else key


def _apply_all(values: dict[str, Any], settings: Iterable[str]) -> None:
    """Apply settings in place; a part is chosen before its settings are made, in whatever order they are given."""
    for part, value in values.items():
        if isinstance(value, str) and full_key(part) != part:  # `network: unet` is short for its name
            values[part] = {"name": value}
    split = [_split(setting) for setting in settings]
    for key, text, setting in sorted(split, key=lambda entry: not entry[0].endswith(".name")):
        _apply(values, key, text, where=f"--set {setting}")


def _split(setting: str) -> tuple[str, str, str]:
    """A setting's full key, its text, and the setting itself."""
    key, separator, text = setting.partition("=")
    if not separator or not key:
        raise RecipeError(f"a setting must read key=value, not '{setting}'", fix="for example --set epochs=10")
    return (_ALIASES.get(key, key) if text.lstrip().startswith("{") else full_key(key)), text, setting


def _apply(values: dict[str, Any], key: str, text: str, *, where: str) -> None:
    """Apply one setting in place. Choosing another part by its `name` drops the settings of a part of another class."""
    *path, last = key.split(".")
    level = values
    for step in path:
        level = level.setdefault(step, {})
        if not isinstance(level, dict):
            raise RecipeError(f"'{step}' is a value, not a part with keys of its own", where=where, fix="set it directly")
    value = _parse(text, where=where)
    if last == "name" and len(path) == 1 and _is_another_class(path[0], level, value):
        level.clear()
    level[last] = value


def _is_another_class(part: str, present: dict[str, Any], name: object) -> bool:
    """Whether choosing `name` for a part changes its class, whose settings then are others."""
    field = Recipe.model_fields.get(part)
    names = [option.model_fields["name"].default for option in parts_of(field.annotation)] if field else []
    return len(names) > 1 and present.get("name", field and field.default.name) != name


def _parse(text: str, *, where: str) -> Any:  # noqa: ANN401 - any YAML value
    """The value of a setting. YAML 1.1 reads `1e-3` as a string, and `#ff0000` as a comment; a user means the number and the colour."""
    if _SCIENTIFIC.fullmatch(text):
        return float(text)
    if text.startswith("#"):
        return text
    try:
        return yaml.safe_load(text)
    except _NOT_YAML:
        raise RecipeError(
            f"the value '{text}' is not YAML", where=where, fix="close brackets and quotes, for example --set 'a.b=[1, 2]'"
        ) from None


def _explain(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    path = [str(step) for step in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{'.'.join(path)}' ({nearest(path[-1], _keys_beside(fault['loc']))})"
    return f"'{'.'.join(path)}': {fault['msg'].lower()}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that are valid at the place of an unknown one."""
    model: type[BaseModel] = Recipe
    for step in location[:-1]:
        if field := model.model_fields.get(str(step)):
            options = parts_of(field.annotation)
        else:  # the tag that pydantic puts into the path of a discriminated union
            options = [part for part in options if part.model_fields["name"].default == step]
        model = options[0]
    return list(model.model_fields)


def parts_of(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - a typing construct
    """The part classes in the annotation of a recipe's field: itself, or the members of its union; none for a plain value."""
    members = getattr(annotation, "__args__", (annotation,))
    return [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
