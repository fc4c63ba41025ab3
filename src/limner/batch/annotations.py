"""Outlines as annotation tools read them: COCO and LabelMe JSON, and GeoJSON as QuPath has it.

Outlines run along the edges of pixels, in the coordinates that all of these share: (0, 0) is the upper left corner of the image. Drawn
again, they give the same pixels. `limner.data.formats` reads all three.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.imaging.overlay import GREEN
from limner.imaging.write import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from limner.imaging.contours import Outline
    from limner.types import ProbArray

JsonObject = dict[str, Any]


def coco_annotations(outlines: Iterable[Outline], probs: ProbArray) -> list[JsonObject]:
    """An annotation for each object, without the ids that belong to the whole file.

    Objects without holes are polygons, those with holes run lengths: COCO's polygons cannot have any.
    """
    return [
        {
            "category_id": 1,
            "segmentation": _run_lengths(one, probs.shape) if one.has_holes else [_flat(part.shell) for part in one.parts],
            "bbox": _box(one),
            "area": int(one.mask.sum()),
            "iscrowd": 0,
            "score": _score(one, probs),
        }
        for one in outlines
    ]


def coco_file(images: Iterable[Mapping[str, Any]], category: str, model: str) -> JsonObject:
    """A COCO file.

    Args:
        images: Each with `file_name`, `mask`, `width`, `height`, and its `annotations`.
        category: What is outlined.
        model: The model's name and checksum.
    """
    listed: list[JsonObject] = []
    annotations: list[JsonObject] = []
    for number, image in enumerate(images, start=1):
        listed.append({"id": number} | {key: value for key, value in image.items() if key != "annotations"})
        for annotation in image["annotations"]:
            annotations.append({"id": len(annotations) + 1, "image_id": number} | annotation)
    categories = [{"id": 1, "name": category, "supercategory": ""}]
    info = {"description": f"predicted by {model}"}
    return {"info": info, "licenses": [], "images": listed, "annotations": annotations, "categories": categories}


def labelme_file(outlines: Iterable[Outline], label: str, size: tuple[int, int], image: Path | str, beside: Path) -> JsonObject:
    """A LabelMe file.

    An object without holes is a polygon, or several of one group; one with holes is a mask, since LabelMe's polygons cannot have any.

    Args:
        outlines: The objects.
        label: What they are.
        size: Height and width of the image.
        image: Its place on disk; of an image in an archive, its name.
        beside: The folder that the file is to lie in.
    """
    shapes = [shape for one in outlines for shape in (_stamp(one, label) if one.has_holes else _polygons(one, label))]
    place = image if isinstance(image, str) else os.path.relpath(image.resolve(), beside.resolve())
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": str(place).replace(os.sep, "/"),
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def geojson_file(outlines: Iterable[Outline], name: str, probs: ProbArray) -> JsonObject:
    """A GeoJSON feature collection, each object an annotation of QuPath."""
    return {"type": "FeatureCollection", "features": [_feature(one, name, probs) for one in outlines]}


def _feature(one: Outline, name: str, probs: ProbArray) -> JsonObject:
    polygons = [[_closed(ring) for ring in (part.shell, *part.holes)] for part in one.parts]
    single = len(polygons) == 1
    properties = {
        "objectType": "annotation",
        "name": f"{name} {one.label}",
        "classification": {"name": name, "color": list(GREEN)},
        "measurements": {"Area px^2": int(one.mask.sum()), "Mean probability": _score(one, probs)},
    }
    geometry = {"type": "Polygon" if single else "MultiPolygon", "coordinates": polygons[0] if single else polygons}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _polygons(one: Outline, label: str) -> list[JsonObject]:
    group = one.label if len(one.parts) > 1 else None
    return [_shape(label, part.shell.astype(float).tolist(), "polygon", group) for part in one.parts]


def _stamp(one: Outline, label: str) -> list[JsonObject]:
    """The object as a small PNG; its box is given by its first and last pixel."""
    left, top, width, height = _box(one)
    shape = _shape(label, [[left, top], [left + width - 1, top + height - 1]], "mask", None)
    return [shape | {"mask": base64.b64encode(encode_png(one.mask)).decode()}]


def _shape(label: str, points: list[list[float]], kind: str, group: int | None) -> JsonObject:
    return {"label": label, "points": points, "group_id": group, "description": "", "shape_type": kind, "flags": {}, "mask": None}


def _run_lengths(one: Outline, size: tuple[int, ...]) -> JsonObject:
    """COCO's run lengths, packed."""
    from pycocotools import mask as coco

    whole = np.zeros(size, np.uint8, order="F")
    whole[one.window] = one.mask
    return {"size": list(size), "counts": coco.encode(whole)["counts"].decode()}


def _box(one: Outline) -> list[int]:
    rows, columns = one.window
    return [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]


def _score(one: Outline, probs: ProbArray) -> float:
    return round(float(probs[one.window][one.mask].mean(dtype=np.float64)), 4)


def _flat(ring: NDArray[np.int32]) -> list[int]:
    return [int(value) for value in ring.ravel()]


def _closed(ring: NDArray[np.int32]) -> list[list[int]]:
    points: list[list[int]] = ring.tolist()
    return [*points, points[0]]
