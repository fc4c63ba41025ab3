"""`limner demo`: the whole way once, on phantoms, in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from limner.cli.console import only_json, print_json, say
from limner.cli.guard import if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OverwriteOption

EPILOG = examples("limner demo", "limner demo --style vessel --out vessel-demo")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo", cls=HelpCommand, short_help="The whole way once, on made-up images, in a few minutes.", epilog=EPILOG)(demo)


def demo(
    *,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for everything; if it is there, a numbered one is made beside it.")
    ] = Path("limner-demo"),
    style: Annotated[Literal["polyp", "nuclei", "vessel"], typer.Option(help="What the phantoms look like.")] = "polyp",
    seed: Annotated[int, typer.Option(min=0, help="Seed of phantoms, split and training.")] = 0,
    count: Annotated[int | None, typer.Option(min=12, help="Number of phantoms.", show_default="enough for a good score")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe phantom-unet.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Paint phantoms, check them, train on them, evaluate, export, predict, and write a report. Needs no data and no network."""
    from limner.cli.scores import evaluation_json, print_evaluation
    from limner.demo import DEFAULT_COUNT, run_demo

    with if_interrupted("start again with the same command"), only_json(as_json):
        result = run_demo(out, style=style, seed=seed, count=count or DEFAULT_COUNT, settings=settings or (), overwrite=overwrite)
    if as_json:
        print_json({"folder": str(result.folder), "report": str(result.report), **evaluation_json(result.evaluation)})
        return
    print_evaluation(result.evaluation)
    say(f"report: {result.report}", style="bold green")
