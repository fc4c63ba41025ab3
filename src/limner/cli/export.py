"""`limner export`: the model of a run as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from limner.cli.console import make_table, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OverwriteOption, QuietOption

EPILOG = examples(
    "limner export runs/polyps --out polyp.onnx",
    "limner export runs/polyps --out polyp-int8.onnx --precision int8",
    "limner export runs/polyps --out polyp-int8.onnx --precision int8 --source /data/kvasir-seg.zip",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("export", cls=HelpCommand, short_help="Write a run's model to one .onnx file.", epilog=EPILOG)(export)


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a run or of a cross-validation with an ensemble; or a float32 model file.")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="MODEL.onnx", help="The file to write.")],
    precision: Annotated[
        Literal["float32", "float16", "int8"],
        typer.Option(
            help="Of the network's numbers. int8: a quarter of the size, and three to four times as fast on a processor. "
            "float16: half the size; on a processor smaller, not faster."
        ),
    ] = "float32",
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="The images that the model was trained on: int8 is calibrated on some, and what is lost is measured on others.",
            show_default="where they were when it was trained",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export the best checkpoint of a run to one .onnx file, and say how closely the file agrees with what it was made of.

    The file holds resizing, normalisation, sigmoid, threshold and provenance, and runs with nothing but ONNX Runtime. In int8, layers that
    suffer from it stay in float; a file that loses more than half a point of Dice on the validation images is not written.
    """
    from limner import api
    from limner.inventory import describe_model

    with only_json(as_json):
        path = api.export_model(run, out, precision=precision, source=source, overwrite=overwrite, progress=not quiet)
        facts = describe_model(path)
    if as_json:
        print_json(facts)
        return
    print_table(make_table("", ["exported", ""], _rows(facts)))
    say(f"model: {path}", style="bold green")


def _rows(facts: dict[str, Any]) -> list[list[str]]:
    height, width = facts["input_size"]
    rows = [
        ["name", facts["name"]],
        ["task", facts["task"]],
        ["input size", f"{height}x{width}"],
        ["threshold", f"{facts['threshold']:.2f} ({facts['threshold_origin']})"],
        ["precision", facts["precision"]],
        ["size of the file", f"{facts['megabytes']:.2f} MB"],
    ]
    if facts["dice_per_image"] is not None:
        whose = "" if facts["precision"] == "float32" else " in float32"
        scores = [f"{facts[name]:.4f}" for name in ("dice_per_image", "iou_per_image") if facts[name] is not None]
        rows.append([f"Dice, IoU on the test part{whose} (per-image)", ", ".join(scores)])
    return rows + _quantisation_rows(facts["quantisation"] or {}) + _parity_rows(facts)


def _quantisation_rows(quantisation: dict[str, Any]) -> list[list[str]]:
    """How an int8 file was made."""
    if not quantisation:
        return []
    kept, layers = quantisation["float_layers"], quantisation["layers"]
    return [
        ["calibrated on", quantisation["calibrated_on"]],
        ["eight bits are spread over", quantisation["range"]],
        ["layers kept in float", f"{len(kept)} of {layers}: {', '.join(kept)}"],
    ]


def _parity_rows(facts: dict[str, Any]) -> list[list[str]]:
    """How closely file and network agree."""
    if facts["parity_images"] is None:
        return [["agreement with what it was made of", "not checked"]]
    lost = facts["dice_lost"]
    return [
        ["compared with", f"{facts['parity_reference']}, on {facts['parity_images']} images"],
        ["largest difference of a probability", _with_mean(facts["max_prob_difference"], facts["mean_prob_difference"])],
        ["pixels with the same mask, worst image", f"{100 * facts['mask_agreement']:.3f} %"],
        ["Dice lost by that", "not measured: no masks were at hand" if lost is None else f"{lost:+.2f} points ({facts['dice_n']} images)"],
    ]


def _with_mean(largest: float, mean: float | None) -> str:
    return f"{largest:.1e}" if mean is None else f"{largest:.1e} (on average {mean:.1e})"
