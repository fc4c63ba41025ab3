"""Names of models in figures: broken into lines, never cut, so that two of them never read the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART = re.compile(r"[^\s_./-]+[\s_./-]*|[\s_./-]+")  # with the signs after it, behind which a line may end


def wrap(text: str, width: int) -> str:
    """Lines of at most `width` characters, broken behind spaces, `_`, `-`, `.` and `/`, or within a part that is longer than a line.

    Example:
        >>> wrap("levels-2_normalisation-none_seed-0", 24).split(chr(10))
        ['levels-2_normalisation-', 'none_seed-0']
    """
    lines = [""]
    for part in _pieces(text, width):
        if len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.strip() for line in lines)


def lines_of(texts: Sequence[str]) -> int:
    """How many lines the longest of them has."""
    return max((text.count("\n") + 1 for text in texts), default=1)


def short_keys(keys: Sequence[str], length: int) -> list[str]:
    """The ends of long names of images where these tell all of them apart, else the whole names.

    Example:
        >>> short_keys(["site-a/0001", "site-b/0002"], 6), short_keys(["site-a/0001", "site-b/0001"], 6)
        (['…/0001', '…/0002'], ['site-a/0001', 'site-b/0001'])
    """
    short = [key if len(key) <= length else f"…{key[1 - length :]}" for key in keys]
    return short if len(set(short)) == len(set(keys)) else list(keys)


def _pieces(text: str, width: int) -> list[str]:
    return [part[start : start + width] for part in _PART.findall(text) for start in range(0, len(part), width)]
