"""Rows of a table in few bytes: a slide may have a million objects."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.batch.tables import Cell, Cells, Columns


class PackedRows:
    """Rows that have their text in common, as those of one image have; only their numbers are kept for each.

    Args:
        columns: Of the table. Numbers may be absent, but are never NaN.

    Example:
        >>> rows = PackedRows({"file": str, "object": int, "area": float})
        >>> rows.append(("a.png", 1, None))
        >>> len(rows), list(rows)
        (1, [('a.png', 1, None)])
    """

    def __init__(self, columns: Columns) -> None:
        self._kinds = tuple(columns.values())
        self._text: tuple[Cell, ...] | None = None
        self._numbers = array("d")
        self._count = 0

    def append(self, cells: Cells) -> None:
        """Add a row.

        Raises:
            ValueError: Its text is not that of the other rows.
        """
        pairs = list(zip(cells, self._kinds, strict=True))
        text = tuple(cell for cell, kind in pairs if kind is str)
        if self._text is None:
            self._text = text
        elif text != self._text:
            raise ValueError(f"rows of {self._text} and of {text} are not packed together")
        self._numbers.extend(math.nan if cell is None else float(cell) for cell, kind in pairs if kind is not str)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Cells]:
        numbers = iter(self._numbers)
        for _ in range(self._count):
            text = iter(self._text or ())
            yield tuple(next(text) if kind is str else _number(next(numbers), kind) for kind in self._kinds)


def _number(stored: float, kind: type) -> Cell:
    return None if math.isnan(stored) else int(stored) if kind is int else stored
