"""`limner predict`: masks and overlays of new images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import note, only_json, print_json, say
from limner.cli.guard import WRONG_INPUT, if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, ModelArgument, OverwriteOption, QuietOption
from limner.durations import format_duration

if TYPE_CHECKING:
    from limner.batch import Predictions

EPILOG = examples(
    "limner predict runs/polyps frame.jpg --out predictions",
    "limner predict polyp.onnx hospital-a/ hospital-b.zip --out predictions",
    "limner predict polyp.onnx hospital-a/ --out predictions --resume",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("predict", cls=HelpCommand, short_help="Outline what a model knows in new images.", epilog=EPILOG)(predict)


def predict(
    model: ModelArgument,
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Image files, folders and archives.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for masks/, overlays/ and predictions.csv.")],
    overlays: Annotated[bool, typer.Option("--overlays/--no-overlays", help="Draw each outline over its image, for the eye.")] = True,
    probs: Annotated[bool, typer.Option("--probs", help="Write probabilities too, as 16-bit PNG: 65535 is 1.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Skip images whose outputs are already there, by the same model.")] = False,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Outline what the model knows in new images; masks are PNGs of 0 and 255 at each image's own size.

    Outputs keep the folders and names of the images. Where two would get the same name, the input's folder or the file's ending is added;
    predictions.csv says which mask belongs to which image. Images that cannot be read or are too large for the memory are named at the end,
    and the exit code is then 1.
    """
    from limner import api

    if resume and overwrite:
        raise typer.BadParameter("--resume keeps what is there, --overwrite replaces it: give one of them")
    with if_interrupted(f"what is complete is kept in {out}\n  go on with the same command and --resume"), only_json(as_json):
        found = api.predict(model, inputs, out, overlays=overlays, probs=probs, resume=resume, overwrite=overwrite, progress=not quiet)
    if as_json:
        print_json(_to_json(found))
    else:
        _print_summary(found)
    for failure in found.failures:
        note(f"failed: {failure.file}: {failure.reason}", style="red")
    if found.failures:
        note(f"{len(found.failures)} of {found.n} images could not be predicted", style="bold red")
        raise typer.Exit(WRONG_INPUT)


def _print_summary(found: Predictions) -> None:
    skipped = f", {found.skipped} were there already" if found.skipped else ""
    speed = f" ({found.written / found.seconds:.1f} images/s, file to file)" if found.written and found.seconds else ""
    say(f"{found.written} images predicted in {format_duration(found.seconds)}{speed}{skipped}")
    if doubtful := found.flagged:
        images = "1 image is" if len(doubtful) == 1 else f"{len(doubtful)} images are"
        say(f"review: {images} flagged in the table for a look; the most doubtful: {doubtful[0]['file']}", style="yellow")
    say(f"masks:  {found.out / 'masks'}", style="bold green")
    say(f"table:  {found.table}")


def _to_json(found: Predictions) -> dict[str, Any]:
    return {
        "model": found.model,
        "threshold": found.threshold,
        "out": str(found.out),
        "table": str(found.table),
        "images": found.n,
        "written": found.written,
        "skipped": found.skipped,
        "flagged": [row["file"] for row in found.flagged],
        "failed": [{"file": failure.file, "reason": failure.reason} for failure in found.failures],
        "seconds": round(found.seconds, 3),
    }
