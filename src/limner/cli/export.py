"""`limner export`: the model of a run as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from limner.cli.console import make_table, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OverwriteOption

EPILOG = examples("limner export runs/polyps --out polyp.onnx")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("export", cls=HelpCommand, short_help="Write a run's model to one .onnx file.", epilog=EPILOG)(export)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder.")],
    *,
    out: Annotated[Path, typer.Option(metavar="MODEL.onnx", help="The file to write.")],
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export the best checkpoint of a run to one .onnx file, and check that both give the same masks.

    The file holds resizing, normalisation, sigmoid, threshold and provenance, and runs with nothing but ONNX Runtime.
    """
    from limner import api
    from limner.inventory import describe_model

    with only_json(as_json):
        path = api.export_model(run, out, overwrite=overwrite)
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
        ["size of the file", f"{facts['megabytes']:.2f} MB"],
    ]
    if facts["dice_per_image"] is not None:
        rows.append(["Dice, IoU on the test part (per-image)", f"{facts['dice_per_image']:.4f}, {facts['iou_per_image']:.4f}"])
    return rows + _parity_rows(facts)


def _parity_rows(facts: dict[str, Any]) -> list[list[str]]:
    """How closely file and network agree."""
    if facts["parity_images"] is None:
        return [["agreement with the network", "not checked"]]
    return [
        ["images compared with what it was made of", str(facts["parity_images"])],
        ["largest difference of a probability", f"{facts['max_prob_difference']:.1e}"],
        ["pixels with the same mask", f"{100 * facts['mask_agreement']:.3f} %"],
    ]
