"""What one image and its mask are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.planner.spacing import read_spacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.data import Item
    from limner.types import ImageArray, LabelArray, MaskArray

SPECK = 9  # pixels: what is smaller is the fringe of a compressed mask, not an object
TINY = 32  # pixels, each side of the picture that stands for the image's arrangement
_COLOURLESS = 4.0  # grey levels by which the channels of a grey image may differ, on average
_DARK = 40  # grey levels


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """Of one image, in pixels and grey levels.

    Attributes:
        size: Height and width.
        spacing_um: Micrometres per pixel, if the file says so.
        sums: Sums of grey levels and of their squares by channel, (2, 3), divided by the number of pixels.
        grey: Whether it has no colour.
        dark: Whether its ground is dark.
        tiny: Its grey levels at 32 x 32.
        foreground: Share of the foreground.
        diameters: Equivalent diameters of its objects.
        thickness: Median width along the centre lines; 0 without foreground.
    """

    size: tuple[int, int]
    spacing_um: float | None
    sums: NDArray[np.float64]
    grey: bool
    dark: bool
    tiny: NDArray[np.float32]
    foreground: float
    diameters: tuple[float, ...]
    thickness: float


def measure_item(item: Item) -> ItemFacts:
    """Read an item and measure it.

    Raises:
        DataError: It cannot be read.
    """
    image = item.load_image()
    labels = read_objects(item, (image.shape[0], image.shape[1]))
    level = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    widths = line_widths(labels > 0)
    return ItemFacts(
        size=(image.shape[0], image.shape[1]),
        spacing_um=read_spacing(item.image.read()) if item.image.name.lower().endswith((".tif", ".tiff", ".dcm", ".dicom")) else None,
        sums=_sums(image),
        grey=bool(_colour(image) < _COLOURLESS),
        dark=bool(np.median(level) < _DARK),
        tiny=np.asarray(cv2.resize(level, (TINY, TINY), interpolation=cv2.INTER_AREA), dtype=np.float32),
        foreground=float((labels > 0).mean()),
        diameters=object_diameters(labels),
        thickness=float(np.median(widths)) if len(widths) else 0.0,
    )


def read_objects(item: Item, size: tuple[int, int]) -> LabelArray:
    """The objects of an item as labels (H, W).

    Raises:
        DataError: There is no mask, or it cannot be read.
    """
    return item.load_instances() if item.mask is None else item.mask.load_instances(size)


def object_diameters(labels: LabelArray) -> tuple[float, ...]:
    """Diameters of discs of the objects' areas.

    Example:
        >>> round(object_diameters(np.ones((10, 10), np.int32))[0] ** 2 * np.pi / 4, 6)
        100.0
    """
    areas = np.bincount(labels.ravel())[1:]
    return tuple(float(diameter) for diameter in np.sqrt(areas[areas >= SPECK] * (4 / np.pi)))


def centre_lines(mask: MaskArray) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The ridges of the distance to the ground: where the middle of the foreground is, and how wide it is there.

    Returns:
        Their flat indices, and the width at each in pixels, to within half a pixel.

    Example:
        >>> line = np.zeros((9, 30), bool)
        >>> line[3:6] = True
        >>> set(centre_lines(line)[1].tolist())
        {3.5}
    """
    framed = np.pad(mask, 1).astype(np.uint8)
    distance = np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5), dtype=np.float32)
    peaks = (distance >= cv2.dilate(distance, np.ones((5, 5), np.uint8))) & (distance > 0)
    inner, depth = peaks[1:-1, 1:-1], distance[1:-1, 1:-1]
    places = np.flatnonzero(inner)
    return places, (2 * depth.ravel()[places] - 0.5).astype(np.float32)  # 1 less for odd widths, nothing for even ones


def line_widths(mask: MaskArray) -> NDArray[np.float32]:
    """Widths along the centre lines, in pixels; none without foreground."""
    return centre_lines(mask)[1]


def _sums(image: ImageArray) -> NDArray[np.float64]:
    mean, std = cv2.meanStdDev(image)
    return np.stack([mean[:, 0], std[:, 0] ** 2 + mean[:, 0] ** 2])


def _colour(image: ImageArray) -> float:
    red, green, blue = cv2.split(np.ascontiguousarray(image[::2, ::2]))
    return float(np.mean(cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)))
