"""Words that several messages about splits share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first few of some names, with `...` where there are more.

    Example:
        >>> some_of(["a", "b", "c"], 2)
        'a, b, ...'
    """
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])
