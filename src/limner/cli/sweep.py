"""`limner sweep`: one training for each combination of a grid of settings, on one split, and their comparison."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say, teller
from limner.cli.guard import WRONG_INPUT, if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OptionalSourceArgument, QuietOption, TrainingSplitOption, read_budget, read_split, source_needed

if TYPE_CHECKING:
    from limner.api import SweepResult
    from limner.report.sweep_table import Combination

EPILOG = examples(
    "limner sweep --recipe vessel-unet-3 --grid model.levels=2,3,4 --grid normalisation=minmax,none",
    "limner sweep polyps/ --recipe phantom-unet --grid loss=bce,dice,dice_bce --seeds 0,1,2 --budget 10m",
    "limner sweep polyps/ --recipe phantom-unet --grid 'network.filters=[8,16],[16,32,64]' --out runs/filters",
    "limner sweep polyps/ --recipe phantom-unet --grid loss=bce,dice --out runs/losses --resume",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sweep", cls=HelpCommand, short_help="Train every combination of a grid and compare them.", epilog=EPILOG)(sweep)


def sweep(
    source: OptionalSourceArgument = None,
    *,
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="What the runs have in common: a recipe's name, or a YAML file.")],
    grid: Annotated[
        list[str],
        typer.Option(metavar="KEY=V1,V2,...", help="A setting and the values to try; may be given several times, for all combinations."),
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe for all runs.")
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Train each combination once with each seed; the split stays.", show_default="the recipe's"),
    ] = None,
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="The time that each run may take: 90s, 10m, 1h30m.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the sweep.", show_default="runs/sweep-RECIPE-DATE-TIME")
    ] = None,
    split: TrainingSplitOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in DIR: skip what is finished.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train one model for each combination of a grid of settings, all on the same split, and compare them.

    Each run is a run folder of its own below DIR/runs. The comparison is DIR/sweep.html, with sweep.csv, sweep.md, sweep.svg and
    sweep.png; they are written anew after each run. The best combination is chosen by validation Dice, not by the test.
    """
    from limner import api

    budget_s, lists, drawn_seeds = read_budget(budget), read_split(split), _read_seeds(seeds)
    _check_grid(grid, settings or [])
    if resume and out is None:
        raise typer.BadParameter("--resume needs the sweep's folder: add --out DIR")
    out = out or api.new_folder("sweep", recipe)
    again = _command(source, recipe=recipe, grid=grid, settings=settings or [], seeds=seeds, budget=budget, split=split, out=out)
    with if_interrupted(f"what is finished is kept in {out}\n  go on with: {again}"), source_needed("sweep"), only_json(as_json):
        result = api.sweep(
            source,
            recipe=recipe,
            grid=grid,
            settings=settings or (),
            seeds=drawn_seeds,
            split=lists,
            budget=budget_s,
            out=out,
            resume=resume,
            progress=not quiet,
            on_step=teller(quiet=quiet),
        )
    if as_json:
        print_json(_as_json(result))
    else:
        _show(result)
    if any(run.state != "finished" for run in result.table.runs):
        raise typer.Exit(WRONG_INPUT)


def _check_grid(grid: list[str], settings: list[str]) -> None:
    from limner.training.sweep.grid import read_grid

    try:
        read_grid(grid, settings)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--grid'") from None


def _read_seeds(text: str | None) -> tuple[int, ...] | None:
    from limner.training.sweep.grid import read_seeds

    try:
        return None if text is None else read_seeds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--seeds'") from None


def _command(
    source: str | None,
    *,
    recipe: str,
    grid: list[str],
    settings: list[str],
    seeds: str | None,
    budget: str | None,
    split: str | None,
    out: Path,
) -> str:
    """The command that goes on with this sweep."""
    given = {"--seeds": seeds, "--budget": budget, "--split": split, "--out": str(out)}
    several = [*(("--grid", one) for one in grid), *(("--set", one) for one in settings)]
    options = [*several, *((name, value) for name, value in given.items() if value is not None)]
    words = ["limner", "sweep", *([source] if source else []), "--recipe", recipe, *(word for option in options for word in option)]
    return shlex.join([*words, "--resume"])


def _as_json(result: SweepResult) -> dict[str, Any]:
    table = result.table
    return {
        "sweep": str(result.folder),
        "report": str(result.report),
        "best": dict(table.best.choices) if table.best else None,
        "combinations": [_combination_json(one) for one in table.combinations],
        "runs": [run.model_dump(mode="json") for run in table.runs],
    }


def _combination_json(one: Combination) -> dict[str, Any]:
    spreads = {name: one.spread(name) for name in ("val_dice", "dice", "iou", "dice_pooled", "iou_pooled")}
    told = {name: {"mean": spread.mean, "std": spread.std, "n": len(spread.values)} for name, spread in spreads.items()}
    return {"choices": dict(one.choices), "parameters": one.runs[0].parameters, **told}


def _show(result: SweepResult) -> None:
    table, axes = result.table, len(result.table.axes)
    rows = [["*" if one == table.best else "", *row] for one, row in zip(table.combinations, table.rows(), strict=True)]
    headings = ["", *table.headings()]
    print_table(make_table("", headings, rows, right=headings[axes + 1 :]))
    if table.best:
        say("*: the best by validation Dice", style="bold")
    for sentence in table.conditions():
        say(sentence, style="dim")
    for run in table.runs:
        if run.state == "failed":
            note(f"failed: {run.run}: {run.reason}", style="yellow")
    say(f"report: {result.report}", style="bold green")
