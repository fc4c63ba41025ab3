"""Which pixels of a stored mask are foreground, where nobody has said so.

People store the same mask in many ways; this is the one rule that reads them all. It never looks at the image.

1. A boolean mask is itself; a mask of zeros is empty.
2. In a lossless file of one or two levels, the larger level is foreground (0/1, 0/255, 1/2, two palette colours ...), and a single
   level other than zero is all foreground.
3. Otherwise (fringes of JPEG compression, smoothed edges) foreground is what exceeds half of the largest level. A largest level
   below 8 is compression noise over an empty mask.
4. But where whole areas, not just fringes, lie between dark and bright, the file holds several labels or a photograph.
   That is an error: a guess would be wrong without anyone noticing.
5. In a lossless file of three to eight levels, one whole area between is enough for that, since fringes have more levels and no areas;
   below the noise level, an area of the largest level is enough. Only dark remnants (up to an eighth of the largest level) may
   form areas, as long as these are small beside the object: published masks have them.
6. Before rules 3 to 5: where a lossless file is for certain a map of instances, all of them are foreground (see
   `limner.imaging.instances` for what makes it certain).
7. Colours and palettes count by their brightness (ITU-R 601). Two colours of the same brightness are an error.
8. But in a palette of Pascal VOC (see `limner.imaging.voc`) index 0 is the ground, index 255 the border of objects and ground too, one
   other index is foreground, and several are an error.

So a 0/1 mask must be lossless to be seen: in a JPEG it cannot be told from noise, and reads as empty.

A dark object on a bright ground is therefore read inverted; nothing in the file tells it apart from the usual. Whoever names the
foreground (`limner.imaging.foreground`) is taken at their word, see `limner.imaging.matching`; `dark` is the opposite of these rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.imaging.bands import bands
from limner.imaging.levels import levels_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import MaskArray

NOISE_LEVEL = 8  # of 255; JPEG at quality 75 leaves less than this in areas that were black
_DARK, _BRIGHT = 1 / 16, 3 / 4  # shares of the largest level between which an area is neither ground nor object
_SOME = 0.02  # share of the pixels above dark that may be flat by chance, as in noise
_MANY = 0.25  # share of the flat ones that may lie between, for strokes a few pixels wide
_FEW = 8  # levels that a map of labels may have where it is told from fringes by its areas alone
_REMNANT = 1 / 8  # of the largest level; the first of seven labels is above
_SPOT = 0.002  # share of the pixels above remnants that are flat in a label's area; chance leaves a tenth of this
_SQUARE = np.ones((3, 3), np.uint8)


def two_levels(levels: NDArray[Any]) -> MaskArray | None:
    """Rules 1 and 2, for levels of a lossless file; None where there are more than two.

    Example:
        >>> two_levels(np.array([[0, 1]]))
        array([[False,  True]])
        >>> two_levels(np.array([[0, 1, 2]])) is None
        True
    """
    if levels.dtype == np.bool_:
        return levels
    low, high = levels.min(), levels.max()
    if not _only(levels, low, high):
        return None
    return np.asarray(levels == high) if low != high else np.full(levels.shape, bool(high != 0))


def two_tones(levels: NDArray[Any], *, lossy: bool) -> MaskArray | None:
    """Rules 3 to 5; None where the levels fall into more than two groups.

    Args:
        levels: (H, W), integer or float.
        lossy: Whether the levels come from a lossy format, so that exact values mean nothing.

    Example:
        >>> two_tones(np.array([[0, 3], [250, 255]]), lossy=True)
        array([[False, False],
               [ True,  True]])
        >>> two_tones(np.array([[0, 1]]), lossy=True)
        array([[False, False]])
    """
    levels = _filterable(levels)
    high = levels.max()
    noise = bool(levels.dtype.kind in "ui" and high < NOISE_LEVEL)
    if not (lossy and noise) and (high <= 0 or _has_areas_between(levels, float(high))):
        return None
    if not lossy and _has_labels(levels, highest=noise):
        return None
    return np.zeros(levels.shape, dtype=np.bool_) if noise else np.asarray(levels > float(high) / 2)


def _only(levels: NDArray[Any], low: float, high: float) -> bool:
    """Whether all levels are one of two."""
    return all(bool(((levels[rows] == low) | (levels[rows] == high)).all()) for rows in bands(*levels.shape))


def _filterable(levels: NDArray[Any]) -> NDArray[Any]:
    """Depths that OpenCV's filters take."""
    if levels.dtype in (np.uint8, np.uint16):
        return levels
    if levels.dtype.kind in "iu" and levels.min() >= 0 and levels.max() < 2**16:
        return levels.astype(np.uint16)
    return levels.astype(np.float32)


def _has_areas_between(levels: NDArray[Any], high: float) -> bool:
    """Whether many of the pixels that equal all their neighbours are neither dark nor bright; fringes never equal theirs."""
    raised = levels > high * _DARK
    areas = levels[raised & (cv2.erode(levels, _SQUARE) == cv2.dilate(levels, _SQUARE))]
    if areas.size <= _SOME * np.count_nonzero(raised):
        return False
    return bool((areas < high * _BRIGHT).mean() > _MANY)


def _has_labels(levels: NDArray[Any], *, highest: bool) -> bool:
    """Whether one of few levels above the lowest forms whole areas; the highest, which should, counts only if asked for."""
    found = levels_in(levels, at_most=_FEW)
    if len(found) > _FEW:
        return False
    limit = float(found[-1]) * _REMNANT
    raised = np.count_nonzero(levels > limit)
    labels = found[1:] if highest else found[1:-1]
    return any(_flat(levels == level) > (_SPOT if level > limit else _MANY) * raised for level in labels)


def _flat(area: MaskArray) -> int:
    """How many pixels of an area have only its pixels around them."""
    return int(np.count_nonzero(cv2.erode(area.view(np.uint8), _SQUARE)))
