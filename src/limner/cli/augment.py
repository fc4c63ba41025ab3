"""`limner augment`: look at what training would make of the images, before it does."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say, teller
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    AnyObserverOption,
    ForegroundOption,
    GroupOption,
    JsonOption,
    OverwriteOption,
    QuietOption,
    RecipeOption,
    SettingsOption,
    SourceArgument,
    source_words,
)

if TYPE_CHECKING:
    from limner.api.looking import AugmentationSheet

EPILOG = examples(
    "limner augment polyps/ --recipe polyp-unet-resnet50",
    "limner augment polyps/ --recipe polyp-unet-resnet50 --set augmentation.elastic=0.05 --each --out each.png",
    "limner augment DRIVE.zip --images 3 --variants 8",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("augment", cls=HelpCommand, short_help="Draw a sheet of augmented images, to look at.", epilog=EPILOG)(augment)


def augment(
    source: SourceArgument,
    *,
    recipe: RecipeOption = None,
    settings: SettingsOption = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write, PNG or JPEG.")] = Path("augmentation.png"),
    images: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="How many images; no others are read.")] = 6,
    variants: Annotated[int, typer.Option(metavar="N", min=1, max=50, help="How many variants of each.")] = 6,
    each: Annotated[
        bool, typer.Option("--each", help="Instead of variants, each change that the recipe has: alone, and as strong as it may be.")
    ] = False,
    foreground: ForegroundOption = None,
    observer: AnyObserverOption = None,
    group: GroupOption = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Draw what training would make of a few images: a row for each, the original first, the mask's outline drawn over.

    Images come as the recipe says: resized, with their aspect ratio kept, or as patches. The variants are random, and the same for the
    same seed. Nothing is trained.
    """
    from limner import api

    with only_json(as_json):
        sheet = api.preview_augmentation(
            source,
            out,
            recipe=recipe,
            settings=settings or (),
            foreground=foreground,
            observer=observer,
            group=group,
            images=images,
            variants=variants,
            each=each,
            overwrite=overwrite,
            progress=not quiet,
            on_step=teller(quiet=quiet),
        )
    if as_json:
        print_json(
            {"sheet": str(sheet.path), "images": list(sheet.keys), "augmentation": sheet.recipe.augmentation.model_dump(mode="json")}
        )
        return
    _show(sheet)
    given = [word for name, value in (("--recipe", recipe), *(("--set", s) for s in settings or ())) if value for word in (name, value)]
    words = [*source_words(foreground, observer or 1, group), *given]
    note(f"next:   {shlex.join(['limner', 'train', source, *words])}", style="dim")


def _show(sheet: AugmentationSheet) -> None:
    rows = [[change.kind, change.limit, f"{change.chance:g}"] for change in sheet.changes]
    print_table(make_table("", ("change", "at most", "chance"), rows, right=("at most", "chance")))
    say(f"sheet:  {sheet.path}", style="bold green")
