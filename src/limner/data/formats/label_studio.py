"""Label Studio's JSON export: one file for many images, a list of tasks with `data` and `annotations`.

Coordinates are percentages of the image as the browser shows it, that is, upright.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from limner.data.formats.classes import UNNAMED
from limner.data.formats.entries import Drawn, Entry, NoImage, Reading, Unusable
from limner.data.formats.lookup import last_part
from limner.data.formats.outlines import ellipse, turn
from limner.data.formats.shapes import Brush, Polygon
from limner.data.formats.text import Coordinate, Label, Many, Outline, Side, checked
from limner.data.names import is_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.data.formats.lookup import Finder
    from limner.data.formats.shapes import Shape
    from limner.data.store import FileRef

_NO_REGION = frozenset({"choices", "textarea", "rating", "number", "taxonomy", "datetime", "pairwise", "ranker", "labels", "relation"})
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the names of uploaded files


class _Result(BaseModel):
    type: str
    id: Label | None = None
    original_height: Side | None = None
    original_width: Side | None = None
    image_rotation: Coordinate | None = None
    item_index: int | None = None
    to_name: Label | None = None
    value: dict[str, Any] = {}


class _Annotation(BaseModel):
    id: int | str | None = None
    result: Many[_Result]
    was_cancelled: bool | None = None
    ground_truth: bool | None = None


class _Task(BaseModel):
    data: dict[str, Any]
    annotations: Many[_Annotation] = []
    file_upload: str | None = None


class _Rectangle(BaseModel):
    x: Coordinate
    y: Coordinate
    width: Annotated[Coordinate, Field(ge=0)]
    height: Annotated[Coordinate, Field(ge=0)]
    rotation: Coordinate = 0.0


class _Ellipse(BaseModel):
    x: Coordinate
    y: Coordinate
    radius_x: Annotated[Coordinate, Field(ge=0, alias="radiusX")]
    radius_y: Annotated[Coordinate, Field(ge=0, alias="radiusY")]
    rotation: Coordinate = 0.0


class _Polygon(BaseModel):
    points: Outline


class _Strokes(BaseModel):
    rle: Many[Annotated[int, Field(ge=0, le=255)]]


def read_label_studio(value: object, file: FileRef, finder: Finder, observer: int = 1) -> Reading:
    """The tasks that somebody has completed.

    Of several annotations of a task the one that is starred as ground truth counts; without a star, that of the observer asked for, in the
    order in which they were made. Skipped ones never count. One without regions is an image without objects.

    Raises:
        DataError: The file is damaged.
    """
    reading = Reading(file)
    for index, entry in enumerate(value if isinstance(value, list) else [value]):
        place = f"[{index}]"
        task: _Task = checked(_Task, entry, file, place)
        try:
            chosen = _choose(task.annotations, observer)
            image = _image(task, file, finder)
            size, drawn = _drawn(task.annotations[chosen].result, f"{place}.annotations[{chosen}]", reading)
            reading.entries.append(Entry(file, place, image, size, drawn))
        except NoImage as error:
            reading.missing.append(str(error))
        except Unusable as error:
            reading.leave_out(place, error)
    return reading


def _choose(annotations: list[_Annotation], observer: int) -> int:
    done = [index for index, annotation in enumerate(annotations) if not annotation.was_cancelled]
    if not done:
        raise Unusable("nobody has completed it")
    if starred := [index for index in done if annotations[index].ground_truth]:
        return starred[0]
    if all(isinstance(annotations[index].id, int) for index in done):
        done.sort(key=lambda index: int(annotations[index].id or 0))
    if len(done) < observer:
        raise Unusable(f"it has no annotation of observer {observer}")
    return done[observer - 1]


def _image(task: _Task, file: FileRef, finder: Finder) -> FileRef:
    """The image that the task shows; names of uploaded files are tried with and without what Label Studio puts before them."""
    texts = [text for key, text in sorted(task.data.items(), key=lambda item: item[0] != "image") if isinstance(text, str)]
    texts += [task.file_upload] if task.file_upload else []
    path = next((path for path in map(last_part, texts) if is_picture(path.rsplit("/", 1)[-1])), None)
    if path is None:
        raise Unusable("its data names no picture")
    base = path.rsplit("/", 1)[-1]
    try:
        return finder.find(path, file)
    except NoImage:
        if not _UPLOAD.match(base):
            raise
        return finder.find(_UPLOAD.sub("", base), file)


def _drawn(results: list[_Result], place: str, reading: Reading) -> tuple[tuple[int, int] | None, tuple[Drawn, ...]]:
    """The size of the image and its objects.

    Raises:
        Unusable: A region has an area that cannot be told, so that the mask would be wrong without it.
    """
    labels: dict[str | None, tuple[str, ...]] = {
        result.id: names for result in results if result.id is not None and (names := _labels(result.value))
    }
    size, drawn = None, []
    if len({result.to_name for result in results if result.original_width}) > 1:
        raise Unusable("its regions are of several images")
    for index, result in enumerate(results):
        kind = result.type.removesuffix("labels") or "labels"
        if kind in _NO_REGION:
            continue
        at = f"{place}.result[{index}]"
        names = _labels(result.value) or labels.get(result.id) or (UNNAMED,)
        reading.classes |= {name: name for name in names}
        try:
            found, shape = _region(kind, result, at, reading.file)
        except NoArea as error:
            reading.leave_out(at, error)
            continue
        if size not in {None, found}:
            raise Unusable("its regions are of images of different sizes")
        size = found
        drawn.append(Drawn(names, (shape,)))
    return size, tuple(drawn)


class NoArea(Exception):  # noqa: N818 - a reason more than an error
    """A region holds no area, so that the mask is right without it."""


def _labels(value: dict[str, Any]) -> tuple[str, ...]:
    """The names in `polygonlabels`, `brushlabels`, `labels`, ..."""
    names = (value[key] for key in sorted(value) if key.endswith("labels") and isinstance(value[key], list))
    return tuple(str(name) for found in names for name in found if isinstance(name, (str, int)))


def _region(kind: str, result: _Result, place: str, file: FileRef) -> tuple[tuple[int, int], Shape]:
    if kind == "keypoint":
        raise NoArea("a point holds no area")
    if kind not in _READERS:
        raise Unusable(f"{place} is a '{kind[:40]}', which is not read")
    if result.image_rotation:
        raise Unusable(f"{place} was drawn while the image was turned by {result.image_rotation:g} degrees; turn it back and export again")
    if result.item_index:
        raise Unusable(f"{place} is of another image than the first of its task")
    if not result.original_height or not result.original_width:
        raise Unusable(f"{place} does not say how large the image is")
    size = (result.original_height, result.original_width)
    model, read = _READERS[kind]
    try:
        return size, read(checked(model, result.value, file, f"{place}.value"), np.array(size[::-1]) / 100)
    except Unusable as error:
        raise NoArea(str(error)) from None


def _rectangle(value: _Rectangle, scale: Any) -> Shape:  # noqa: ANN401 - two pixels per percent
    """Turned about its upper left corner, which lies where it lies after the turn."""
    corners = np.array([(0, 0), (value.width, 0), (value.width, value.height), (0, value.height)]) * scale
    return Polygon.of(turn(corners, value.rotation) + np.array([value.x, value.y]) * scale)


def _ellipse(value: _Ellipse, scale: Any) -> Shape:  # noqa: ANN401
    (x, y), (a, b) = np.array([value.x, value.y]) * scale, np.array([value.radius_x, value.radius_y]) * scale
    return Polygon.of(ellipse((float(x), float(y)), (float(a), float(b)), value.rotation))


def _polygon(value: _Polygon, scale: Any) -> Shape:  # noqa: ANN401
    return Polygon.of(np.array(value.points).reshape(-1, 2) * scale)


def _brush(value: _Strokes, _scale: Any) -> Shape:  # noqa: ANN401
    return Brush(bytes(value.rle))


_READERS: dict[str, tuple[type[BaseModel], Callable[[Any, Any], Shape]]] = {
    "rectangle": (_Rectangle, _rectangle),
    "ellipse": (_Ellipse, _ellipse),
    "polygon": (_Polygon, _polygon),
    "brush": (_Strokes, _brush),
}
