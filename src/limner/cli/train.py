"""`limner train`: from a data set to a run folder with a model, its scores and a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from limner.cli.console import note, only_json, print_json, say, teller
from limner.cli.guard import if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    AnyObserverOption,
    ForegroundOption,
    GroupOption,
    JsonOption,
    OptionalSourceArgument,
    QuietOption,
    RecipeOption,
    SettingsOption,
    TrainingSplitOption,
    read_budget,
    read_split,
    source_needed,
)

EPILOG = examples(
    "limner train polyps/ --budget 10m",
    "limner train kvasir-seg.zip --recipe polyp-unet-resnet50 --out runs/polyps",
    "limner train kvasir-seg.zip --split train=train.txt,test=test.txt --set epochs=20 --set data.input_size=352",
    "limner train --recipe vessel-unet-3",
    "limner train kvasir-seg.zip --out runs/polyps --resume",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("train", cls=HelpCommand, short_help="Train a model on images and masks.", epilog=EPILOG)(train)


def train(
    source: OptionalSourceArgument = None,
    *,
    recipe: RecipeOption = None,
    settings: SettingsOption = None,
    foreground: ForegroundOption = None,
    observer: AnyObserverOption = None,
    group: GroupOption = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Plan the training so that it ends within this time: 90s, 10m, 1h30m.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="Folder for the run.", show_default="runs/RECIPE-DATE-TIME")] = None,
    split: TrainingSplitOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN, from its last complete epoch.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on images and masks, evaluate it on the test part, export it and write a report.

    The run folder then holds model.onnx, report.html, the scores of each image, the resolved recipe, the split with file hashes, and the
    checkpoints.
    """
    from limner import api
    from limner.cli.scores import evaluation_json, print_evaluation

    budget_s, lists = read_budget(budget), read_split(split)
    if resume and out is None:
        raise typer.BadParameter("--resume needs the run's folder: add --out RUN")
    out = out or api.new_run_folder(recipe)
    with if_interrupted(_how_to_resume(source, out)), source_needed("train"), only_json(as_json):
        result = api.train(
            source,
            recipe=recipe,
            settings=settings or (),
            foreground=foreground,
            observer=observer,
            group=group,
            out=out,
            split=lists,
            budget=budget_s,
            resume=resume,
            progress=not quiet,
            on_step=teller(quiet=quiet),
        )
    if as_json:
        places = {"run": str(result.folder), "model_file": str(result.model), "report": str(result.report)}
        print_json({**places, **evaluation_json(result.evaluation)})
        return
    print_evaluation(result.evaluation)
    say(f"model:  {result.model}")
    say(f"report: {result.report}", style="bold green")
    note(f"next:   limner predict {shlex.quote(str(result.folder))} IMAGES --out DIR", style="dim")


def _how_to_resume(source: str | None, out: Path) -> str:
    command = shlex.join(["limner", "train", *([source] if source else []), "--out", str(out), "--resume"])
    export = shlex.join(["limner", "export", str(out), "--out", "MODEL.onnx"])
    return f"complete epochs, if there are any, are kept in {out}\n  go on with: {command}\n  or use the best so far: {export}"
