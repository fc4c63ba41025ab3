"""Markdown of values from an unknown hand: whatever they hold, they stay text, and break neither a line nor a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_RECORDED = "not recorded"

_MOST = 2000  # characters of one value; nobody reads on
_SHOWN = 12  # entries of one list
_SPECIAL = re.compile(r"([\\`*\[\]<>|#~$&])|(?<!\w)(_)|(_)(?!\w)")
_ADDRESS = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/[\w./~%+,=?&:@#-]*)?")


def escaped(text: str) -> str:
    r"""A text on one line, of printable characters, none of which means anything in Markdown or HTML; for cells, and within sentences.

    Example:
        >>> print(escaped("a|b\n# *c* kvasir_seg"))
        a\|b \# \*c\* kvasir_seg
    """
    line = " ".join(printable(text, keep="").split())
    short = line if len(line) <= _MOST else line[:_MOST] + " ..."
    return _SPECIAL.sub(r"\\\1\2\3", short)


def printable(text: str, *, keep: str = "\n\t") -> str:
    r"""A text without characters that steer a terminal instead of being shown in it; a space stands for each.

    Args:
        text: Any.
        keep: Those that stay.

    Example:
        >>> printable("a\x1b[31mb\n")
        'a [31mb\n'
    """
    return "".join(character if character.isprintable() or character in keep else " " for character in text)


def link(address: str) -> str:
    """An address that can be followed, if it is one; else plain text.

    Example:
        >>> link("https://example.org/a"), link("javascript:alert(1)")
        ('<https://example.org/a>', 'javascript:alert(1)')
    """
    return f"<{address}>" if _ADDRESS.fullmatch(address) else escaped(address)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already.

    Example:
        >>> print(table(["a", "b"], [["1", "2"]]))
        | a | b |
        | --- | --- |
        | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def text(value: object) -> str:
    """A text for a cell; what is no text is not told."""
    return escaped(value) if isinstance(value, str) and value.strip() else NOT_RECORDED


def counted(value: object) -> str:
    """A number of things.

    Example:
        >>> counted(31000123), counted("many")
        ('31,000,123', 'not recorded')
    """
    return f"{value:,}" if isinstance(value, int) and abs(value) < 10**15 else NOT_RECORDED


def told(value: object, *, depth: int = 2) -> str:
    """Any JSON value in a few words.

    Example:
        >>> told(["a", 1, True, {"b": 0.5}])
        'a, 1, yes, b: 0.5'
    """
    if isinstance(value, (dict, list, tuple)) and depth == 0:
        return "..."
    if isinstance(value, dict):
        return ", ".join(f"{escaped(str(key))}: {told(item, depth=depth - 1)}" for key, item in first(value)) + _more(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(told(item, depth=depth - 1) for item in value[:_SHOWN]) + _more(value)
    return _single(value)


def first(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """As many entries as are shown."""
    return list(values.items())[:_SHOWN]


def _single(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return counted(value) if isinstance(value, int) else text(value)


def _more(values: Sequence[object] | Mapping[str, object]) -> str:
    return f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
