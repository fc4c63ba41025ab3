"""`limner predict`: masks, overlays, annotations and measurements of new images, slides and videos."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import note, only_json, print_json, say
from limner.cli.guard import WRONG_INPUT, if_interrupted
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, ModelArgument, QuietOption, read_size
from limner.durations import format_duration

if TYPE_CHECKING:
    from limner.batch import Predictions
    from limner.batch.video import VideoResult

EPILOG = examples(
    "limner predict runs/polyps frame.jpg --out predictions",
    "limner predict polyp.onnx hospital-a/ hospital-b.zip 'scans/**/*.png' --out predictions --resume",
    "limner predict nuclei.onnx images/ --out counted --write labels,geojson,measurements --spacing 0.25",
    "limner predict fold-1.onnx images/ --also fold-2.onnx --views flips --write disagreement --out predictions",
    "find . -name '*.png' | limner predict polyp.onnx - --out predictions",
    "limner predict polyp.onnx clip.mp4 --out outlined.mp4 --smooth 0.2",
)
_WRITTEN, _PREDICTED, _VIDEOS = "What is written", "How it is predicted", "Videos"
_UNSAID = {"masks", "overlays", "probs", "table"}  # the summary names the masks' folder, and the table, and these lie beside it


class _GroupedHelp(HelpCommand):
    """Help with a heading for each group of options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own classes, which are private
        """Write the options in their groups, those of no group last."""
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in ("Arguments", _WRITTEN, _PREDICTED, _VIDEOS, "Options")}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                is_argument = param.param_type_name == "argument"
                groups["Arguments" if is_argument else getattr(param, "rich_help_panel", None) or "Options"].append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("predict", cls=_GroupedHelp, short_help="Outline what a model knows in new images.", epilog=EPILOG)(predict)


def predict(
    model: ModelArgument,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Images, folders, archives, 'patterns/**/*.png', slides, videos, webcam, the address of a stream; "
            "- for a list of them, a line each, from standard input.",
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for masks/, overlays/, predictions.csv; or the video to write.", rich_help_panel=_WRITTEN),
    ],
    write: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT,...",
            help="More: probs, disagreement (16-bit PNG), labels (a number for each object, TIFF), coco, labelme, geojson (outlines), "
            "measurements (a table of the objects, or of vessels).",
            rich_help_panel=_WRITTEN,
        ),
    ] = None,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Draw each outline over its image, for the eye.", rich_help_panel=_WRITTEN)
    ] = True,
    probs: Annotated[
        bool, typer.Option("--probs", help="Write probabilities too, as 16-bit PNG: 65535 is 1.", rich_help_panel=_WRITTEN)
    ] = False,
    table: Annotated[str, typer.Option(metavar="FORMAT", help="Of the measurements: csv or parquet.", rich_help_panel=_WRITTEN)] = "csv",
    spacing: Annotated[
        float | None,
        typer.Option(
            metavar="UM", help="Side of a pixel in µm, for measurements.", show_default="what a file says", rich_help_panel=_WRITTEN
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Skip images whose outputs are already there, by the same model.", rich_help_panel=_WRITTEN),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that are already there.", rich_help_panel=_WRITTEN)
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Take the mean with this model; may be given several times.", rich_help_panel=_PREDICTED),
    ] = None,
    views: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIEW,...", help="Take the mean over views of each image: flips, rotations, scales.", rich_help_panel=_PREDICTED
        ),
    ] = None,
    postprocess: Annotated[
        bool,
        typer.Option("--postprocess/--no-postprocess", help="Clean masks up as the model file asks for.", rich_help_panel=_PREDICTED),
    ] = True,
    tile_size: Annotated[
        str | None,
        typer.Option(
            metavar="N|HxW",
            help="Predict in tiles of this size, for a model that would see images whole.",
            show_default="the model's",
            rich_help_panel=_PREDICTED,
        ),
    ] = None,
    overlap: Annotated[
        str | None,
        typer.Option(
            metavar="N|HxW", help="How many pixels neighbouring tiles share.", show_default="a quarter", rich_help_panel=_PREDICTED
        ),
    ] = None,
    provider: Annotated[
        str,
        typer.Option(metavar="NAME", help="auto, cpu, cuda, tensorrt, openvino, coreml or directml.", rich_help_panel=_PREDICTED),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processor threads.", show_default="one a core", rich_help_panel=_PREDICTED),
    ] = None,
    smooth: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.0, help="Average probabilities over about this time.", rich_help_panel=_VIDEOS)
    ] = 0.0,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.0, help="Stop after so much of it.", show_default="all", rich_help_panel=_VIDEOS),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Outline what the model knows in new images; masks are PNGs of 0 and 255 at each image's own size.

    Outputs keep the folders and names of the images. Where two would get the same name, the input's folder or the file's ending is added;
    predictions.csv says which mask belongs to which image. Images that cannot be read or are too large for the memory are named at the end,
    and the exit code is then 1.
    """
    from limner import api

    _check_usage(resume=resume, overwrite=overwrite, table=table)
    options: dict[str, Any] = {
        "write": _listed(write, "--write"),
        "overlays": overlays,
        "probs": probs,
        "table": table,
        "spacing": spacing,
        "also": also or (),
        "views": _listed(views, "--views"),
        "postprocess": postprocess,
        "tile_size": read_size(tile_size, "--tile-size"),
        "overlap": read_size(overlap, "--overlap"),
        "provider": provider,
        "threads": threads,
        "smooth": smooth,
        "seconds": seconds,
    }
    places = _with_standard_input(inputs)
    with if_interrupted(_what_is_kept(out)), only_json(as_json):
        found = api.predict(model, places, out, **options, resume=resume, overwrite=overwrite, progress=not quiet)
    _show(found, as_json=as_json)


def _what_is_kept(out: Path) -> str:
    from limner.imaging.video import SUFFIXES

    if out.suffix.lower() in SUFFIXES:
        return f"what the video has so far is kept beside {out}, with .partial in its name"
    return f"what is complete is kept in {out}\n  go on with the same command and --resume"


def _check_usage(*, resume: bool, overwrite: bool, table: str) -> None:
    if resume and overwrite:
        raise typer.BadParameter("--resume keeps what is there, --overwrite replaces it: give one of them")
    if table not in {"csv", "parquet"}:
        raise typer.BadParameter("it is csv or parquet", param_hint="'--table'")


def _listed(given: list[str] | None, option: str) -> list[str]:
    """The words of an option that takes several, with commas between them or one after the other.

    Example:
        >>> _listed(["labels,coco", "geojson"], "--write")
        ['labels', 'coco', 'geojson']
    """
    words = [word.strip() for text in given or () for word in text.split(",")]
    if not all(words):
        raise typer.BadParameter("a comma stands where a word is missing", param_hint=f"'{option}'")
    return words


def _with_standard_input(inputs: list[str]) -> list[str]:
    """The inputs, `-` replaced by the lines of standard input."""
    if "-" not in inputs:
        return inputs
    text = sys.stdin.buffer.read()  # bytes: names of files need not be text; with NUL between them, they come from `find -print0`
    lines = [os.fsdecode(line) for line in (text.split(b"\0") if b"\0" in text else text.splitlines())]
    places = [place for given in inputs for place in (lines if given == "-" else [given]) if place.strip()]
    if not places:
        raise typer.BadParameter("no path came from standard input", param_hint="'INPUT'")
    return places


def _show(found: Predictions, *, as_json: bool) -> None:
    if as_json:
        print_json(_to_json(found))
    else:
        _print_summary(found)
    for failure in found.failures:
        note(f"failed: {failure.file}: {failure.reason}", style="red")
    if found.failures:
        note(f"{len(found.failures)} of {found.n} inputs could not be predicted", style="bold red")
        raise typer.Exit(WRONG_INPUT)


def _print_summary(found: Predictions) -> None:
    for sentence in found.left_out:
        note(f"left out: {sentence}", style="dim")
    if found.outputs:
        _print_images(found)
    if found.videos_skipped:
        say("the video was there already" if found.n == 1 else f"{found.videos_skipped} of the videos were there already")
    for video in found.videos:
        _print_video(video)


def _print_images(found: Predictions) -> None:
    images = found.written
    skipped = f", {found.skipped} were there already" if found.skipped else ""
    speed = f" ({images / found.seconds:.1f} images/s, file to file)" if images and found.seconds else ""
    noun = "image" if images == 1 else "images"
    say(f"{images} {noun} predicted in {format_duration(found.seconds)}{speed}{skipped}")
    if doubtful := found.flagged:
        listed = "1 image is" if len(doubtful) == 1 else f"{len(doubtful)} images are"
        say(f"review: {listed} flagged in the table for a look; the most doubtful: {doubtful[0]['file']}", style="yellow")
    say(f"masks:  {found.outputs['masks']}", style="bold green")
    say(f"table:  {found.table}")
    for name, path in found.outputs.items():
        if name not in _UNSAID:
            say(f"{name}: {path}")


def _print_video(video: VideoResult) -> None:
    rate = f"{video.fps:.1f} frames/s, file to file; the video itself has {video.source_fps:.4g}"
    say(f"{video.frames} frames predicted in {format_duration(video.seconds)} ({rate})")
    say(f"video:  {video.out}", style="bold green")
    say(f"table:  {video.table}")


def _to_json(found: Predictions) -> dict[str, Any]:
    return {
        "model": found.model,
        "threshold": found.threshold,
        "out": str(found.out),
        "table": str(found.table) if found.outputs else None,
        "outputs": {name: str(path) for name, path in found.outputs.items()},
        "images": found.images,
        "written": found.written,
        "skipped": found.skipped,
        "left_out": list(found.left_out),
        "flagged": [row["file"] for row in found.flagged],
        "failed": [{"file": failure.file, "reason": failure.reason} for failure in found.failures],
        "seconds": round(found.seconds, 3),
        "videos": [_video_json(video) for video in found.videos],
        "videos_skipped": found.videos_skipped,
    }


def _video_json(video: VideoResult) -> dict[str, Any]:
    return {
        "video": str(video.out),
        "table": str(video.table),
        "frames": video.frames,
        "seconds": round(video.seconds, 3),
        "frames_per_second": round(video.fps, 3),
        "source_frames_per_second": round(video.source_fps, 3),
        "flagged": video.flagged,
    }
