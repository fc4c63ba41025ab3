"""The error family: every error a user can cause says what is wrong, where, and what to do about it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class LimnerError(Exception):
    """Base of all errors that limner raises on purpose.

    The command line prints it without a traceback and ends with exit code 1.

    Args:
        what: What is wrong, one sentence.
        where: The file, folder, key or option that is at fault.
        fix: What the user can do about it.

    Example:
        >>> print(DataError("the mask has no partner", where="masks/a.png", fix="add images/a.png"))
        the mask has no partner
          where: masks/a.png
          fix: add images/a.png
    """

    def __init__(self, what: str, *, where: str | Path | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class DataError(LimnerError):
    """A source, an image, a mask or a split cannot be used as it is."""


class RecipeError(LimnerError):
    """A recipe, or a value set on the command line, is not valid."""


class RunError(LimnerError):
    """A run folder cannot be started, resumed or read."""


class ModelFileError(LimnerError):
    """A model file is missing, damaged, or not one of limner's."""


class OutputExistsError(LimnerError):
    """Writing would overwrite something that is already there."""


class MissingExtraError(LimnerError):
    """A part of limner was asked for whose optional dependencies are not installed."""

    def __init__(self, extra: str, *, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the extra '{extra}', which is not installed",
            fix=f"pip install 'limner[{extra}]'",
        )


class LimnerWarning(UserWarning):
    """Something that a user should know though the work goes on; the command line prints it loudly."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A hint that names the nearest allowed name, or all of them when none is near.

    Example:
        >>> nearest("epoch", ["epochs", "seed"])
        "did you mean 'epochs'?"
        >>> nearest("zzz", ["epochs", "seed"])
        'allowed: epochs, seed'
    """
    names = sorted(allowed)
    close = get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join(names)}"
