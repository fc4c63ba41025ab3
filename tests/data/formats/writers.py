"""Masks -> annotation files of each kind, in a way of its own, so that reading can be tested against it."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.imaging import encode_png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_FINER = 4  # contours are followed on a finer grid, since those of OpenCV run through the centres of the outermost pixels


def areas(labels: NDArray[np.int32]) -> list[NDArray[np.bool_]]:
    """The mask of each object."""
    return [labels == label for label in np.unique(labels[labels > 0])]


def rings(mask: NDArray[np.bool_]) -> list[list[list[tuple[float, float]]]]:
    """The polygons of a mask, each an outline with the holes in it."""
    fine = np.kron(mask.astype(np.uint8), np.ones((_FINER, _FINER), np.uint8))
    contours, tree = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    points = [[((x + 0.5) / _FINER, (y + 0.5) / _FINER) for x, y in contour[:, 0].tolist()] for contour in contours]
    found: dict[int, list[list[tuple[float, float]]]] = {i: [points[i]] for i, node in enumerate(tree[0]) if node[3] < 0}
    for i, node in enumerate(tree[0]):
        if node[3] >= 0 and len(points[i]) > 2:
            found[node[3]].append(points[i])
    return [polygon for polygon in found.values() if len(polygon[0]) > 2]


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def coco(
    masks: Mapping[str, NDArray[np.int32]], segmentation: Callable[[NDArray[np.bool_]], Any], classes: tuple[str, ...] = ("cell",)
) -> dict:
    """One annotation for each object; classes take turns."""
    images, annotations = [], []
    for number, (name, labels) in enumerate(masks.items(), start=1):
        images.append({"id": number, "file_name": name, "height": labels.shape[0], "width": labels.shape[1]})
        for index, area in enumerate(areas(labels)):
            told = {"id": len(annotations) + 1, "image_id": number, "category_id": 1 + index % len(classes), "iscrowd": 0}
            annotations.append({**told, "segmentation": segmentation(area)})
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}


def coco_polygons(area: NDArray[np.bool_]) -> list[list[float]]:
    """Without holes, which COCO's polygons cannot have."""
    return [[value for point in polygon[0] for value in point] for polygon in rings(area)]


def coco_runs(area: NDArray[np.bool_]) -> dict[str, Any]:
    flat = area.T.ravel()
    bounds = np.flatnonzero(np.diff(flat, prepend=False, append=not flat[-1]))
    return {"size": list(area.shape), "counts": np.diff(bounds, prepend=0).tolist()}


def coco_packed(area: NDArray[np.bool_]) -> dict[str, Any]:
    from pycocotools import mask as api

    packed = api.encode(np.asfortranarray(area.astype(np.uint8)))
    return {"size": list(area.shape), "counts": packed["counts"].decode()}


def labelme(name: str, labels: NDArray[np.int32], *, stamps: bool = False, **more: Any) -> dict[str, Any]:
    """Polygons, those of one object under one group id, or a PNG in a box for each object."""
    shapes = []
    for index, area in enumerate(areas(labels)):
        if stamps:
            rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
            box = [[int(columns[0]), int(rows[0])], [int(columns[-1]), int(rows[-1])]]
            inside = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            png = base64.b64encode(encode_png(inside)).decode()
            shapes.append({"label": "cell", "points": box, "shape_type": "mask", "mask": png, "group_id": None, "flags": {}})
        else:
            for polygon in rings(area):
                shapes.append({"label": "cell", "points": polygon[0], "shape_type": "polygon", "group_id": index, "flags": {}})
    size = {"imageHeight": labels.shape[0], "imageWidth": labels.shape[1]}
    return {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": name, "imageData": None, **size, **more}


def label_studio(masks: Mapping[str, NDArray[np.int32]], *, brush: bool = False) -> list[dict[str, Any]]:
    """Polygons without holes, one for each part of an object, or a brush mask for each object."""
    tasks = []
    for number, (name, labels) in enumerate(masks.items(), start=1):
        kind = "brushlabels" if brush else "polygonlabels"
        size = {"original_width": labels.shape[1], "original_height": labels.shape[0], "image_rotation": 0}
        values = [value for area in areas(labels) for value in (_strokes(area) if brush else _percent(area))]
        result = [{"type": kind, "id": f"r{index}", **size, "value": {**value, kind: ["cell"]}} for index, value in enumerate(values)]
        annotation = {"id": number, "was_cancelled": False, "ground_truth": False, "result": result}
        image = f"/data/upload/1/0a1b2c3d-{name}"
        tasks.append({"id": number, "data": {"image": image}, "annotations": [annotation], "predictions": []})
    return tasks


def _strokes(area: NDArray[np.bool_]) -> list[dict[str, Any]]:
    return [{"format": "rle", "rle": list(pack_brush(area))}]


def _percent(area: NDArray[np.bool_]) -> list[dict[str, Any]]:
    height, width = area.shape
    return [{"points": [[100 * x / width, 100 * y / height] for x, y in polygon[0]], "closed": True} for polygon in rings(area)]


def pack_brush(area: NDArray[np.bool_]) -> bytes:
    """Run lengths as Label Studio packs them: runs for what repeats, the rest word by word."""
    words = np.repeat(area.astype(np.uint8) * 255, 4)
    bits = [f"{len(words):032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in (3, 4, 8, 16))]
    bounds = [0, *(np.flatnonzero(np.diff(words)) + 1).tolist(), len(words)]
    for start, end in pairwise(bounds):
        at = start
        while at < end:
            length = min(end - at, 65536)
            which = next(index for index, size in enumerate((3, 4, 8, 16)) if length <= 1 << size)
            literal = length == 4  # so that both ways of writing are read
            value = f"{words[start]:08b}" * (length if literal else 1)
            bits.append(f"{0 if literal else 1}{which:02b}{length - 1:0{(3, 4, 8, 16)[which]}b}{value}")
            at += length
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 8)
    return int(stream, 2).to_bytes(len(stream) // 8, "big")


def geojson(labels: NDArray[np.int32], name: str = "cell") -> dict[str, Any]:
    """Polygons with holes, closed as GeoJSON wants them; several parts make a multipolygon."""
    features = []
    for area in areas(labels):
        polygons = [[[*map(list, ring), list(ring[0])] for ring in polygon] for polygon in rings(area)]
        kind, coordinates = ("Polygon", polygons[0]) if len(polygons) == 1 else ("MultiPolygon", polygons)
        properties = {"objectType": "annotation", "classification": {"name": name, "color": [200, 0, 0]}}
        features.append({"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties})
    return {"type": "FeatureCollection", "features": features}
