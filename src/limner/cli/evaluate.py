"""`limner evaluate`: the scores of a model, or of a folder of predictions, on a data set."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from limner.cli.console import note, only_json, print_json, say
from limner.cli.guard import if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    ForegroundOption,
    JsonOption,
    ObserverOption,
    OverwriteOption,
    QuietOption,
    SourceArgument,
    read_split,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.metrics.names import Family

EPILOG = examples(
    "limner evaluate runs/polyps kvasir-seg.zip --out evaluation",
    "limner evaluate polyp.onnx CVC-ClinicDB.zip --out on-clinicdb",
    "limner evaluate polyp.onnx kvasir-seg.zip --split test=test.txt --out evaluation --json",
    "limner evaluate masks-of-another-tool/ kvasir-seg.zip --split test=test.txt --out theirs",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("evaluate", cls=HelpCommand, short_help="Score a model, or predicted masks, on images with masks.", epilog=EPILOG)(evaluate)


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|PREDICTIONS",
            help="A run folder, an .onnx file, the name of a shipped model; or a folder of predicted masks, named as the images.",
        ),
    ],
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
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="FAMILIES",
            help="region, boundary, probability, centreline, objects, saliency, separated by commas; or all.",
            show_default="what the task is judged by",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="PREDICTIONS hold probabilities as grey levels: from which on a pixel is foreground."),
    ] = None,
    missing: Annotated[
        Literal["error", "skip", "empty"],
        typer.Option(help="Images that have no prediction in PREDICTIONS: stop, leave them out, or take it for empty."),
    ] = "error",
    whole_image: Annotated[bool, typer.Option("--whole-image", help="Judge outside the field of view too.")] = False,
    empty: Annotated[
        Literal["one", "nan", "skip"], typer.Option(help="What an image scores in which both masks are empty; skip leaves it out.")
    ] = "one",
    spacing: Annotated[
        float | None, typer.Option(metavar="UM", help="Side of a pixel in µm, for distances in µm.", show_default="distances in pixels")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(metavar="X", help="Of the surface Dice, in µm with --spacing and in pixels without.", show_default="two pixels"),
    ] = None,
    bootstrap: Annotated[int, typer.Option(metavar="N", help="Resamples for the intervals, 100 or more; 0 for no intervals.")] = 2000,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score a model on images with masks, at the threshold that it was exported with; or masks that another tool has predicted.

    Of the data that the model was made of, only the test part is evaluated. Images that it was trained on are warned about.
    """
    from limner import api
    from limner.cli.scores import evaluation_json, print_evaluation, worse_subgroups

    lists, families = read_split(split), read_families(metrics)
    _check_range(spacing=spacing, tolerance=tolerance, bootstrap=bootstrap)
    with _interruptible(out), only_json(as_json):
        evaluation = api.evaluate(
            model,
            source,
            foreground=foreground,
            observer=observer,
            out=out,
            split=lists,
            part=part,
            threshold=threshold,
            missing=missing,
            families=families,
            whole_image=whole_image,
            empty=empty,
            spacing=spacing,
            tolerance=tolerance,
            bootstrap=bootstrap,
            overwrite=overwrite,
            progress=not quiet,
        )
    if evaluation.part == "test" and split is None and part is None:
        note(f"the model was made of this data: only its test part is evaluated ({evaluation.n} images); --part all takes all", style="dim")
    if as_json:
        print_json({"report": str(out / "report.html"), **evaluation_json(evaluation), "worse": worse_subgroups(evaluation)})
        return
    print_evaluation(evaluation)
    say(f"report: {out / 'report.html'}", style="bold green")


def read_families(text: str | None) -> tuple[Family, ...] | None:
    """Families of metrics, separated by commas; `all` of them.

    Example:
        >>> read_families("region, boundary")
        ('region', 'boundary')
    """
    from limner.errors import nearest
    from limner.metrics.names import FAMILIES

    if text is None or text.strip() == "all":
        return None if text is None else FAMILIES
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FAMILIES]
    if unknown or not names:
        hint = nearest(unknown[0], FAMILIES) if unknown else f"one or several of {', '.join(FAMILIES)}; or all"
        raise typer.BadParameter(f"'{unknown[0] if unknown else text}' is no family of metrics: {hint}", param_hint="'--metrics'")
    return tuple(family for family in FAMILIES if family in names)


def _check_range(**numbers: float | None) -> None:
    from limner.api.subjects import out_of_range

    for name, value in numbers.items():
        if fault := out_of_range(name, value):
            raise typer.BadParameter(fault, param_hint=f"'--{name}'")


@contextmanager
def _interruptible(out: Path) -> Iterator[None]:
    """On Ctrl-C, say how to go on; what is there shows only then."""
    try:
        yield
    except KeyboardInterrupt:
        with if_interrupted(_how_to_go_on(out)):
            raise


def _how_to_go_on(out: Path) -> str:
    from limner.api.using import EVALUATION_FILES

    if any((out / name).exists() for name in EVALUATION_FILES):
        return f"the evaluation in {out} is not complete\n  start again with the same command and --overwrite"
    return "nothing has been written\n  start again with the same command"
