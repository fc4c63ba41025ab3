"""The table of predictions, predictions.csv: a row for each mask says of which image and by which model it is."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from limner.errors import DataError
from limner.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS = (
    "file",
    "mask",
    "model",  # name and checksum; a spreadsheet would take a checksum alone for a number now and then
    "width",
    "height",
    "foreground_share",
    "objects",  # how many
    "mean_foreground_prob",
    "max_prob",
    "needs_review",  # see `limner.metrics.review`; higher is more doubtful
    "flagged",  # whether that is above the model's own limit: yes or no, empty where it has none
    "milliseconds",  # the prediction alone, from decoded image to mask
)

_NEW = ("needs_review", "flagged", "objects")  # not in tables of an older limner; the first two came together, the last later

Row = dict[str, str]


def claim(file: str, mask: str, model: str) -> Row:
    """The row of a mask that is still to be written: all its numbers are empty."""
    return dict.fromkeys(COLUMNS, "") | {"file": file, "mask": mask, "model": model}


def is_claim(row: Row) -> bool:
    """Whether the row's mask is still to be written.

    Example:
        >>> is_claim(claim("in/a.png", "masks/a.png", "toy 0123456789ab"))
        True
    """
    return not row["milliseconds"]


def read_table(path: Path) -> dict[str, Row]:
    """The rows of a table by mask, in their order; none where there is no table.

    A table that a spreadsheet has saved is read too, if it is UTF-8 (with or without a byte order mark) and its columns are what they were.

    Raises:
        DataError: It is no such table.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows, columns = list(reader), reader.fieldnames or ()
    except UnicodeDecodeError:
        raise _unusable("it is not UTF-8 text", path) from None
    except csv.Error as error:
        raise _unusable(str(error), path) from None
    missing = [name for name in _NEW if name not in columns]
    if missing and set(columns) == set(COLUMNS) - set(missing):
        what = f"the predictions so far are by an older limner, whose table has no {missing[0]}"
        raise DataError(what, where=path, fix="predict all images anew with --overwrite, or choose another --out")
    if sorted(columns) != sorted(COLUMNS):
        raise _unusable(f"its columns are not {','.join(COLUMNS)}", path)
    if any(None in row or None in row.values() for row in rows):
        raise _unusable("a row has not as many fields as there are columns", path)
    if not all(_reads(int, row["objects"]) and _reads(float, row["needs_review"]) for row in rows):
        raise _unusable("a number of objects, or how much an image asks for a review, is no number", path)
    return {row["mask"]: row for row in rows}


def _reads(kind: type[int | float], cell: str) -> bool:
    """Whether a cell is such a number; a claim has none."""
    try:
        kind(cell or 0)
    except ValueError:
        return False
    return True


def save_table(rows: Iterable[Row], path: Path) -> None:
    """Write the table, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _unusable(why: str, path: Path) -> DataError:
    fix = "save it as CSV with commas, in UTF-8, with the columns that it had; or choose another --out"
    return DataError(f"the table of the predictions so far cannot be read: {why}", where=path, fix=fix)
