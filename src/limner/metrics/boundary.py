"""How far apart the outlines of two masks lie, and how much of them is shared.

The surface of a mask is made of its own pixels that have a 4-neighbour outside it; beyond the image counts as outside, so a mask that is
cut off by the image's border has a surface along it. That is MedPy's and MONAI's definition. Each surface pixel is one element, whatever
the outline's slope there, and distances run between the centres of pixels. They are exact, and the same on every run.

Lengths are in pixels, or in the unit of `spacing`, the distance between neighbouring pixels: with a spacing of 0.5 µm, µm.

What holds for empty masks:

* **Both empty**: there is no outline, and the argument `empty` decides, as in `limner.metrics.region`. `"one"`: as for a right prediction,
  distances of 0 and shares of 1. `"nan"` and `"skip"`: NaN.
* **One of them empty**: every distance is the image's diagonal, longer than any that two outlines in it can have, and the shares are 0,
  whatever `empty` says. MedPy refuses such a pair and MONAI gives infinity or NaN; a mean over images that leaves it out would reward
  finding nothing.

Sources: Huttenlocher et al., IEEE TPAMI 15:850-863, 1993 (Hausdorff); Yeghiazaryan and Voiculescu, J Med Imaging 5:015006, 2018 (ASSD);
Nikolov et al., J Med Internet Res 23:e26151, 2021 (normalised surface Dice); Cheng et al., CVPR 2021 (boundary IoU); which to use when:
Maier-Hein et al., "Metrics reloaded", Nature Methods 21:195-212, 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from limner.metrics.counts import Counts, check_masks, count
from limner.metrics.region import EmptyRule, iou

if TYPE_CHECKING:
    from limner.types import MaskArray

Distances: TypeAlias = NDArray[np.float64]
Spacing: TypeAlias = float | tuple[float, float]  # of pixels; or of rows and of columns

_CROSS: Final[Any] = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
# Where fewer than one pixel in so many is surface, a tree of the surface's pixels is faster than a distance transform of all pixels: four
# times for one object in an image of 352x352, twenty times in one of 1000x1000. For noise it is the other way round.
_SPARSE: Final = 8
# Distances are rounded: three pixels of 0.1 µm are 0.30000000000000004 µm, and within a tolerance of 0.3 µm all the same.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """From each surface pixel of one mask to the nearest of the other, row by row.

    Attributes:
        to_target: Of the prediction's surface, float64 (pixels of it,).
        to_preds: Of the target's surface, float64 (pixels of it,).
    """

    to_target: Distances
    to_preds: Distances

    @property
    def all(self) -> Distances:
        """Both directions, one after the other."""
        return np.concatenate([self.to_target, self.to_preds])


def surface(mask: MaskArray) -> MaskArray:
    """The pixels of a mask that have a 4-neighbour outside it; beyond the image is outside.

    Args:
        mask: bool (H, W).

    Example:
        >>> surface(np.ones((3, 4), dtype=bool)).astype(int)
        array([[1, 1, 1, 1],
               [1, 0, 0, 1],
               [1, 1, 1, 1]])
    """
    return mask & ~_erode(mask, _CROSS)


def surface_distances(preds: MaskArray, target: MaskArray, *, spacing: Spacing = 1.0) -> SurfaceDistances:
    """The distances between the surfaces of two masks, from which all scores of this module but boundary IoU follow.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.
        spacing: Distance between neighbouring pixels, in the unit that is wished; or that of rows and that of columns.

    Returns:
        As many distances as there are surface pixels. If one mask is empty, the other's distances are the image's diagonal.

    Raises:
        TypeError: A mask is not of bool.
        ValueError: Their shapes differ, or the spacing is not positive.

    Example:
        >>> row = np.arange(8)[None]
        >>> d = surface_distances(row == 2, (row == 3) | (row == 7))
        >>> d.to_target.tolist(), d.to_preds.tolist()
        ([1.0], [1.0, 5.0])
    """
    _check(preds, target)
    height, width = _check_spacing(spacing)
    box = _common_box(preds, target)
    ours, theirs = surface(preds[box]), surface(target[box])
    if not (ours.any() and theirs.any()):
        diagonal = math.hypot(preds.shape[0] * height, preds.shape[1] * width)
        return SurfaceDistances(*(np.full(np.count_nonzero(one), diagonal) for one in (ours, theirs)))
    # In units of a row's height, so that square pixels have whole coordinates and not even a rounding depends on the spacing.
    aspect = width / height
    sparse = _SPARSE * (np.count_nonzero(ours) + np.count_nonzero(theirs)) < ours.size
    to_target, to_preds = (_by_tree if sparse else _by_transform)(ours, theirs, aspect)
    return SurfaceDistances(to_target * height, to_preds * height)


def hausdorff(d: SurfaceDistances, percentile: float = 100.0, *, empty: EmptyRule = "one") -> float:
    """Hausdorff distance: the larger of the two directed ones. A percentile of 95 passes over the farthest 5 % of each surface.

    The percentile is taken of each direction alone, with linear interpolation, as MONAI does (and DeepMind's surface-distance, which
    interpolates nothing). MedPy's `hd95` takes it of both directions together, where the many good pixels of one surface can hide the bad
    ones of the other. At 100 all agree.

    Args:
        d: The distances of two masks.
        percentile: In [0, 100].
        empty: What two empty masks give: 0 (`one`), or NaN.

    Raises:
        ValueError: `percentile` is out of range.

    Example:
        >>> row = np.arange(8)[None]
        >>> hausdorff(surface_distances(row == 2, (row == 3) | (row == 7), spacing=0.5))
        2.5
    """
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must lie between 0 and 100, not {percentile}")
    directed = [_percentile(side, percentile) for side in (d.to_target, d.to_preds) if side.size]
    return max(directed, default=_no_distance(empty))


def assd(d: SurfaceDistances, *, empty: EmptyRule = "one") -> float:
    """Average symmetric surface distance: the mean over the surface pixels of both masks, so that the longer outline weighs more.

    So it is defined by Yeghiazaryan and Voiculescu, and computed by MONAI and, since version 0.5, MedPy. The mean of the two directed
    means, which Metrics Reloaded calls MASD and older versions of MedPy called `assd`, is another number.

    Args:
        d: The distances of two masks.
        empty: What two empty masks give: 0 (`one`), or NaN.

    Example:
        >>> row = np.arange(8)[None]
        >>> round(assd(surface_distances(row == 2, (row == 3) | (row == 7))), 3)
        2.333
    """
    nothing, distances = _no_distance(empty), d.all
    return float(distances.mean()) if distances.size else nothing


def nsd(d: SurfaceDistances, tolerance: float, *, empty: EmptyRule = "one") -> float:
    """Normalised surface Dice: the share of both surfaces' pixels that lie within a tolerance of the other surface.

    As in MONAI's `compute_surface_dice`, each surface pixel counts as one; Nikolov et al. weigh each element of the outline by its length.

    Args:
        d: The distances of two masks.
        tolerance: Largest distance that is still right, in the unit of the distances; at least 0.
        empty: What two empty masks give: 1 (`one`), or NaN.

    Raises:
        ValueError: `tolerance` is negative.

    Example:
        >>> row = np.arange(8)[None]
        >>> round(nsd(surface_distances(row == 2, (row == 3) | (row == 7)), tolerance=1), 3)
        0.667
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, not {tolerance}")
    nothing, distances = _share_of_nothing(empty), d.all
    if not (d.to_target.size and d.to_preds.size):
        return 0.0 if distances.size else nothing
    return float((distances <= tolerance * (1 + _ROUNDING)).mean())


def boundary_iou(preds: MaskArray, target: MaskArray, *, dilation: float = 0.02, empty: EmptyRule = "one") -> float:
    """Boundary IoU: the IoU of the two masks' inner rims, which stays as strict for large objects as for small ones.

    The rim is what erosion takes away: the pixels of a mask within so many pixels (in a square) of its outside. Beyond the image counts as
    outside, as in the authors' code. In an object thinner than two rims it is the plain IoU.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.
        dilation: Width of the rim as a share of the image's diagonal, rounded to pixels; it is at least one pixel wide.
        empty: What two empty masks give: 1 (`one`), or NaN.

    Raises:
        TypeError: A mask is not of bool.
        ValueError: Their shapes differ, or `dilation` is negative.

    Example:
        >>> whole = np.ones((9, 9), dtype=bool)
        >>> hollow = whole.copy()
        >>> hollow[2:-2, 2:-2] = False
        >>> boundary_iou(whole, hollow), boundary_iou(whole, hollow, dilation=0.25)
        (0.5714285714285714, 0.7777777777777778)
    """
    _check(preds, target)
    if not dilation >= 0:
        raise ValueError(f"dilation must be at least 0, not {dilation}")
    rim = max(1, round(dilation * math.hypot(*preds.shape)))
    box = _common_box(preds, target)
    return iou(count(*(_rim(mask[box], rim) for mask in (preds, target))), empty=empty)


def boundary_scores(
    preds: MaskArray, target: MaskArray, *, spacing: Spacing = 1.0, tolerance: float = 2.0, empty: EmptyRule = "one"
) -> dict[str, float]:
    """Every boundary score of one image.

    Args:
        preds: The predicted mask, bool (H, W).
        target: The true mask, bool, of the same shape.
        spacing: Distance between neighbouring pixels, in the unit that is wished; or that of rows and that of columns.
        tolerance: Of normalised surface Dice, in the same unit.
        empty: What two empty masks give (see this module's description).

    Returns:
        `hausdorff`, `hausdorff95`, `assd` in the unit of the spacing, and `nsd`, `boundary_iou` in [0, 1].

    Raises:
        TypeError: A mask is not of bool.
        ValueError: Their shapes differ, or an argument is out of range.

    Example:
        >>> preds, target = np.zeros((2, 20, 20), dtype=bool)
        >>> preds[5:10, 5:10] = target[5:10, 8:13] = True
        >>> {name: round(score, 3) for name, score in boundary_scores(preds, target).items()}
        {'hausdorff': 3.0, 'hausdorff95': 3.0, 'assd': 1.5, 'nsd': 0.688, 'boundary_iou': 0.143}
    """
    d = surface_distances(preds, target, spacing=spacing)
    return {
        "hausdorff": hausdorff(d, empty=empty),
        "hausdorff95": hausdorff(d, 95.0, empty=empty),
        "assd": assd(d, empty=empty),
        "nsd": nsd(d, tolerance, empty=empty),
        "boundary_iou": boundary_iou(preds, target, empty=empty),
    }


def _check(preds: MaskArray, target: MaskArray) -> None:
    check_masks(preds, target)
    if preds.ndim != 2:
        raise ValueError(f"a mask has two axes, not {preds.ndim}")


def _check_spacing(spacing: Spacing) -> tuple[float, float]:
    height, width = spacing if isinstance(spacing, tuple) else (spacing, spacing)
    if not (0 < height < math.inf and 0 < width < math.inf):
        raise ValueError(f"spacing must be above 0, not {spacing}")
    return height, width


def _common_box(preds: MaskArray, target: MaskArray) -> tuple[slice, slice]:
    """What holds all foreground of both; nothing that lies outside changes their surfaces, or the distances between them."""
    either = preds | target
    if not either.any():
        return slice(0), slice(0)
    left, top, width, height = cv2.boundingRect(either.view(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def _erode(mask: MaskArray, element: NDArray[np.uint8]) -> MaskArray:
    """The pixels around which the whole element is foreground; never at the border, since beyond it nothing is."""
    if not mask.size:
        return mask
    return cv2.erode(mask.view(np.uint8), element, borderType=cv2.BORDER_CONSTANT, borderValue=0).view(np.bool_)


def _rim(mask: MaskArray, width: int) -> MaskArray:
    side = 2 * width + 1
    return mask & ~_erode(mask, np.ones((side, side), np.uint8))


def _by_tree(ours: MaskArray, theirs: MaskArray, aspect: float) -> tuple[Distances, Distances]:
    from scipy.spatial import cKDTree  # takes longer to import than all the rest

    points = [_points(mask, aspect) for mask in (ours, theirs)]
    # The plainest tree: as fast as the others for outlines, and several times faster where many pixels are almost equally near.
    trees = [cKDTree(of, compact_nodes=False, balanced_tree=False) for of in points]
    return trees[1].query(points[0])[0], trees[0].query(points[1])[0]


def _points(mask: MaskArray, aspect: float) -> Distances:
    """Row and column of each foreground pixel (n, 2), in units of a row's height."""
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])  # many times faster than `nonzero` of two axes
    return np.stack([rows, columns * aspect], axis=1)


def _by_transform(ours: MaskArray, theirs: MaskArray, aspect: float) -> tuple[Distances, Distances]:
    from scipy.ndimage import distance_transform_edt  # OpenCV's is not exact

    to_theirs, to_ours = (distance_transform_edt(~mask, sampling=(1.0, aspect)) for mask in (theirs, ours))
    return to_theirs[ours], to_ours[theirs]


def _percentile(distances: Distances, percentile: float) -> float:
    return float(distances.max() if percentile == 100 else np.percentile(distances, percentile))


def _no_distance(empty: EmptyRule) -> float:
    return 1.0 - _share_of_nothing(empty)


def _share_of_nothing(empty: EmptyRule) -> float:
    return iou(Counts(), empty=empty)
