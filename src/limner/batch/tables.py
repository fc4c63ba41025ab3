"""Tables with columns of known types, as CSV or Parquet, written and read back."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from limner.errors import DataError
from limner.files import atomic_path, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Cell: TypeAlias = str | int | float | None
Cells: TypeAlias = tuple[Cell, ...]
Columns: TypeAlias = "Mapping[str, type]"

_DECIMALS = 4
_DIGITS = 6  # of numbers below 1, that are not zero


def write_cells(rows: Iterable[Cells], columns: Columns, path: Path) -> None:
    """Write a table, atomically: as Parquet where the name ends in that, else as CSV, with four decimals at least."""
    if path.suffix == ".parquet":
        _write_parquet(rows, columns, path)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    write_text(path, text.getvalue())


def read_cells(path: Path, columns: Columns) -> list[Cells]:
    """The rows of a table that `write_cells` has written; none where there is none.

    Raises:
        DataError: It is no such table.
        MissingExtraError: It is a Parquet file, and pyarrow is not installed.
    """
    if not path.is_file():
        return []
    try:
        rows = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
        return [_checked(row, columns) for row in _below_heading(rows, columns)]
    except (ValueError, csv.Error, OSError) as error:
        fix = "choose another --out; or predict all images anew with --overwrite"
        raise DataError(f"the measurements so far cannot be read: {error}", where=path, fix=fix) from None


def _below_heading(rows: list[list[Any]], columns: Columns) -> list[list[Any]]:
    if not rows or rows[0] != list(columns):
        raise ValueError(f"its columns are not {','.join(columns)}")
    return rows[1:]


def _checked(row: list[Any], columns: Columns) -> Cells:
    return tuple(_cell(cell, kind) for cell, kind in zip(row, columns.values(), strict=True))


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return _rounded(cell) if isinstance(cell, float) else str(cell)


def _rounded(value: float) -> str:
    """A number as text.

    Example:
        >>> _rounded(29123.456789), _rounded(0.00031415926), _rounded(2.0)
        ('29123.4568', '0.000314159', '2')
    """
    decimals = _DECIMALS if not 0 < abs(value) < 1 else max(_DECIMALS, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def _cell(stored: Any, kind: type) -> Cell:  # noqa: ANN401 - text of a CSV file, or a value of a Parquet file
    return None if stored is None or (stored == "" and kind is not str) else kind(stored)


def _read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.reader(lines))


def _write_parquet(rows: Iterable[Cells], columns: Columns, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    held = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(cells, kinds[kind]) for cells, kind in zip(held, columns.values(), strict=True)]
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(arrays, names=list(columns)), temporary)


def _read_parquet(path: Path) -> list[list[Any]]:
    from limner.batch.layout import require_parquet

    require_parquet()
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return [table.column_names, *map(list, zip(*(column.to_pylist() for column in table.columns), strict=True))]
