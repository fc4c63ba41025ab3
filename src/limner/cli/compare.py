"""`limner compare`: which of several models is better on the same images, and whether that is more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import make_table, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, OverwriteOption

if TYPE_CHECKING:
    from limner.report.compare_table import Comparison

EPILOG = examples(
    "limner compare runs/unet runs/resnet50 --out compared",
    "limner compare runs/*_seed-* --metric hausdorff95",
    "limner compare new-scores newer-scores --baseline old-scores --names new,newer --out compared",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("compare", cls=HelpCommand, short_help="Test which of several models is better.", epilog=EPILOG)(compare)


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders, or folders that `limner evaluate --out` has written.")],
    *,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="What is compared: dice, iou, hausdorff95, or any other score of each image.")
    ] = "dice",
    baseline: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Compare all others with this one; a run or a model's name.", show_default="each with each"),
    ] = None,
    names: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="What to call the models.", show_default="after their folders")
    ] = None,
    group_seeds: Annotated[
        bool, typer.Option("--group-seeds/--no-group-seeds", help="Take runs that differ in nothing but their seed for one model.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for compare.html, its tables and its figures.", show_default="none")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare models image by image: mean and pooled scores with intervals, and for each pair the difference and whether it is chance.

    The models must have been evaluated on the same images. Intervals are bootstrapped, over whole groups where images are grouped; p is
    Wilcoxon's, corrected for the number of comparisons.
    """
    from limner import api

    metric = _read_metric(metric)
    called = None if names is None else [name.strip() for name in names.split(",")]
    with only_json(as_json):
        found = api.compare(runs, metric=metric, baseline=baseline, names=called, group_seeds=group_seeds, out=out, overwrite=overwrite)
    if as_json:
        print_json(_as_json(found, out))
        return
    _show(found)
    if out is not None:
        say(f"report: {out / 'compare.html'}", style="bold green")


def _read_metric(text: str) -> str:
    from limner.comparison.metric import read_metric
    from limner.errors import RunError

    try:
        return read_metric(text)
    except RunError as error:
        raise typer.BadParameter(f"{error.what}: {error.fix}", param_hint="'--metric'") from None


def _as_json(found: Comparison, out: Path | None) -> dict[str, Any]:
    from limner.report.compare_page import as_json

    return {"report": None if out is None else str(out / "compare.html"), **as_json(found)}


def _show(found: Comparison) -> None:
    from limner.report.compare_table import model_headings, model_rows, pair_headings, pair_rows
    from limner.report.compare_words import conditions, sentence

    headings = model_headings(found)
    print_table(make_table(f"{found.info.label} on {found.source}, {found.n} images", headings, model_rows(found), right=headings[1:]))
    if len(found.pairs) > 1:
        headings = pair_headings(found)
        print_table(make_table("", headings, pair_rows(found), right=headings[2:]))
    for pair in found.pairs:
        say(sentence(pair, found), style="bold" if found.verdict(pair) == "better" else "")
    say("")
    for line in conditions(found):
        say(line, style="dim")
