"""`limner train`: from a data set to a run folder with a model, its scores and a report; with --folds, to a cross-validation."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say, teller
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

if TYPE_CHECKING:
    from limner.api import CrossValidation, RunResult

EPILOG = examples(
    "limner train polyps/ --budget 10m",
    "limner train kvasir-seg.zip --recipe polyp-unet-resnet50 --out runs/polyps",
    "limner train kvasir-seg.zip --split train=train.txt,test=test.txt --set epochs=20 --set data.input_size=352",
    "limner train --recipe vessel-unet-3",
    "limner train kvasir-seg.zip --out runs/polyps --resume",
    "limner train polyps/ --folds 5 --ensemble --budget 1h --out runs/polyps-cv",
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
        str | None,
        typer.Option(
            metavar="TIME", help="Plan the training, that of all folds together, so that it ends within this time: 90s, 10m, 1h30m."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder for the run.", show_default="runs/RECIPE-DATE-TIME, runs/folds-RECIPE-DATE-TIME"),
    ] = None,
    split: TrainingSplitOption = None,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", min=2, help="Cross-validate: train K models, so that each image is tested by one that has not seen it."),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="With --folds: write the mean of the K models as one model file, too.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN, from its last complete epoch.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on images and masks, evaluate it on the test part, export it and write a report.

    The run folder then holds model.onnx, report.html, the scores of each image, the resolved recipe, the split with file hashes, and the
    checkpoints. With --folds it holds the same for all images, and a run folder for each fold below RUN/folds.
    """
    from limner import api

    budget_s, lists = read_budget(budget), read_split(split)
    if resume and out is None:
        raise typer.BadParameter("--resume needs the run's folder: add --out RUN")
    in_folds = folds is not None or (resume and _holds_folds(out))
    _check_usage(in_folds=in_folds, ensemble=ensemble, split=split)
    out = out or (api.new_folder("folds", recipe) if in_folds else api.new_run_folder(recipe))
    common: dict[str, Any] = {
        "recipe": recipe,
        "settings": settings or (),
        "foreground": foreground,
        "observer": observer,
        "group": group,
        "out": out,
        "budget": budget_s,
        "resume": resume,
        "progress": not quiet,
        "on_step": teller(quiet=quiet),
    }
    if in_folds:
        with if_interrupted(_how_to_resume_folds(source, out, ensemble=ensemble)), source_needed("train"), only_json(as_json):
            validated = api.cross_validate(source, folds=folds, ensemble=ensemble, **common)
        _show_folds(validated, as_json=as_json)
        return
    with if_interrupted(_how_to_resume(source, out)), source_needed("train"), only_json(as_json):
        result = api.train(source, split=lists, **common)
    _show(result, as_json=as_json)


def _holds_folds(out: Path | None) -> bool:
    from limner.training.folds.folder import FoldsFolder

    return out is not None and FoldsFolder(out).definition_file.is_file()


def _check_usage(*, in_folds: bool, ensemble: bool, split: str | None) -> None:
    if in_folds and split is not None:
        raise typer.BadParameter("--folds and --split do not go together: with --folds, each image is in the test part of one fold")
    if ensemble and not in_folds:
        raise typer.BadParameter("--ensemble joins the models of several folds: add --folds 5")


def _show(result: RunResult, *, as_json: bool) -> None:
    from limner.cli.scores import evaluation_json, print_evaluation

    if as_json:
        places = {"run": str(result.folder), "model_file": str(result.model), "report": str(result.report)}
        print_json({**places, **evaluation_json(result.evaluation)})
        return
    print_evaluation(result.evaluation)
    say(f"model:  {result.model}")
    say(f"report: {result.report}", style="bold green")
    note(f"next:   limner predict {shlex.quote(str(result.folder))} IMAGES --out DIR", style="dim")


def _show_folds(result: CrossValidation, *, as_json: bool) -> None:
    from limner.cli.scores import evaluation_json, print_evaluation

    if as_json:
        places = {"run": str(result.folder), "model_file": result.ensemble and str(result.ensemble), "report": str(result.report)}
        print_json({**places, "folds": result.folds, **evaluation_json(result.evaluation)})
        return
    print_evaluation(result.evaluation)
    headings = list(result.folds[0])
    print_table(make_table("each fold on its own test part", headings, [_cells(row) for row in result.folds], right=headings[1:]))
    if result.ensemble:
        say(f"model:  {result.ensemble} ({result.ensemble.stat().st_size / 1e6:.2f} MB, the mean of {len(result.models)} models)")
    say(f"models: {result.models[0].parent}, ...")
    say(f"report: {result.report}", style="bold green")


def _cells(row: dict[str, Any]) -> list[str]:
    return ["" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()]


def _how_to_resume(source: str | None, out: Path) -> str:
    command = shlex.join(["limner", "train", *([source] if source else []), "--out", str(out), "--resume"])
    export = shlex.join(["limner", "export", str(out), "--out", "MODEL.onnx"])
    return f"complete epochs, if there are any, are kept in {out}\n  go on with: {command}\n  or use the best so far: {export}"


def _how_to_resume_folds(source: str | None, out: Path, *, ensemble: bool) -> str:
    words = ["limner", "train", *([source] if source else []), "--out", str(out), "--resume", *(["--ensemble"] if ensemble else [])]
    return f"complete folds and epochs, if there are any, are kept in {out}\n  go on with: {shlex.join(words)}"
