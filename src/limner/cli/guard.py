"""What becomes of an error: a message and an exit code, and a traceback only for bugs, in a file."""

from __future__ import annotations

import errno
import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer
from typer.core import TyperGroup

from limner.cli.console import note, show_error
from limner.errors import LimnerError, LimnerWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_INPUT = 1
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class GuardedGroup(TyperGroup):
    """The group of all commands; errors of any of them end in `guarded`."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own context, whose class is private
        """Run the command."""
        with guarded():
            return super().invoke(ctx)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what a command raises into a message and an exit code. With LIMNER_DEBUG=1 tracebacks are shown as they are."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.simplefilter("always", LimnerWarning)
        try:
            yield
        except LimnerError as error:
            _raise_for_debugging(error)
            show_error(error)
            raise typer.Exit(WRONG_INPUT) from None
        except KeyboardInterrupt:
            note("\nstopped")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001 - the last net: whatever else is raised is reported as a bug
            _handle(error)


@contextmanager
def if_interrupted(message: str) -> Iterator[None]:
    """On Ctrl-C, say what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"\nstopped: {message}", style="yellow")
        raise typer.Exit(INTERRUPTED) from None


def _handle(error: Exception) -> None:
    """Deal with anything but limner's own errors: Typer's pass, the system's are explained, the rest are bugs."""
    if hasattr(error, "exit_code") or isinstance(error, typer.Abort):  # Typer's Exit, its usage errors, and its Abort
        raise error
    if isinstance(error, OSError) and error.errno == errno.EPIPE:  # the reader of a pipe has gone; Typer ends quietly
        raise error
    _raise_for_debugging(error)
    if isinstance(error, OSError) and error.strerror:
        show_error(LimnerError(f"the system refused: {error.strerror}", where=error.filename, fix=_FIXES.get(error.errno or 0)))
        raise typer.Exit(WRONG_INPUT) from None
    _report_bug(error)
    raise typer.Exit(INTERNAL_ERROR) from None


_FIXES = {
    errno.ENOSPC: "free some space on the disk, or choose another folder with --out",
    errno.EACCES: "check the permissions, or choose another folder with --out",
    errno.EROFS: "choose a folder that can be written to with --out",
}


def _raise_for_debugging(error: Exception) -> None:
    """Raise the error again if the user wants to see where it came from."""
    if os.environ.get("LIMNER_DEBUG", "") not in {"", "0"}:
        raise error


def _report_bug(error: Exception) -> None:
    log = _write_log(error)
    note(f"error: {type(error).__name__}: {error}", style="bold red")
    note("  this is a bug in limner, not a mistake of yours")
    note(f"  where: the full traceback is in {log}")
    note("  fix:   report it with that file; LIMNER_DEBUG=1 shows the traceback at once")


def _write_log(error: Exception) -> Path:
    """Write the traceback where logs belong, or to the temporary folder if that cannot be written to."""
    import tempfile
    import traceback
    from datetime import datetime

    from platformdirs import user_log_path

    text = "".join(traceback.format_exception(error))
    name = f"limner-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for folder in (user_log_path("limner", appauthor=False), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return Path(os.devnull)


def _show_warning(  # noqa: PLR0917 - the signature of warnings.showwarning
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Warnings meant for the user are loud; those of libraries are one dim line, and what only their authors can change is not shown."""
    if issubclass(category, LimnerWarning):
        note(f"WARNING: {message}", style="bold yellow")
    elif not issubclass(category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning)):
        note(f"{Path(filename).name}:{lineno}: {category.__name__}: {str(message).splitlines()[0]}", style="dim")
