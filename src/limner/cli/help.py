"""Help pages: examples below the options, and colours in a terminal."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

CONTEXT = {
    "max_content_width": 110,
    "help_option_names": ["--help", "-h"],
    "default_map": {"help": False},  # left open, Typer imports pydantic to read it as a bool, a quarter of a second before each page
}

_HEADING = re.compile(r"^(\w[\w ]*:)", re.MULTILINE)
_TERM = re.compile(r"^(  )(-[\w-]+(?:, -[\w-]+)*|\w[\w-]*)(?=  |\s*$| [<\[A-Z])", re.MULTILINE)


def examples(*commands: str) -> str:
    """An epilog of commands, one a line; a backspace before them tells Typer to keep the lines as they are.

    Example:
        >>> examples("limner demo").splitlines()[1:]
        ['Examples:', '  limner demo']
    """
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def tint(text: str) -> str:
    """Add colours to a help page; Typer takes them out again where there is no terminal."""
    text = _HEADING.sub(lambda match: typer.style(match[1], bold=True), text)
    return _TERM.sub(lambda match: match[1] + typer.style(match[2], fg="cyan"), text)


class HelpGroupMixin(TyperGroup):
    """A group with coloured help."""

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401 - Typer's own context, whose class is private
        """The help page."""
        return tint(super().get_help(ctx))


class HelpCommand(TyperCommand):
    """A command with coloured help."""

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401 - Typer's own context, whose class is private
        """The help page."""
        return tint(super().get_help(ctx))
