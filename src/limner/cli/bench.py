"""`limner bench`: how fast models are on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OverwriteOption, QuietOption, read_size

if TYPE_CHECKING:
    from limner.timing.result import BenchResult

EPILOG = examples(
    "limner bench runs/polyps",
    "limner bench polyp.onnx --images hospital-a/",
    "limner bench polyp.onnx polyp-int8.onnx --providers all --out speed.md",
    "limner bench polyp.onnx --size 1080x1920 --threads 4 --json",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("bench", cls=HelpCommand, short_help="Measure how fast models are on this machine.", epilog=EPILOG)(bench)


def bench(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Run folders, .onnx files or shipped models; compared with the first.")
    ],
    *,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Images to measure on: a folder, an archive or a file.", show_default="phantoms"),
    ] = None,
    providers: Annotated[
        str, typer.Option(metavar="NAMES", help="What runs the models: auto, cpu, openvino, cuda, ..., separated by commas; or all.")
    ] = "auto,cpu",
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW", help="Bring the images to this size, in pixels.", show_default="as they are; phantoms: 1.5 times MODEL's"
        ),
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Images predicted at once, by the network clock.")] = 1,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processor threads.", show_default="one for each physical core")
    ] = None,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="How often each model is measured, in turn with the others.")] = 3,
    seconds: Annotated[float, typer.Option(metavar="S", min=0.01, help="How long a round lasts, about, by each clock.")] = 1.0,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="So many images of DIR at most, evenly spaced.")] = 32,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table too, as .csv or .md.")] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast models are on this machine: frames per second, latency, memory, and how much of the machine's strength they use.

    Two clocks. network: the prediction of a decoded image in memory, as the Medico efficiency task counts. file: from the encoded file to
    the written mask, as `limner predict` does. Each model runs in a process of its own; all are measured in turn, round by round, and the
    median counts. For numbers to keep, let the machine do nothing else.
    """
    from limner import api

    height_width, names = read_size(size, "--size", least=1), [name.strip() for name in providers.split(",") if name.strip()]
    if not names or ("all" in names and len(names) > 1):
        raise typer.BadParameter("give names separated by commas, or all alone", param_hint="'--providers'")
    with only_json(as_json):
        result = api.bench(
            models,
            images,
            providers=names,
            size=height_width,
            batch=batch,
            threads=threads,
            rounds=rounds,
            seconds=seconds,
            most=most,
            out=out,
            overwrite=overwrite,
            progress=not quiet,
        )
    if as_json:
        print_json(result.as_json())
    else:
        _print(result)
    if out is not None:
        note(f"table: {out}")


def _print(result: BenchResult) -> None:
    from limner.timing.table import cost_table, doubt, speed_table, told

    for table in (speed_table(result), cost_table(result)):
        print_table(make_table(table.title, table.columns, table.rows, right=table.right))
    for sentence in told(result):
        say(sentence, style="dim")
    if reason := doubt(result):
        note(f"WARNING: {reason}", style="bold yellow")
    for missing in result.left_out:
        note(f"left out: {missing.model} on {missing.provider}: {missing.reason}", style="yellow")
