"""`limner evaluate`: the scores of a model on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from limner.cli.console import note, only_json, print_json, say
from limner.cli.guard import if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    ForegroundOption,
    JsonOption,
    ModelArgument,
    ObserverOption,
    OverwriteOption,
    QuietOption,
    SourceArgument,
    read_split,
)

EPILOG = examples(
    "limner evaluate runs/polyps kvasir-seg.zip --out evaluation",
    "limner evaluate polyp.onnx CVC-ClinicDB.zip --out on-clinicdb",
    "limner evaluate polyp.onnx kvasir-seg.zip --split test=test.txt --out evaluation --json",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("evaluate", cls=HelpCommand, short_help="Score a model on images with masks.", epilog=EPILOG)(evaluate)


def evaluate(
    model: ModelArgument,
    source: SourceArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for cases.csv, summary.json and report.html.")],
    foreground: ForegroundOption = None,
    observer: ObserverOption = 1,
    split: Annotated[str | None, typer.Option(metavar="SPLIT", help="test=FILE (or train=, val=), a list of ids; or a split.json.")] = None,
    part: Annotated[
        Literal["train", "val", "test", "all"] | None,
        typer.Option(
            help="Which part of the split to evaluate.",
            show_default="test of the given split, or of the model's own if SOURCE is what it was made of; else all",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score a model on images with masks, at the threshold that it was exported with.

    Of the data that the model was made of, only the test part is evaluated. Images that it was trained on are warned about.
    """
    from limner import api
    from limner.cli.scores import evaluation_json, print_evaluation

    lists = read_split(split)
    with if_interrupted(_how_to_go_on(out)), only_json(as_json):
        evaluation = api.evaluate(
            model,
            source,
            foreground=foreground,
            observer=observer,
            out=out,
            split=lists,
            part=part,
            overwrite=overwrite,
            progress=not quiet,
        )
    if evaluation.part == "test" and split is None and part is None:
        note(f"the model was made of this data: only its test part is evaluated ({evaluation.n} images); --part all takes all", style="dim")
    if as_json:
        print_json({"report": str(out / "report.html"), **evaluation_json(evaluation)})
        return
    print_evaluation(evaluation)
    say(f"report: {out / 'report.html'}", style="bold green")


def _how_to_go_on(out: Path) -> str:
    return f"the evaluation in {out} is not complete\n  start again with the same command and --overwrite"
