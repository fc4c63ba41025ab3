"""What the commands print: tables and JSON on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from limner.progress import error_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from limner.errors import LimnerError

PIPED_WIDTH = 160  # columns where nobody has a window: a table in a log is better long than cut


def output_console() -> Console:
    """The console for standard output."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """A table of plain text; the columns named in `right` are aligned to the right. Text is folded, never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, style="bold") if title else None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(Text(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def print_table(table: Table) -> None:
    """Print to standard output."""
    output_console().print(table)


def say(text: str, *, style: str = "") -> None:
    """Print a line to standard output, long paths unbroken."""
    output_console().print(text, style=style or None, markup=False, soft_wrap=True)


def note(text: str, *, style: str = "") -> None:
    """Print a line to standard error, long paths unbroken."""
    error_console().print(text, style=style or None, markup=False, soft_wrap=True)


def teller(*, quiet: bool) -> Callable[[str], None]:
    """What a long command tells of its steps: to standard error, or, when it is to be quiet, nothing."""
    return (lambda _step: None) if quiet else (lambda step: note(step, style="dim"))


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def only_json(active: bool) -> Iterator[None]:
    """While the work is done, what any library prints goes to standard error, so that standard output holds only the JSON."""
    if not active:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def show_error(error: LimnerError) -> None:
    """Print what is wrong, where, and what to do."""
    note(f"error: {error.what}", style="bold red")
    if error.where:
        note(f"  where: {error.where}", style="red")
    if error.fix:
        note(f"  fix:   {error.fix}")
