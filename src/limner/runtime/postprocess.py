"""What is done to a mask after the graph: small objects and holes removed, edges opened, the largest object kept, touching ones cut apart.

The probabilities stay as they are: they say what the network says. Objects are connected with eight neighbours, and so the ground with
four; ground that reaches the image's border is no hole. Nothing is known of what lies beyond the border, so it neither eats into an object
that is cut by it nor adds to one.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from limner.metrics.objects import label_objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from limner.types import MaskArray, Prediction

NotNegative = Annotated[float, Field(ge=0.0)]

_LARGE_DISC = 20.0  # pixels: from here on two distance transforms are faster than a disc that is laid on every pixel


class PostProcess(BaseModel):
    """What is done to a mask, in this order. Lengths and areas are in pixels as the network sees them (see `ModelMetadata.scale_of`).

    Attributes:
        opening: Radius of the disc of a morphological opening, in pixels; 0 for none.
        max_hole: Holes of at most this many square pixels are filled; 0 for none.
        min_area: Objects of fewer square pixels than this are removed; 0 for none.
        largest_only: Keep the largest object only.
        split_touching: Cut touching objects apart by a watershed, so that each gets a number of its own; the mask stays as it is.
        origin: A sentence that says what it was chosen on.

    Example:
        >>> PostProcess(max_hole=64, split_touching=True).words()
        'holes up to 64 px² filled, touching objects told apart'
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    opening: NotNegative = 0.0
    max_hole: NotNegative = 0.0
    min_area: NotNegative = 0.0
    largest_only: bool = False
    split_touching: bool = False
    origin: str = ""

    @property
    def changes_mask(self) -> bool:
        """Whether it may change a mask, and not only number its objects."""
        return bool(self.opening or self.max_hole or self.min_area or self.largest_only)

    @property
    def does_nothing(self) -> bool:
        """Whether it leaves every prediction as it is."""
        return not (self.changes_mask or self.split_touching)

    def words(self) -> str:
        """What it does, in a few words; `nothing` where it does nothing."""
        steps = [
            (self.opening, f"opened by a disc of radius {self.opening:g} px"),
            (self.max_hole, f"holes up to {self.max_hole:g} px² filled"),
            (self.min_area, f"objects below {self.min_area:g} px² removed"),
            (self.largest_only, "only the largest object kept"),
            (self.split_touching, "touching objects told apart"),
        ]
        return ", ".join(words for done, words in steps if done) or "nothing"


def scale_of(size: tuple[int, int], input_size: tuple[int, int], *, keep_aspect: bool) -> float:
    """How many pixels of an image make one that the network sees, along a side: the square root of how many do by area.

    Args:
        size: Height and width of the image, which the network sees whole.
        input_size: Height and width of what the network sees.
        keep_aspect: Whether the image keeps its shape in there, on black, or is stretched.

    Example:
        >>> scale_of((512, 1024), (256, 512), keep_aspect=False), scale_of((512, 1024), (256, 256), keep_aspect=True)
        (2.0, 4.0)
    """
    if keep_aspect:
        return max(side / seen for side, seen in zip(size, input_size, strict=True))
    return math.sqrt(math.prod(size) / math.prod(input_size))


def apply(prediction: Prediction, settings: PostProcess, *, scale: float) -> Prediction:
    """Post-process a prediction.

    Args:
        prediction: At the image's size.
        settings: What to do. Lengths are multiplied by `scale`, areas by its square.
        scale: From `scale_of`; above 0.

    Returns:
        The same probabilities; the mask that is left; and in `objects` the numbers 1 to N of its objects where `split_touching` asks for
        them, else None.

    Raises:
        ValueError: `scale` is not above 0.
    """
    mask = clean(prediction.mask, settings, scale=scale)
    return replace(prediction, mask=mask, objects=label_objects(mask, split_touching=True) if settings.split_touching else None)


def clean(mask: MaskArray, settings: PostProcess, *, scale: float) -> MaskArray:
    """The mask that `apply` leaves; the one that was given where there is nothing to do."""
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    if settings.opening:
        mask = _opened(mask, settings.opening * scale)
    if settings.max_hole:
        mask = _filled(mask, settings.max_hole * scale**2)
    if settings.min_area or settings.largest_only:
        mask = _kept(mask, settings.min_area * scale**2, largest_only=settings.largest_only)
    return mask


def merge(settings: Sequence[PostProcess | None]) -> PostProcess | None:
    """The post-processing of several models together: what more than half of them do, each number the median of those that have one.

    Example:
        >>> merge([PostProcess(min_area=8), PostProcess(min_area=32, largest_only=True), None]).words()
        'objects below 20 px² removed'
    """
    known = [one for one in settings if one is not None]
    found: dict[str, Any] = {}
    for name in PostProcess.model_fields.keys() - {"origin"}:
        values = [value for one in known if (value := getattr(one, name))]
        if 2 * len(values) > len(settings):
            found[name] = values[0] if isinstance(values[0], bool) else statistics.median(values)
    return PostProcess(**found, origin=f"what most of {len(settings)} models do") if found else None


def _opened(mask: MaskArray, radius: float) -> MaskArray:
    """The union of all discs that lie within the mask, as far as the image reaches."""
    if radius < 1 or not mask.any() or mask.all():
        return mask
    if radius > _LARGE_DISC:
        return _opened_by_distance(mask, radius)
    # OpenCV's own border value for erosion is foreground, for dilation background: the border neither eats nor adds.
    opened = cv2.morphologyEx(_bytes(mask), cv2.MORPH_OPEN, _disc(radius), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(opened).view(np.bool_)


def _disc(radius: float) -> NDArray[np.uint8]:
    y, x = np.ogrid[-int(radius) : int(radius) + 1, -int(radius) : int(radius) + 1]
    return np.asarray(y**2 + x**2 <= radius**2, dtype=np.uint8)


def _opened_by_distance(mask: MaskArray, radius: float) -> MaskArray:
    eroded = _distance(mask) > radius
    return _distance(~eroded) <= radius if eroded.any() else eroded


def _distance(mask: MaskArray) -> NDArray[np.float32]:
    """Of each pixel to the nearest one outside of the mask, of which there must be some."""
    return np.asarray(cv2.distanceTransform(_bytes(mask), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32)


def _filled(mask: MaskArray, most: float) -> MaskArray:
    labels, stats = _components(~mask, connectivity=4)
    left, top, width, height, areas = stats.T
    at_border = (left == 0) | (top == 0) | (left + width == mask.shape[1]) | (top + height == mask.shape[0])
    holes = ~at_border & (areas <= most)
    holes[0] = False  # the mask itself
    return mask | holes[labels] if holes.any() else mask


def _kept(mask: MaskArray, least: float, *, largest_only: bool) -> MaskArray:
    labels, stats = _components(mask, connectivity=8)
    left, top, _, _, areas = stats.T
    kept = areas >= least
    kept[0] = False
    if largest_only and kept.any():
        first = np.lexsort((left, top, -areas * kept))[0]  # of equally large ones, the one that begins furthest up
        kept = np.arange(len(kept)) == first
    return mask if kept[1:].all() else kept[labels]


def _components(mask: MaskArray, *, connectivity: Literal[4, 8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """A number for each connected area, and of each left, top, width, height and area; the first is what is not in the mask."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(_bytes(mask), connectivity=connectivity, ltype=cv2.CV_32S)
    return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def _bytes(mask: MaskArray) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask).view(np.uint8)
