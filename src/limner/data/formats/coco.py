"""COCO JSON: one file for many images, with `images`, `annotations` and `categories`."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, Field

from limner.data.formats.entries import Drawn, Entry, NoImage, Reading, Unusable
from limner.data.formats.shapes import Polygon, Runs
from limner.data.formats.text import MOST_NUMBERS, Coordinate, Label, Many, Side, checked
from limner.data.wording import counted
from limner.errors import DataError

if TYPE_CHECKING:
    from limner.data.formats.lookup import Finder
    from limner.data.formats.shapes import Shape
    from limner.data.store import FileRef

_Flat = Annotated[list[Coordinate], Field(fail_fast=True, max_length=MOST_NUMBERS)]
_Count = Annotated[int, Field(ge=0, le=2**40)]


class _Runs(BaseModel):
    size: tuple[Side, Side]
    counts: str | Many[_Count]


class _Image(BaseModel):
    id: Label
    file_name: str
    height: Side | None = None
    width: Side | None = None


class _Annotation(BaseModel):
    image_id: Label
    category_id: Label
    segmentation: Many[_Flat] | _Runs | None = None


class _Category(BaseModel):
    id: Label
    name: Label


class _File(BaseModel):
    images: Many[_Image]
    annotations: Many[_Annotation]
    categories: Many[_Category] = []


def read_coco(value: object, file: FileRef, finder: Finder) -> Reading:
    """The images of a COCO file. One without annotations is an image without objects.

    Raises:
        DataError: The file is damaged, two images have one id, or an annotation is of an image or a category that it does not list.
    """
    data: _File = checked(_File, value, file)
    names = {category.id: category.name for category in data.categories}
    reading = Reading(file, classes={**names, **{name: name for name in names.values()}})
    drawn = _by_image(data, names, reading)
    for index, image in enumerate(data.images):
        objects = drawn[image.id]
        try:
            found = finder.find(image.file_name, file)
            if isinstance(objects, Unusable):
                raise objects
            size = (image.height, image.width) if image.height and image.width else None
            reading.entries.append(Entry(file, f"images[{index}]", found, size, tuple(objects)))
        except NoImage as error:
            reading.missing.append(str(error))
        except Unusable as error:
            reading.leave_out(f"images[{index}], {image.file_name},", error)
    return reading


def _by_image(data: _File, names: dict[str, str], reading: Reading) -> dict[str, list[Drawn] | Unusable]:
    """The objects on each image, or why it cannot be used: with one of its objects unknown its mask would be wrong."""
    count = Counter(image.id for image in data.images)
    if twice := [one for one, number in count.items() if number > 1]:
        what = f"{counted(len(twice), 'id')} in `images` used for several images: {', '.join(twice[:3])}"
        raise DataError(what, where=reading.file.display, fix="files that are put together need new ids; or keep them apart in one folder")
    drawn: dict[str, list[Drawn] | Unusable] = defaultdict(list)
    for index, annotation in enumerate(data.annotations):
        place = f"annotations[{index}]"
        if annotation.image_id not in count or (names and annotation.category_id not in names):
            what = f"{place} is of an image or a category that the file does not list"
            raise DataError(what, where=reading.file.display, fix="export it again, as a whole")
        name = names.get(annotation.category_id, annotation.category_id)
        reading.classes.setdefault(name, name)
        objects = drawn[annotation.image_id]
        try:
            shapes = _shapes(annotation, place, reading)
        except Unusable as error:
            drawn[annotation.image_id] = error
        else:
            if isinstance(objects, list) and shapes:
                objects.append(Drawn((name,), shapes))
    return drawn


def _shapes(annotation: _Annotation, place: str, reading: Reading) -> tuple[Shape, ...]:
    segmentation = annotation.segmentation
    if isinstance(segmentation, _Runs):
        counts = segmentation.counts
        return (Runs(segmentation.size, counts if isinstance(counts, str) else np.array(counts, dtype="<i8").tobytes()),)
    if not segmentation or not any(segmentation):
        raise Unusable(f"{place} has no outline, only a box")
    shapes = []
    for part, numbers in enumerate(segmentation):
        if len(numbers) % 2:
            what = f"{place}.segmentation[{part}] holds an odd number of coordinates"
            raise DataError(what, where=reading.file.display, fix="export it again")
        try:
            shapes.append(Polygon.of(numbers))
        except Unusable as error:
            reading.leave_out(f"{place}.segmentation[{part}]", error)
    return tuple(shapes)
