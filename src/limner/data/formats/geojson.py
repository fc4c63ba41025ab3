"""GeoJSON as QuPath writes it: one file for each image, of its stem, with a feature for each object, in pixels of the whole image."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from limner.data.formats.classes import UNNAMED
from limner.data.formats.entries import Drawn, Entry, NoImage, Reading, Unusable
from limner.data.formats.shapes import Polygon
from limner.data.formats.text import MOST_NUMBERS, Coordinate, Many, checked
from limner.data.names import is_picture

if TYPE_CHECKING:
    from limner.data.formats.lookup import Finder
    from limner.data.store import FileRef

_WITHOUT_AREA = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString"})
_AFFIX = re.compile(r"[-_. ](annotations?|objects|detections)$", re.IGNORECASE)
_Position = Annotated[list[Coordinate], Field(min_length=2, max_length=4)]  # beyond x and y it may have a height
_Rings = Many[Annotated[list[_Position], Field(fail_fast=True, max_length=MOST_NUMBERS // 2)]]


class _Geometry(BaseModel):
    type: str
    coordinates: Any = None


class _Feature(BaseModel):
    geometry: _Geometry | None = None
    properties: dict[str, Any] | None = None


def read_geojson(value: object, file: FileRef, finder: Finder) -> Reading:
    """The image of a GeoJSON file. Its classes are the names under `classification`.

    Raises:
        DataError: The file is damaged.
    """
    features = value.get("features", [value]) if isinstance(value, dict) else value
    found: list[_Feature] = checked(Many[_Feature], features, file, "features")
    reading = Reading(file)
    try:
        image = _image(file, finder)
        drawn = tuple(made for index, feature in enumerate(found) if (made := _drawn(feature, f"features[{index}]", reading)))
        reading.entries.append(Entry(file, "", image, None, drawn))
    except NoImage as error:
        reading.missing.append(f"an image named as {error}")
    except Unusable as error:
        reading.leave_out("", error)
    return reading


def _image(file: FileRef, finder: Finder) -> FileRef:
    """Of the file's stem, `slide.geojson` or `slide_annotations.geojson`, or of the name in it, `slide.png.geojson`."""
    stem = PurePosixPath(file.name).stem
    if is_picture(stem):
        return finder.find(stem, file)
    return finder.beside(stem if finder.of_stem(stem) else _AFFIX.sub("", stem), file)


def _drawn(feature: _Feature, place: str, reading: Reading) -> Drawn | None:
    """The object of a feature; None where it holds no area.

    Raises:
        Unusable: Its area cannot be told, so that the mask would be wrong without it.
    """
    if feature.geometry is None:
        return None
    kind, at = feature.geometry.type, f"{place}.geometry.coordinates"
    if kind in _WITHOUT_AREA:
        reading.leave_out(place, f"a {kind} holds no area")
        return None
    if kind not in {"Polygon", "MultiPolygon"}:
        raise Unusable(f"{place} is a '{kind[:40]}', which is not read")
    parts = [feature.geometry.coordinates] if kind == "Polygon" else checked(Many[Any], feature.geometry.coordinates, reading.file, at)
    name = _class(feature.properties or {})
    reading.classes[name] = name
    shapes = []
    for part in parts:
        try:
            shapes.append(_polygon(part, reading.file, at))
        except Unusable as error:
            reading.leave_out(place, f"a part of it: {error}" if len(parts) > 1 else str(error))
    return Drawn((name,), tuple(shapes)) if shapes else None


def _polygon(coordinates: object, file: FileRef, place: str) -> Polygon:
    rings: list[list[list[float]]] = checked(_Rings, coordinates, file, place)
    return Polygon.of(*([point[:2] for point in ring] for ring in rings))


def _class(properties: dict[str, Any]) -> str:
    """`classification.name`, or the `names` of a class within a class as QuPath shows them, `Tumor: Positive`."""
    said = properties.get("classification")
    if not isinstance(said, dict):
        return said if isinstance(said, str) and said else UNNAMED
    names = said["names"] if isinstance(said.get("names"), list) else [said.get("name")]
    name = ": ".join(str(name) for name in names if isinstance(name, (str, int))) or UNNAMED
    ignored = properties.get("isIgnored") or said.get("isIgnored")
    return f"{name}*" if ignored and not name.endswith("*") else name
