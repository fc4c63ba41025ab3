"""LabelMe JSON: one file for each image, with `shapes` and `imagePath`. LabelMe shows images upright, as limner reads them."""

from __future__ import annotations

import base64
import binascii
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from limner.data.formats.entries import Drawn, Entry, NoImage, Reading, Unusable
from limner.data.formats.outlines import ellipse
from limner.data.formats.shapes import Polygon, Stamp
from limner.data.formats.text import Label, Many, Outline, Side, checked, read_json
from limner.data.store import FileRef
from limner.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.formats.lookup import Finder
    from limner.data.formats.shapes import Shape

_WITHOUT_AREA = frozenset({"line", "linestrip", "point", "points"})


class _Shape(BaseModel):
    label: Label
    points: Outline
    shape_type: str | None = None
    group_id: Label | None = None
    mask: str | None = None


class _File(BaseModel):
    shapes: Many[_Shape]
    path: str | None = Field(default=None, alias="imagePath")
    data: str | None = Field(default=None, alias="imageData")
    height: Side | None = Field(default=None, alias="imageHeight")
    width: Side | None = Field(default=None, alias="imageWidth")


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """The store of the image within a LabelMe file, which is decoded anew at each reading, so that it takes no memory between."""

    file: FileRef

    @property
    def place(self) -> Path:
        return self.file.store.place

    def names(self) -> list[str]:
        return [self.file.name]

    def read(self, name: str) -> bytes:
        value = read_json(self.file)
        return _decoded(value.get("imageData") if isinstance(value, dict) else None, self.display(name))

    def display(self, name: str) -> str:
        return f"{self.file.display} (imageData)"


def read_labelme(value: object, file: FileRef, finder: Finder) -> Reading:
    """The image of a LabelMe file: the one it names, else one with the file's own stem, else the one within it.

    Shapes of one label and group are one object. Points and lines hold no area and are left out, as a problem says.

    Raises:
        DataError: The file is damaged.
    """
    data: _File = checked(_File, value, file)
    reading = Reading(file, classes={shape.label: shape.label for shape in data.shapes})
    try:
        image = _image(data, file, finder)
        size = (data.height, data.width) if data.height and data.width else None
        reading.entries.append(Entry(file, "", image, size, _drawn(data.shapes, reading)))
    except NoImage as error:
        reading.missing.append(str(error))
    except Unusable as error:
        reading.leave_out("", error)
    return reading


def _image(data: _File, file: FileRef, finder: Finder) -> FileRef:
    stem = PurePosixPath(file.name).stem
    try:
        return finder.find(data.path or stem, file, on_disk=True)
    except NoImage:
        if finder.of_stem(stem):
            return finder.beside(stem, file)
        if data.data:
            return FileRef(file.name, EmbeddedImage(file))
        raise


def _drawn(shapes: list[_Shape], reading: Reading) -> tuple[Drawn, ...]:
    objects: dict[tuple[str, str | int], list[Shape]] = defaultdict(list)
    for index, shape in enumerate(shapes):
        place = f"shapes[{index}]"
        key = (shape.label, index if shape.group_id is None else shape.group_id)
        try:
            objects[key].append(_shape(shape, place, reading.file))
        except Unusable as error:
            reading.leave_out(place, error)
    return tuple(Drawn((label,), tuple(parts)) for (label, _), parts in objects.items() if parts)


def _shape(shape: _Shape, place: str, file: FileRef) -> Shape:
    kind = shape.shape_type or "polygon"
    if kind in _WITHOUT_AREA:
        raise Unusable(f"a {kind} holds no area")
    if kind in {"polygon", "oriented_rectangle"}:
        return Polygon.of(shape.points)
    if kind == "rectangle" and len(shape.points) == 4:  # as newer tools write it
        return Polygon.of(shape.points)
    if kind not in {"rectangle", "circle", "mask"} or len(shape.points) != 2:
        what = f"{place} is a {kind[:40]} of {len(shape.points)} points, which is not read"
        raise DataError(what, where=file.display, fix="draw it as a polygon, a rectangle, a circle or a mask")
    (x1, y1), (x2, y2) = shape.points
    if kind == "rectangle":
        return Polygon.of([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
    if kind == "circle":
        radius = math.hypot(x2 - x1, y2 - y1)
        return Polygon.of(ellipse((x1, y1), (radius, radius)))
    return Stamp(_decoded(shape.mask, f"{file.display} ({place})"), int(x1), int(y1))


def _decoded(data: Any, where: str) -> bytes:  # noqa: ANN401 - whatever the file holds
    try:
        return base64.b64decode(data, validate=False)
    except (TypeError, ValueError, binascii.Error) as error:
        raise DataError(f"the picture within the annotations is no base64: {error}", where=where, fix="export it again") from None
