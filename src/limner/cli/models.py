"""`limner models`: the models at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from limner.cli.console import make_table, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption

EPILOG = examples("limner models", "limner models --json")
COLUMNS = ("model", "name", "task", "test Dice (per-image)", "threshold", "input size", "created")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("models", cls=HelpCommand, short_help="List the models at hand.", epilog=EPILOG)(models)


def models(as_json: JsonOption = False) -> None:
    """List the shipped models and the runs in ./runs; each can be given as MODEL."""
    from limner.inventory import list_models, list_runs

    shipped, runs = list_models(), list_runs(Path("runs"))
    if as_json:
        print_json({"shipped": shipped, "runs": runs})
        return
    if shipped:
        print_table(make_table("Shipped models", COLUMNS, [_row(facts) for facts in shipped]))
    else:
        say("No models are shipped with this version. Train one: limner train SOURCE")
    if runs:
        print_table(make_table("Runs in ./runs", COLUMNS, [_row(facts) for facts in runs]))
    else:
        say("No run with a model in ./runs.")


def _row(facts: dict[str, Any]) -> list[str]:
    dice = facts["dice_per_image"]
    height, width = facts["input_size"]
    return [
        facts["model"],
        facts["name"],
        facts["task"],
        "" if dice is None else f"{dice:.4f}",
        f"{facts['threshold']:.2f}",
        f"{height}x{width}",
        facts["created"],
    ]
