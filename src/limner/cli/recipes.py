"""`limner recipes`: what can be trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from limner.cli.console import make_table, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption

EPILOG = examples(
    "limner recipes",
    "limner recipes --show polyp-unet-resnet50 > my-recipe.yaml",
    "limner recipes --parts",
    "limner recipes --part loss.tversky",
)
COLUMNS = ("name", "data", "network", "description", "task", "source")
SHOWN = COLUMNS[:4]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("recipes", cls=HelpCommand, short_help="List what can be trained, or show a recipe.", epilog=EPILOG)(recipes)


def recipes(
    *,
    show: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Print this recipe as YAML, with every default filled in.")] = None,
    parts: Annotated[
        bool, typer.Option("--parts", help="List the parts that recipes are made of: networks, losses, schedules ...")
    ] = False,
    part: Annotated[
        str | None,
        typer.Option(metavar="PART[.NAME]", help="List what can be set in a part, with its default: augmentation, loss.focal ..."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the shipped recipes, show one of them, or say what recipes are made of."""
    if sum((show is not None, parts, part is not None)) > 1:
        raise typer.BadParameter("--show, --parts and --part are three questions: ask one at a time")
    if show is not None:
        _show(show, as_json=as_json)
    elif parts:
        _list_parts(as_json=as_json)
    elif part is not None:
        _list_keys(part, as_json=as_json)
    else:
        _list_recipes(as_json=as_json)


def _list_recipes(*, as_json: bool) -> None:
    from limner.recipe import load_recipe, recipe_names

    with only_json(as_json):
        found = [load_recipe(name) for name in recipe_names()]
    rows = [[recipe.name, recipe.dataset, recipe.network.name, recipe.description, recipe.task, recipe.source] for recipe in found]
    if as_json:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(make_table("", SHOWN, [row[: len(SHOWN)] for row in rows]))


def _list_parts(*, as_json: bool) -> None:
    from limner.recipe.describe import describe_parts

    found = [choice for choice in describe_parts() if choice.part]
    if as_json:
        print_json([{"part": choice.part, "name": choice.name, "summary": choice.summary} for choice in found])
    else:
        print_table(make_table("", ("part", "name", "what it is"), [[choice.part, choice.name, choice.summary] for choice in found]))


def _list_keys(word: str, *, as_json: bool) -> None:
    from limner.recipe.describe import find_parts

    found = find_parts(word)
    if as_json:
        print_json([asdict(choice) for choice in found])
        return
    for choice in found:
        title = f"{choice.name or choice.part}: {choice.summary}"
        if choice.keys:
            print_table(make_table(title, ("key", "default", "meaning"), [[key.key, key.default, key.meaning] for key in choice.keys]))
        else:
            say(title)


def _show(name: str, *, as_json: bool) -> None:
    from limner.recipe import load_recipe

    values = load_recipe(name).model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    import yaml

    typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)
