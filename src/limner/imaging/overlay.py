"""Masks drawn over images, for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.errors import DataError

if TYPE_CHECKING:
    from limner.types import ImageArray, LabelArray, MaskArray

Colour = tuple[int, int, int]

GREEN: Colour = (0, 255, 0)
CORRECT: Colour = (0, 200, 0)
EXTRA: Colour = (230, 30, 30)
MISSED: Colour = (40, 90, 255)


def draw_outline(
    image: ImageArray, mask: MaskArray, *, objects: LabelArray | None = None, colour: Colour = GREEN, fill: float = 0.15
) -> ImageArray:
    """Draw the outline of a mask, and a light fill, over a copy of the image.

    The line is about a two-hundredth of the shorter side thick (at least one pixel), so it looks alike at every size.

    Args:
        image: uint8 RGB, (H, W, 3).
        mask: bool, (H, W).
        objects: A number for each object, (H, W), for a line between those that touch, too.
        colour: RGB of line and fill, each 0 to 255.
        fill: Opacity of the fill, 0 to 1.

    Raises:
        DataError: Image and mask differ in size.

    Example:
        >>> picture = draw_outline(np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), bool))
        >>> picture[0, 0].tolist(), picture[4, 4].tolist()
        ([0, 255, 0], [0, 38, 0])
    """
    _check_sizes(image, mask)
    picture = image.copy()
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    window = (slice(top, top + height), slice(left, left + width))  # nothing is drawn outside of it
    if not width:
        return picture
    part, inside = picture[window], np.ascontiguousarray(mask[window])
    thickness = max(1, round(min(mask.shape) / 200))
    line = _outline(inside, thickness)
    if objects is not None:
        line |= inside & _borders(objects[window], thickness)
    cv2.copyTo(_tinted(part, colour, fill), inside.view(np.uint8), part)
    part[line] = colour
    return picture


def error_map(image: ImageArray, preds: MaskArray, target: MaskArray, *, opacity: float = 0.5) -> ImageArray:
    """Colour each pixel by the kind of its error, over the image: correct green, too much red, missed blue.

    Args:
        image: uint8 RGB, (H, W, 3).
        preds: bool, (H, W).
        target: bool, (H, W).
        opacity: Of the colours, 0 to 1.

    Raises:
        DataError: The sizes differ.

    Example:
        >>> black = np.zeros((1, 2, 3), np.uint8)
        >>> error_map(black, np.array([[True, False]]), np.array([[False, False]]), opacity=1.0).tolist()
        [[[230, 30, 30], [0, 0, 0]]]
    """
    _check_sizes(image, preds)
    _check_sizes(image, target)
    picture = _blend(image, preds & target, CORRECT, opacity)
    picture = _blend(picture, preds & ~target, EXTRA, opacity)
    return _blend(picture, target & ~preds, MISSED, opacity)


def _blend(image: ImageArray, where: MaskArray, colour: Colour, opacity: float) -> ImageArray:
    return cv2.copyTo(_tinted(image, colour, opacity), np.ascontiguousarray(where).view(np.uint8), image.copy())  # type: ignore[return-value]


def _tinted(image: ImageArray, colour: Colour, opacity: float) -> ImageArray:
    levels = np.arange(256)[:, None] * (1 - opacity) + np.array(colour) * opacity
    return np.asarray(cv2.LUT(image, np.round(levels).astype(np.uint8)[None]), dtype=np.uint8)


def _outline(mask: MaskArray, thickness: int) -> MaskArray:
    """The pixels of the object within `thickness` of its edge; the picture's border counts as an edge."""
    side = 2 * thickness + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inner = cv2.erode(mask.astype(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,))
    return np.asarray(mask & (inner == 0))


def _borders(objects: LabelArray, thickness: int) -> MaskArray:
    """The pixels within about half of `thickness` of another object or the ground."""
    few = objects.max() < 2**16
    levels = objects.astype(np.uint16) if few else objects.astype(np.float32)  # what OpenCV takes; floats hold whole numbers to 2^24
    side = 2 * ((thickness + 1) // 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(levels, disc) != cv2.erode(levels, disc))


def _check_sizes(image: ImageArray, mask: MaskArray) -> None:
    if image.shape[:2] != mask.shape:
        raise DataError(
            f"image and mask differ in size: {image.shape[1]}x{image.shape[0]} and {mask.shape[1]}x{mask.shape[0]}",
            fix="resize the mask with limner.imaging.resize_mask",
        )
