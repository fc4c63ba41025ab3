"""`limner recipes`: what can be trained."""

from __future__ import annotations

from typing import Annotated

import typer

from limner.cli.console import make_table, only_json, print_json, print_table
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption

EPILOG = examples("limner recipes", "limner recipes --show polyp-unet-resnet50 > my-recipe.yaml")
COLUMNS = ("name", "task", "network", "description", "source")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("recipes", cls=HelpCommand, short_help="List what can be trained, or show a recipe.", epilog=EPILOG)(recipes)


def recipes(
    show: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Print this recipe as YAML, with every default filled in.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the shipped recipes, or show one of them."""
    from limner.recipe import load_recipe, recipe_names

    if show is not None:
        _show(show, as_json=as_json)
        return
    with only_json(as_json):
        found = [load_recipe(name) for name in recipe_names()]
    rows = [[recipe.name, recipe.task, recipe.network.name, recipe.description, recipe.source] for recipe in found]
    if as_json:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(make_table("", COLUMNS, rows))


def _show(name: str, *, as_json: bool) -> None:
    from limner.recipe import load_recipe

    values = load_recipe(name).model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    import yaml

    typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)
