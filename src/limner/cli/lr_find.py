"""`limner lr-find`: a learning-rate range test, and the rates that it suggests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say, teller
from limner.cli.guard import WRONG_INPUT
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    JsonOption,
    OptionalSourceArgument,
    OverwriteOption,
    QuietOption,
    RecipeOption,
    SettingsOption,
    TrainingSplitOption,
    read_split,
    source_needed,
)

if TYPE_CHECKING:
    from limner.api import LearningRates

EPILOG = examples(
    "limner lr-find polyps/ --recipe polyp-unet-resnet50",
    "limner lr-find --recipe vessel-unet-3 --steps 200 --from 1e-6 --to 1",
    "limner lr-find polyps/ --recipe phantom-unet --set optimiser.name=sgd --out lr-of-sgd",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("lr-find", cls=HelpCommand, short_help="Find a learning rate by a range test.", epilog=EPILOG)(lr_find)


def lr_find(
    source: OptionalSourceArgument = None,
    *,
    recipe: RecipeOption = None,
    settings: SettingsOption = None,
    split: TrainingSplitOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for lr.csv, lr.svg and lr.png.", show_default="runs/lr-find-RECIPE-DATE-TIME"),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of the optimiser.")] = 100,
    low: Annotated[float, typer.Option("--from", metavar="RATE", help="The first learning rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--to", metavar="RATE", help="The last learning rate.")] = 10.0,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train for a few steps at a learning rate that grows until the loss diverges, and suggest a rate.

    It is the recipe's own training step, on the training part of the split alone. The network is thrown away.
    """
    from limner import api

    _check_range(low, high, steps)
    lists = read_split(split)
    with source_needed("lr-find"), only_json(as_json):
        found = api.find_learning_rate(
            source,
            recipe=recipe,
            settings=settings or (),
            split=lists,
            out=out,
            steps=steps,
            low=low,
            high=high,
            overwrite=overwrite,
            progress=not quiet,
            on_step=teller(quiet=quiet),
        )
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)
    if found.recommended is None:
        raise typer.Exit(WRONG_INPUT)


def _check_range(low: float, high: float, steps: int) -> None:
    from limner.training.lr_ramp import Ramp

    try:
        Ramp(low, high, steps)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--from', '--to', '--steps'") from None


def _as_json(found: LearningRates) -> dict[str, Any]:
    test = found.test
    return {
        "folder": str(found.folder),
        "steps": len(test.losses),
        "diverged": test.diverged,
        "suggestions": test.suggestions,
        "recommended": found.recommended,
    }


def _show(found: LearningRates) -> None:
    from limner.training.lr_ramp import RECOMMENDED, RULES

    test = found.test
    end = f"diverged at {test.rates[-1]:.2g}" if test.diverged else f"did not diverge up to {test.rates[-1]:.2g}"
    say(f"{len(test.losses)} steps; the loss {end}")
    if found.recommended is None:
        note("the loss never fell, so there is nothing to suggest: try a wider range, or more steps", style="yellow")
    else:
        rows = [["*" if rule == RECOMMENDED else "", rule, f"{rate:.2g}", RULES[rule]] for rule, rate in test.suggestions.items()]
        print_table(make_table("", ["", "rule", "learning rate", "which is"], rows, right=["learning rate"]))
        say(f"*: recommended: --set optimiser.learning_rate={found.recommended:.2g}", style="bold green")
    say(f"curve: {found.folder / 'lr.png'}")
