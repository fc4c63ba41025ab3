"""All commands together. Nothing heavy is imported before a command runs.

Help is Typer's plain one, with colours added: its Rich version alone takes a quarter of a second to import.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from limner.cli import (
    augment,
    bench,
    card,
    compare,
    data,
    demo,
    doctor,
    evaluate,
    export,
    lr_find,
    models,
    plan,
    predict,
    recipes,
    split,
    sweep,
    train,
)
from limner.cli.guard import GuardedGroup
from limner.cli.help import CONTEXT, HelpGroupMixin, examples

# In the order of use.
COMMANDS = (
    *(demo, data, doctor, split, plan, augment, lr_find),
    *(train, sweep, evaluate, compare),
    *(export, predict, bench, card, models, recipes),
)


class _Group(HelpGroupMixin, GuardedGroup):
    """Limner's commands: coloured help, guarded errors."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - Typer's own context, whose class is private
        """The names in the order of use; Typer would put groups of commands last."""
        return [command.__name__.rpartition(".")[2].replace("_", "-") for command in COMMANDS]


app = typer.Typer(
    name="limner",
    cls=_Group,
    help="2-D medical image segmentation: from a first look at the data to one deployable file.",
    epilog=examples(
        "limner demo",
        "limner train kvasir-seg.zip --budget 30m --out runs/polyps",
        "limner predict runs/polyps new-images/ --out predictions",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,  # its options, too, would be read through pydantic
    context_settings=CONTEXT,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import limner

        typer.echo(f"limner {limner.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """2-D medical image segmentation: from a first look at the data to one deployable file."""


for _command in COMMANDS:
    _command.register(app)
