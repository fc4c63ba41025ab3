"""How dense, how long and how winding vessels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from limner.measures.centrelines import trace_centrelines

if TYPE_CHECKING:
    from limner.measures.centrelines import Centrelines
    from limner.types import ImageArray, MaskArray

_SHORTEST: Final = 10.0  # pixels; what is shorter is mostly a spur or the width of a vessel, and has no course
_DARK = 20  # of 255: what is outside of the field of view is darker in all channels
_LEAST = 0.2  # a field of view covers at least this share of the picture
_SOLID = 0.9  # and this share of its own convex hull
_WHOLE = 0.98  # a field of view that covers more than this share is the whole picture with some dark pixels in it


@dataclass(frozen=True, slots=True)
class VesselMeasures:
    """What is measured of the vessels in one image. Lengths are in pixels.

    Attributes:
        field: Number of pixels of the field of view.
        density: Share of the field of view that is vessel, in [0, 1].
        length: Of all centrelines together.
        tortuosity: Arc over chord of each segment of at least 10 pixels, averaged by length: 1 is straight. None without such segments.
        segments: Number of pieces of centreline between branch points and ends.
        branch_points: Number of places at which three or more segments meet.
        end_points: Number of loose ends.
    """

    field: int
    density: float
    length: float
    tortuosity: float | None
    segments: int
    branch_points: int
    end_points: int


def measure_vessels(mask: MaskArray, field: MaskArray | None = None) -> VesselMeasures:
    """Measure the vessels of an image.

    Args:
        mask: The vessels, bool (H, W).
        field: The field of view, bool (H, W); None for the whole image.

    Example:
        >>> mask = np.zeros((20, 50), bool)
        >>> mask[9:12, 5:45] = True
        >>> found = measure_vessels(mask)
        >>> found.density, round(found.length), round(found.tortuosity, 2), found.segments
        (0.12, 38, 1.0, 1)
    """
    inside = mask if field is None else mask & field
    pixels = mask.size if field is None else int(np.count_nonzero(field))
    lines = trace_centrelines(inside)
    return VesselMeasures(
        field=pixels,
        density=float(np.count_nonzero(inside) / pixels) if pixels else 0.0,
        length=float(sum(line.length for line in lines.segments)),
        tortuosity=tortuosity_of(lines),
        segments=len(lines.segments),
        branch_points=lines.branch_points,
        end_points=lines.end_points,
    )


def tortuosity_of(lines: Centrelines) -> float | None:
    """Arc over chord of each segment, averaged by length; None where no segment has a course.

    The ratio of arc to chord is the oldest measure of tortuosity and the one that most studies report; see Hart et al., Measurement and
    classification of retinal vascular tortuosity, Int J Med Inform 53:239-252, 1999. Rings and segments under 10 pixels are left out.
    """
    courses = [(line.length, line.chord) for line in lines.segments if line.length >= _SHORTEST and line.chord >= 1]
    if not courses:
        return None
    arcs, chords = np.array(courses).T
    return max(1.0, float((arcs * arcs / chords).sum() / arcs.sum()))


def field_of_view(image: ImageArray) -> MaskArray | None:
    """The bright disc of a picture with a dark surround, such as one of the retina: bool (H, W); None where there is none.

    It is the largest connected area that is not dark, with its holes filled; if it is as compact and as large as a field of view, and
    not a bright vessel on dark ground.

    Args:
        image: uint8 RGB, (H, W, 3).

    Example:
        >>> disc = np.hypot(*np.ogrid[-50:51, -50:51]) <= 45
        >>> found = field_of_view(disc[..., None] * np.full(3, 90, np.uint8))
        >>> bool(abs(found.mean() - disc.mean()) < 0.01)
        True
    """
    bright = (cv2.medianBlur(np.ascontiguousarray(image), 5).max(axis=2) > _DARK).view(np.uint8)
    contours = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < _SOLID * cv2.contourArea(cv2.convexHull(largest)):
        return None
    field = cv2.drawContours(np.zeros_like(bright), [largest], -1, 1, cv2.FILLED).view(np.bool_)
    return field if _LEAST < field.mean() < _WHOLE else None
