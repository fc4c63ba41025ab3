"""Manifests: tables (CSV, TSV) and JSON lists that name an image and its mask in each row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limner.data.formats.entries import Entry, NoImage, Reading, Unusable
from limner.data.names import is_picture
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from limner.data.formats.lookup import Finder
    from limner.data.store import FileRef

# The first that a manifest has is taken. Case does not count, nor do spaces and hyphens for underscores.
_COLUMNS = {
    "image": ("image", "img", "image_path", "img_path", "image_file", "image_name", "filename", "file_name", "file", "path"),
    "mask": (
        *("mask", "mask_path", "mask_file", "mask_name", "masks", "segmentation", "segmentation_path", "segmentation_file", "seg"),
        *("seg_path", "ground_truth", "gt", "gt_path", "label_path", "label_file", "label", "annotation", "target"),
    ),
    "key": ("key", "id", "image_id"),
    "group": ("group", "group_id", "patient", "patient_id", "subject", "subject_id", "case_id", "sequence", "sequence_id", "slide_id"),
    "fov": ("fov", "fov_path", "fov_mask"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        place: Where it is in the file, such as `line 3`.
        image: The image as written; empty where the cell is.
        masks: The masks as written.
        key: The key; empty where there is none.
        group: The patient or the like; empty where there is none.
        fov: The field-of-view mask; empty where there is none.
        columns: The cells of all other columns.
    """

    place: str
    image: str
    masks: tuple[str, ...]
    key: str
    group: str
    fov: str
    columns: Mapping[str, str]


@dataclass
class _Image:
    """What all rows of an image say together."""

    image: FileRef
    place: str
    pictures: list[FileRef] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    fovs: set[FileRef] = field(default_factory=set)
    columns: list[Mapping[str, str]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def table_rows(heads: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], file: FileRef) -> list[Row]:
    """The rows of a table.

    Raises:
        DataError: It has no column of images, or none of masks.
    """
    columns = _columns(heads)
    if lacking := [role for role in ("image", "mask") if role not in columns]:
        what = f"the table has no column of {' nor of '.join(f'{role}s' for role in lacking)}; it has {', '.join(map(repr, heads[:20]))}"
        raise DataError(what, where=file.display, fix="name them `image` and `mask` in its first line")
    at = {role: list(heads).index(name) for role, name in columns.items()}
    made = (
        _row(f"line {line}", {role: cells[index] for role, index in at.items()}, dict(zip(heads, cells, strict=False)))
        for line, cells in rows
    )
    return [row for row in made if row]  # all are, since cells are text


def json_rows(value: object) -> list[Row] | None:
    """The rows of a JSON list of objects, or of one under `items`; None where it is no manifest.

    What names an image and a mask in the first row that names any is one.

    Example:
        >>> json_rows([{"image": "a.png", "mask": "b.png", "patient": 7}])[0].group
        '7'
        >>> json_rows([{"image": "a.png", "label": "polyp"}])
    """
    items, prefix = (value.get("items"), "items") if isinstance(value, dict) else (value, "")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return None
    rows = []
    for index, item in enumerate(items):
        named = {role: item[name] for role, name in _columns([key for key in item if isinstance(key, str)]).items()}
        if (row := _row(f"{prefix}[{index}]", named, item)) is None or "image" not in named:
            return None
        rows.append(row)
    return rows if name_masks(rows) else None


def name_masks(rows: Iterable[Row]) -> bool:
    """Whether the first masks named are pictures, and not, say, classes."""
    first = next((row.masks[0] for row in rows if row.masks), "")
    return is_picture(first.replace("\\", "/").rsplit("/", 1)[-1])


def read_manifest(rows: Iterable[Row], file: FileRef, finder: Finder) -> Reading:
    """The images of a manifest. Several rows of one image give it several masks, which are merged.

    An image is left out, with a problem that says why, where one of its rows names no mask or one that is not there.

    Raises:
        DataError: Rows of one image name different groups or field-of-view masks.
    """
    reading = Reading(file)
    images: dict[tuple[str, str], _Image] = {}
    for row in rows:
        try:
            found = finder.find(row.image, file, on_disk=True)
        except NoImage:
            reading.missing.append(row.image or f"{row.place} names none")
        except Unusable as error:
            reading.leave_out(row.place, error)
        else:
            image = images.setdefault((found.name, found.display), _Image(found, row.place))
            _add(image, row, file, finder)
    for image in images.values():
        if image.reasons:
            reading.leave_out(f"{image.place}, {image.image.name},", image.reasons[0])
        else:
            reading.entries.append(_entry(image, file))
    return reading


def _add(image: _Image, row: Row, file: FileRef, finder: Finder) -> None:
    image.keys.add(row.key)
    image.groups |= {row.group} - {""}
    image.columns.append(row.columns)
    if not row.masks:
        image.reasons.append(f"{row.place} names no mask")
    try:
        image.pictures += [finder.find(name, file, role="mask", on_disk=True) for name in row.masks]
        image.fovs |= {finder.find(name, file, role="mask", on_disk=True) for name in [row.fov] if name}
    except NoImage as error:
        image.reasons.append(f"{row.place} names '{str(error)[:80]}', which is not there")
    except Unusable as error:
        image.reasons.append(str(error))


def _entry(image: _Image, file: FileRef) -> Entry:
    for said, what in ((image.groups, "groups"), (image.fovs, "field-of-view masks")):
        if len(said) > 1:
            named = " and ".join(sorted(item if isinstance(item, str) else item.name for item in said)[:2])
            raise DataError(f"{image.image.name} is given several {what}: {named}", where=file.display, fix="give all its rows the same")
    key = image.keys.pop() if len(image.keys) == 1 else ""  # where they differ they number rows, not images
    return Entry(
        file,
        image.place,
        image.image,
        pictures=tuple(dict.fromkeys(image.pictures)),
        key=key or None,
        fov=next(iter(image.fovs), None),
        group=next(iter(image.groups), None),
        columns=_agreed(image.columns),
    )


def _agreed(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What all rows of an image say alike; the rest, such as the number of a mask, is not of the image."""
    first, *others = rows
    return {name: cell for name, cell in first.items() if all(row.get(name) == cell for row in others)}


def _columns(heads: Sequence[str]) -> dict[str, str]:
    """Which of the heads plays which role."""
    simple = {re.sub(r"[\s-]+", "_", head.strip().lower()): head for head in reversed(heads)}
    found = {role: next((simple[name] for name in names if name in simple), None) for role, names in _COLUMNS.items()}
    return {role: head for role, head in found.items() if head is not None}


def _row(place: str, named: Mapping[str, Any], whole: Mapping[str, Any]) -> Row | None:
    """A row of values by their roles; None where one is neither text, number, nor (a mask) a list of texts.

    `whole` holds all of the row by its columns' own names.
    """
    masks = named.get("mask")
    texts = {role: _cell(named.get(role)) for role in ("image", "key", "group", "fov")}
    several = [_cell(mask) for mask in (masks if isinstance(masks, list) else [masks])]
    if None in several or None in texts.values():
        return None
    return Row(place, masks=tuple(filter(None, several)), columns=_others(whole), **{role: text or "" for role, text in texts.items()})


def _others(whole: Mapping[Any, Any]) -> dict[str, str]:
    """The cells that play no role, as text; what is neither text nor number is left out."""
    heads = [head for head in whole if isinstance(head, str)]
    roles = set(_columns(heads).values())
    cells = {head.strip(): _cell(whole[head]) for head in heads if head.strip() and head not in roles}
    return {head: cell for head, cell in cells.items() if cell is not None}


def _cell(value: object) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN, as some write empty cells
        return ""
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
