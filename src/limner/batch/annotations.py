"""Outlines as annotation tools read them: COCO and LabelMe JSON, and GeoJSON as QuPath has it.

Outlines run along the edges of pixels, in the coordinates that all of these share: (0, 0) is the upper left corner of the image. Drawn
again, they give the same pixels. `limner.data.formats` reads all three.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.files import atomic_path
from limner.imaging.overlay import GREEN
from limner.imaging.write import encode_png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
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
    features = [geojson_feature(one, name, area=int(one.mask.sum()), score=_score(one, probs)) for one in outlines]
    return {"type": "FeatureCollection", "features": features}


def geojson_feature(one: Outline, name: str, *, area: int, score: float) -> JsonObject:
    """An object as a feature of GeoJSON: its outline, the number of its pixels, its mean probability."""
    polygons = [[_closed(ring) for ring in (part.shell, *part.holes)] for part in one.parts]
    single = len(polygons) == 1
    properties = {
        "objectType": "annotation",
        "name": f"{name} {one.label}",
        "classification": {"name": name, "color": list(GREEN)},
        "measurements": {"Area px^2": area, "Mean probability": round(score, 4)},
    }
    geometry = {"type": "Polygon" if single else "MultiPolygon", "coordinates": polygons[0] if single else polygons}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


@contextmanager
def geojson_stream(path: str | Path) -> Iterator[Callable[[JsonObject], None]]:
    r"""Write a feature collection, to which features are added within the block; the file is whole or absent. Parent folders are made.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with geojson_stream(f"{folder}/a.geojson") as add:
        ...         add({"type": "Feature"})
        ...     Path(f"{folder}/a.geojson").read_text()
        '{"type":"FeatureCollection","features":[{"type":"Feature"}]}\n'
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        before = '{"type":"FeatureCollection","features":['

        def add(feature: JsonObject) -> None:
            nonlocal before
            file.write(before + compact_json(feature))
            before = ","

        yield add
        file.write(("" if before == "," else before) + "]}\n")


def compact_json(value: object) -> str:
    """JSON in one line: indented, each coordinate would have a line of its own."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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
    """COCO's run lengths, packed; pixels are counted down the columns. They come from the window: the whole image may be large."""
    from pycocotools import mask as coco

    height, width = size
    columns, rows = np.nonzero(one.mask.T)
    places = (columns + one.window[1].start) * height + rows + one.window[0].start
    breaks = np.flatnonzero(np.diff(places) != 1)
    starts, stops = places[np.concatenate(([0], breaks + 1))], places[np.concatenate((breaks, [-1]))] + 1
    end = [] if stops[-1] == height * width else [height * width]
    edges = np.concatenate(([0], np.stack([starts, stops], axis=1).ravel(), end)).astype(np.int64)
    runs = {"size": [height, width], "counts": np.diff(edges).tolist()}
    return {"size": [height, width], "counts": coco.frPyObjects(runs, height, width)["counts"].decode()}


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
