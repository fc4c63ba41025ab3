"""Bytes of an annotation file -> JSON values or the rows of a table, and values -> models. All damage is a `DataError`."""

from __future__ import annotations

import codecs
import csv
import io
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.data.store import FileRef

T = TypeVar("T")
Many = Annotated[list[T], Field(fail_fast=True)]  # the first fault is told; millions of them would only fill the memory

FARTHEST = 1e7  # pixels; no image is this wide
MOST_NUMBERS = 2_000_000  # in one outline
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]
Outline = Annotated[list[Point], Field(fail_fast=True, max_length=MOST_NUMBERS // 2)]
Side = Annotated[int, Field(ge=1, le=int(FARTHEST))]
Label = Annotated[str, Field(coerce_numbers_to_str=True)]

_AGAIN = "export or copy it again"
_SEPARATORS = (",", ";", "\t")


def read_json(file: FileRef) -> Any:  # noqa: ANN401 - any JSON value
    """The value in a JSON file; a file of JSON lines is the list of their values.

    Raises:
        DataError: It cannot be read, is not UTF-8, or is no JSON.
    """
    text = _text(file)
    if file.name.lower().endswith(".jsonl"):
        return [_parsed(line, file, f" in line {number}") for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return _parsed(text, file)


def read_table(file: FileRef) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The heads of a table's columns, and its rows with the number of the line on which each ends.

    The separator is the one of `,`, `;` and tab that the first line holds most of.

    Raises:
        DataError: It cannot be read, is not UTF-8, is empty, or a row is longer than the first.
    """
    rows = _rows(_text(file), file)
    _, heads = next(rows, (0, []))
    if not heads:
        raise DataError("the table is empty", where=file.display, fix="its first line names the columns, such as image,mask")
    found = []
    for line, row in rows:
        if len(row) > len(heads):
            what = f"line {line} has {len(row)} cells, but the first line names {len(heads)} columns"
            raise DataError(what, where=file.display, fix="set cells that hold the separator in double quotes")
        found.append((line, row + [""] * (len(heads) - len(row))))
    return heads, found


def checked(model: Any, value: object, file: FileRef, place: str = "") -> Any:  # noqa: ANN401 - a model, or any type that pydantic knows
    """A JSON value as what it should be.

    Args:
        model: A type.
        value: The value.
        file: Where it is from.
        place: Which entry of the file it is, such as `images[3]`.

    Raises:
        DataError: It is not; the error names the entry.
    """
    try:
        return _adapter(model).validate_python(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        deepest = max(errors, key=lambda fault: len(fault["loc"]))  # of the alternatives of a type, the one that fits best
        entry = f"{place}{_path(value, deepest['loc'], missing=deepest['type'] == 'missing')}".lstrip(".")
        what = f"the annotations are damaged at {entry or 'the top'}: {deepest['msg'][:200]}"
        raise DataError(what, where=file.display, fix=_AGAIN) from None
    except RecursionError:
        raise DataError("the annotations are nested too deeply", where=file.display, fix=_AGAIN) from None


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    """Making one takes as long as checking thousands of values."""
    return TypeAdapter(model)


def _path(value: object, steps: Sequence[str | int], *, missing: bool) -> str:
    """Where a fault is, without the steps that name the alternatives of a type."""
    told = ""
    for index, step in enumerate(steps):
        if isinstance(step, int):
            told += f"[{step}]"
            value = value[step] if isinstance(value, list) and step < len(value) else None
        elif isinstance(value, dict) and (step in value or (missing and index == len(steps) - 1)):
            told += f".{step}"
            value = value.get(step)
    return told


def _text(file: FileRef) -> str:
    data = file.read()
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        what = f"the file is not text in UTF-8: the byte at {error.start} is none of its characters"
        raise DataError(what, where=file.display, fix='save it as UTF-8 (in Excel: "CSV UTF-8")') from None


def _parsed(text: str, file: FileRef, place: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """By pydantic's parser, since the standard library's meets deep nesting with RecursionError."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError as error:
        raise DataError(f"the file is no JSON{place}: {str(error)[:200]}", where=file.display, fix=_AGAIN) from None


def _rows(text: str, file: FileRef) -> Iterator[tuple[int, list[str]]]:
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"the table is damaged in line {reader.line_num}: {error}", where=file.display, fix=_AGAIN) from None
