"""Tell which kind of annotation file one is, by what is in it, and read it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from limner.data.formats.coco import read_coco
from limner.data.formats.geojson import read_geojson
from limner.data.formats.label_studio import read_label_studio
from limner.data.formats.labelme import read_labelme
from limner.data.formats.manifest import json_rows, name_masks, read_manifest, table_rows
from limner.data.formats.text import read_json, read_table
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.data.formats.entries import Reading
    from limner.data.formats.lookup import Finder
    from limner.data.options import SourceOptions
    from limner.data.store import FileRef

TABLES = frozenset({".csv", ".tsv"})
SUFFIXES = TABLES | {".json", ".jsonl", ".geojson"}
KINDS = "manifests (CSV or JSON), COCO, LabelMe, Label Studio (exported as JSON, not as JSON-MIN) and GeoJSON"

_KINDS: dict[str, Callable[[object, FileRef, Finder], Reading]] = {"coco": read_coco, "labelme": read_labelme, "geojson": read_geojson}


def read_file(file: FileRef, finder: Finder, options: SourceOptions) -> Reading | None:
    """What an annotation file says; None where it is of no kind that is read.

    Raises:
        DataError: It is damaged.
    """
    if is_table(file.name):
        return read_manifest(table_rows(*read_table(file), file), file, finder)
    value = read_json(file)
    kind = _kind(value, _suffix(file))
    if kind == "label-studio":
        return read_label_studio(value, file, finder, options.observer)
    if kind == "manifest":
        return read_manifest(json_rows(value) or (), file, finder)
    return _KINDS[kind](value, file, finder) if kind else None


def is_known(file: FileRef) -> bool:
    """Whether a file that nobody named is of a kind that is read.

    Raises:
        DataError: It is damaged.
    """
    if not is_table(file.name):
        return _kind(read_json(file), _suffix(file)) is not None
    try:
        return name_masks(table_rows(*read_table(file), file))
    except DataError:  # a table that happens to lie there
        return False


def is_table(name: str) -> bool:
    """Whether a name is that of a table."""
    return PurePosixPath(name).suffix.lower() in TABLES


def looks_meant(file: FileRef) -> bool:
    """Whether a damaged JSON file was to hold annotations, by a word that they all have."""
    data = file.read()
    return any(word in data for word in (b'"annotations"', b'"shapes"', b'"features"', b'"mask"'))


def unknown(file: FileRef) -> DataError:
    """The error of a file of no such kind."""
    what = "the file is of no kind of annotations that is read"
    return DataError(what, where=file.display, fix=f"limner reads {KINDS}")


def _suffix(file: FileRef) -> str:
    return PurePosixPath(file.name).suffix.lower()


def _kind(value: Any, suffix: str) -> str | None:  # noqa: ANN401 - any JSON value
    first = value[0] if isinstance(value, list) and value else value
    keys = first.keys() if isinstance(first, dict) else set()
    if isinstance(value, dict) and keys >= {"images", "annotations"}:
        return "coco"
    if isinstance(value, dict) and "shapes" in keys and keys & {"imagePath", "imageData"}:
        return "labelme"
    if keys >= {"data", "annotations"}:
        return "label-studio"
    if suffix == ".geojson" or (isinstance(first, dict) and first.get("type") in {"Feature", "FeatureCollection"}):
        return "geojson"
    return "manifest" if json_rows(value) else None
