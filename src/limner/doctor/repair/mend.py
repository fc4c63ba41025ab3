"""Write one pair of the copy, mended as decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from limner.data.masks import PictureMask
from limner.doctor.checks.geometry import turning_tag
from limner.imaging.read import read_mask
from limner.imaging.resize import resize_mask
from limner.imaging.write import write_image, write_mask

if TYPE_CHECKING:
    from limner.data.items import Item
    from limner.data.masks import MaskSource
    from limner.doctor.examination import Examination, Size
    from limner.doctor.repair.plan import Decision
    from limner.types import MaskArray

_INVERSE = {6: 8, 8: 6}  # of the EXIF orientations only the quarter turns are not their own


@dataclass(frozen=True, slots=True)
class Written:
    """A pair of the copy.

    Attributes:
        image: The image's name within the copy.
        mask: The mask's.
        steps: What was done to either, a phrase each; empty where both are as they were.
    """

    image: str
    mask: str
    steps: tuple[str, ...]


def write_pair(item: Item, one: Examination, decision: Decision, folder: Path) -> Written:
    """Write images/KEY.ext, masks/KEY.png and, where there is a field of view, fov/KEY.ext. What needs no change is copied byte for byte.

    Raises:
        DataError: A file has become unreadable since it was examined.
    """
    image, told = _write_image(item, one, decision, folder)
    mask, more = _write_mask(item, one, decision, folder)
    if item.fov is not None:
        _write_bytes(folder / f"fov/{item.key}{PurePosixPath(item.fov.name).suffix}", item.fov.read())
    return Written(image, mask, (*told, *more))


def _write_image(item: Item, one: Examination, decision: Decision, folder: Path) -> tuple[str, list[str]]:
    told = []
    if "upright" in decision.steps and one.image and one.image.orientation != 1:
        told.append(f"image written upright, without its EXIF orientation {one.image.orientation}")
    if "flatten" in decision.steps and one.image and one.image.transparent:
        told.append("image written without transparency")
    name = f"images/{item.key}{'.png' if told else PurePosixPath(item.image.name).suffix}"
    if told:
        write_image(folder / name, item.load_image())
    else:
        _write_bytes(folder / name, item.image.read())
    return name, told


def _write_mask(item: Item, one: Examination, decision: Decision, folder: Path) -> tuple[str, list[str]]:
    name = f"masks/{item.key}.png"
    source = item.mask
    if source is None or one.image is None or one.mask is None:
        raise ValueError(f"{item.key}: a pair without image or mask is never kept")
    told = _mask_steps(one, decision)
    if not told and _is_plain(source):
        _write_bytes(folder / name, source.files[0].read())
        return name, []
    mask = _union(source, one, decision)
    write_mask(folder / name, ~mask if "invert" in decision.steps else mask)
    return name, told or [_new_form(source)]


def _mask_steps(one: Examination, decision: Decision) -> list[str]:
    told: list[str] = []
    if one.image is None or one.mask is None:
        return told
    way = turning_tag(one.image, one.mask)
    if "turn" in decision.steps and way:
        told.append(f"mask turned by the {'image' if way[0] == 'apply' else 'mask'}'s EXIF orientation {way[1]}")
    elif "upright" in decision.steps and one.mask.orientation != 1:
        told.append(f"mask written upright, without its EXIF orientation {one.mask.orientation}")
    if "resize" in decision.steps:
        told.append("mask resized from {1}x{0} to {3}x{2}".format(*one.mask.size, *one.image.size))
    if "flatten" in decision.steps and one.mask.transparent:
        told.append("mask written without transparency")
    if "binarise" in decision.steps and one.mask.tones:
        told.append(f"mask binarised, which had {one.mask.tones.levels} levels")
    return [*told, "mask inverted"] if "invert" in decision.steps else told


def _is_plain(source: MaskSource) -> bool:
    """Whether the mask is one PNG that can be taken as it is."""
    return (
        isinstance(source, PictureMask)
        and source.foreground is None
        and len(source.files) == 1
        and source.files[0].name.lower().endswith(".png")
    )


def _new_form(source: MaskSource) -> str:
    if not isinstance(source, PictureMask):
        return "mask drawn from its annotation"
    if len(source.files) > 1:
        return f"mask merged from {len(source.files)} pictures"
    return "mask written as PNG" if source.foreground is None else "mask written with the named foreground alone"


def _write_bytes(path: Path, data: bytes) -> None:
    """The whole copy is made under a temporary name, so that single files need none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _union(source: MaskSource, one: Examination, decision: Decision) -> MaskArray:
    size = one.image.size if one.image else (0, 0)
    if not isinstance(source, PictureMask):
        return source.load(size)
    mask = np.zeros(size, dtype=np.bool_)
    for file in source.files:
        part = read_mask(file.read(), name=file.display, foreground=source.foreground)
        mask |= _fitted(part, one, decision, size)
    return mask


def _fitted(part: MaskArray, one: Examination, decision: Decision, size: Size) -> MaskArray:
    if part.shape == size:
        return part
    way = turning_tag(one.image, one.mask) if one.image and one.mask and "turn" in decision.steps else None
    if way:
        return turned(part, way[1] if way[0] == "apply" else _INVERSE.get(way[1], way[1]))
    return resize_mask(part, size)


def turned(mask: MaskArray, orientation: int) -> MaskArray:
    """A stored mask as an EXIF orientation means it to be seen.

    Example:
        >>> turned(np.array([[True, False, False]]), 6).ravel().tolist()  # a quarter turn clockwise
        [True, False, False]
        >>> turned(np.array([[True, False, False]]), 8).ravel().tolist()
        [False, False, True]
    """
    if orientation in {5, 6, 7, 8}:
        mask = mask.T  # 5 is the transpose; the others mirror it, too
    vertical, horizontal = orientation in {3, 4, 7, 8}, orientation in {2, 3, 6, 7}
    return np.ascontiguousarray(mask[:: -1 if vertical else 1, :: -1 if horizontal else 1])
