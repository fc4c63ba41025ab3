"""Progress on standard error: a bar in a terminal, a line now and then elsewhere.

Whatever takes long accepts a `Progress`, a function of (done, total), and knows nothing of how it is shown.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    Progress: TypeAlias = Callable[[int, int], None]


@cache
def error_console() -> Console:
    """The one console for standard error. Shared, so that a message printed while a bar is drawn appears above the bar."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def show_progress(label: str, *, enabled: bool = True) -> Iterator[Progress]:
    """Yield a function of (done, total) that shows how far the work named `label` is.

    Where there is no terminal, work that is done in a moment prints nothing.

    Args:
        label: What is being done, such as "evaluating".
        enabled: False shows nothing.

    Example:
        >>> with show_progress("reading", enabled=False) as tick:
        ...     tick(1, 2)
    """
    if not enabled:
        yield lambda _done, _total: None
    elif error_console().is_terminal:
        with _bar(label) as tick:
            yield tick
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TextColumn("[dim]left"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=error_console()) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(label: str, *, pause_s: float = 2.0) -> Progress:
    """A line at about every tenth, but not more often than every `pause_s` seconds, and none before that."""
    tenth, last = 0, monotonic()

    def tick(done: int, total: int) -> None:
        nonlocal tenth, last
        now = monotonic()
        if 10 * done // max(total, 1) > tenth and now - last >= pause_s:
            tenth, last = 10 * done // max(total, 1), now
            error_console().print(f"{label}: {done}/{total}", markup=False, soft_wrap=True)

    return tick
