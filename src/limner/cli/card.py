"""`limner card`: what a model says about itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limner.cli.console import only_json, output_console, print_json, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import JsonOption, ModelArgument, OverwriteOption

EPILOG = examples("limner card runs/polyps", "limner card polyp.onnx --out card.md", "limner card polyp.onnx --json")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("card", cls=HelpCommand, short_help="Show a model's card: data, scores, limits, how to run it.", epilog=EPILOG)(card)


def card(
    model: ModelArgument,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the card to this file, as Markdown.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the card of a model: what it was made of, how good it was found to be, its limits, and how to run it.

    It is Markdown when it goes to a file or another program. --json prints it with everything that the file says about itself.
    """
    from limner import api
    from limner.inventory import full_metadata

    with only_json(as_json):
        text = api.card(model)
        if out is not None:
            _write(text, out, overwrite=overwrite)
    if as_json:
        print_json({"model": model, "card": text, "metadata": full_metadata(model)})
    elif out is not None:
        say(f"card: {out}", style="bold green")
    else:
        _print(text)


def _write(text: str, out: Path, *, overwrite: bool) -> None:
    from limner.api.common import refuse_existing
    from limner.files import write_text

    if not overwrite:
        refuse_existing([out])
    write_text(out, text)


def _print(text: str) -> None:
    """Laid out where somebody looks at it, as it is where a program reads it."""
    if not _shown_to_somebody():
        sys.stdout.write(text)
        return
    from rich.markdown import Markdown

    output_console().print(Markdown(text))


def _shown_to_somebody() -> bool:
    return sys.stdout.isatty()
