"""The two files of an evaluation: `summary.json`, and `cases.csv` with a row for each image."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import RunError
from limner.files import write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUMMARY = "summary.json"
CASES = "cases.csv"
FIX = "run `limner evaluate` again"


def write(folder: str | Path, summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write both files. The summary comes last, so that where it is there are cases too.

    Args:
        folder: Made when it is not there.
        summary: JSON values.
        rows: At least one. None becomes an empty cell, and so does a column that a row has not.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(column for row in rows for column in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(Path(folder) / CASES, text.getvalue())
    write_json(Path(folder) / SUMMARY, summary)


def read(folder: str | Path) -> tuple[dict[str, Any], list[dict[str, str | None]]]:
    """Read both files back; cells are strings, and None where they are empty.

    Raises:
        RunError: A file is missing or cannot be read.
    """
    summary = _parse(_text(folder, SUMMARY), Path(folder) / SUMMARY)
    table = csv.DictReader(io.StringIO(_text(folder, CASES), newline=""))
    # Cells beyond the last column, which a spreadsheet may have left, are under None.
    return summary, [{column: cell or None for column, cell in row.items() if column is not None} for row in table]


def _text(folder: str | Path, name: str) -> str:
    path = Path(folder) / name
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets put a byte order mark before what they save
    except FileNotFoundError:
        raise RunError(f"there is no complete evaluation here: {name} is missing", where=folder, fix=FIX) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{name} cannot be read: {error}", where=path, fix=FIX) from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise RunError(f"it is not JSON: {error}", where=path, fix=FIX) from None
    if not isinstance(value, dict):
        raise RunError("it is not a summary of an evaluation", where=path, fix=FIX)
    return value
