"""The pictures on the doctor's page: images with the outline of the mask, masks as stored, twins side by side."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.data.masks import PictureMask
from limner.data.source import open_place
from limner.errors import DataError
from limner.imaging.overlay import draw_outline
from limner.imaging.read import read_image
from limner.imaging.resize import longer_side_at, resize_image, resize_mask
from limner.report.gallery import TRUTH_COLOUR, data_uri

if TYPE_CHECKING:
    from limner.data.items import Item
    from limner.doctor import Case, Diagnosis
    from limner.types import ImageArray, MaskArray

Panel = tuple[str, str]  # caption, data URI

_SIDE = 250  # pixels of a panel's longer side
_TWINS = {"duplicate", "near-duplicate", "similar-frames", "leak"}
_STORED = {"not-binary", "label-map", "mask-is-image", "size-mismatch", "resized-mask", "transposed-mask"}
_LEVELS = {"not-binary", "label-map"}
_NEAR = 16  # levels; nearer to the ends of the range lies the noise of compression
_MOST = 3  # pictures of a case
_BETWEEN = (255, 120, 0)  # what is neither ground nor object in a mask as stored


class Panels:
    """Draws the panels of cases; reads pictures again, since none are kept."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._dataset = diagnosis.dataset
        self._side = diagnosis.evidence.input_size
        self._store = open_place(Path(diagnosis.dataset.place))[0]

    def of(self, kind: str, case: Case) -> list[Panel]:
        """Captions and pictures of a case; none where nothing can be read."""
        if not case.keys:
            return [panel for name in case.files[:_MOST] if (panel := self._file(name))]
        items = [self._dataset[key] for key in case.keys[:_MOST]]
        if kind in _TWINS:
            return [panel for item in items if (panel := _outlined(item, PurePosixPath(item.image.name).name))]
        item = items[0]
        panels = [_outlined(item, "image and outline of its mask")]
        if kind in _STORED:
            panels += _stored(item, levels=kind in _LEVELS)
        if kind == "vanishing-foreground":
            panels.append(_shrunk(item, self._side))
        return [panel for panel in panels if panel]

    def _file(self, name: str) -> Panel | None:
        try:
            return PurePosixPath(name).name, data_uri(_fitted(read_image(self._store.read(name), name=name)))
        except DataError:
            return None


def _outlined(item: Item, caption: str) -> Panel | None:
    """The image with its mask's outline; alone where the mask is of no use."""
    try:
        image = item.load_image()
    except DataError:
        return None
    try:
        mask = item.load().mask
    except DataError:
        return (caption if caption.endswith(PurePosixPath(item.image.name).name) else "image"), data_uri(_fitted(image))
    size = longer_side_at(2 * _SIDE, image.shape[:2])
    if size[0] > image.shape[0]:  # drawn on an enlarged image, the outline is as thin as on a large one
        image, mask = resize_image(image, size), resize_mask(mask, size)
    return caption, data_uri(_fitted(draw_outline(image, mask, colour=TRUTH_COLOUR)))


def _stored(item: Item, *, levels: bool) -> list[Panel | None]:
    """The first picture of the mask as stored, and, if asked for, again with the levels between its lowest and its highest marked."""
    if not isinstance(item.mask, PictureMask):
        return []
    try:
        stored = read_image(item.mask.files[0].read(), name=item.mask.files[0].display)
    except DataError:
        return []
    low, top = int(stored.min()), int(stored.max())
    bright = ((stored.astype(np.uint16) - low) * 255 // max(top - low, 1)).astype(np.uint8)
    panels: list[Panel | None] = [("mask as stored", data_uri(_fitted(bright)))]
    between = np.asarray((bright > _NEAR).any(axis=2) & (bright < 255 - _NEAR).any(axis=2))
    if levels and between.any():
        panels.append(("its levels between, in orange", data_uri(_fitted(_marked(bright, between)))))
    return panels


def _marked(levels: ImageArray, between: MaskArray) -> ImageArray:
    """Mark some pixels, widened so that they are still seen when the picture is shrunk."""
    import cv2

    marked = levels.copy()
    factor = round(2 * max(levels.shape[:2]) / _SIDE)
    wide = cv2.dilate(between.astype(np.uint8), np.ones((max(factor, 1), max(factor, 1)), np.uint8))
    marked[wide > 0] = _BETWEEN
    return marked


def _shrunk(item: Item, side: int) -> Panel | None:
    try:
        mask = item.load().mask
    except DataError:
        return None
    small = resize_mask(mask, (side, side)).astype(np.uint8) * np.uint8(255)
    shown = Image.fromarray(small).resize((_SIDE, _SIDE), Image.Resampling.NEAREST).convert("RGB")
    return f"what is left of the mask at {side}x{side}", data_uri(np.asarray(shown))


def _fitted(image: ImageArray) -> ImageArray:
    size = longer_side_at(_SIDE, image.shape[:2])
    return resize_image(image, size) if max(size) < max(image.shape[:2]) else image
