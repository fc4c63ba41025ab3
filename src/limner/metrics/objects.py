"""Objects: how many of the true ones were found, and how well.

A mask becomes a label map, `label_objects`; two label maps become raw counts, `object_counts`; and every score follows from those,
`object_scores`, of one image or of the sum over many.

A predicted and a true object match when their IoU reaches a threshold, each with one other at most. IoU is at least 0.5 wherever
objects are matched, and that settles nearly everything: of all pairs with an IoU above 0.5 no two share an object. At exactly 0.5 two
pairs can share one (an object that is the union of two of equal size), and then one of them counts. So there are always as many pairs as
in the best assignment, with the same sum of IoUs, and nothing needs to be searched for.

Sources: Caicedo et al., Nature Methods 16:1247-1253, 2019 (AP of the Data Science Bowl 2018: TP / (TP + FP + FN) averaged over the IoUs
0.5, 0.55, ... 0.95; also that of StarDist and Cellpose); Kirillov et al., Panoptic segmentation, CVPR 2019; Kumar et al., IEEE TMI
36:1550-1560, 2017 (AJI, algorithm 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

import cv2
import numpy as np

from limner.imaging.instances import connected_areas
from limner.metrics.object_counts import IOU_THRESHOLDS, ObjectCounts
from limner.metrics.region import EmptyRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import LabelArray, MaskArray

_NECK = 0.8  # a neck is cut when it is no wider than this share of the narrower of its objects
_WIDE = 1 / (1 - _NECK)  # half-width, in pixels, of objects of which that share is a whole pixel
_AROUND: Final = np.ones((3, 3), dtype=np.uint8)
_ROUNDS, _DILATIONS = 32, 4


def label_objects(mask: MaskArray, *, split_touching: bool = False) -> LabelArray:
    """The objects of a mask: its 8-connected components, on request cut where objects touch.

    To cut, every pixel's distance from the background (outside of the image is background too) is taken for a relief, and a watershed
    grows an object from each of its tops. Not every local maximum is a top: two are of different objects if the neck between them is at
    most 0.8 times as wide as the narrower object, and its half-width smaller by a pixel at least. So two equal discs are cut apart when
    about 1.3 radii or more lie between their centres (1.5 where the radius is below 12 pixels, 1.7 below 7, 2 below 4), while rough
    edges and bent shapes stay whole.

    Args:
        mask: bool (H, W).
        split_touching: Whether to cut components in which several objects touch.

    Returns:
        int32 (H, W): 0 for the background, 1, 2, ... for the objects.

    Raises:
        TypeError: `mask` is not bool.

    Example:
        >>> label_objects(np.array([[1, 0, 0, 1], [0, 1, 0, 1]], dtype=bool))
        array([[1, 0, 0, 2],
               [0, 1, 0, 2]], dtype=int32)
    """
    if mask.dtype != np.bool_:
        raise TypeError(f"mask must be bool, not {mask.dtype}")
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    if split_touching:
        return _split(mask)
    return connected_areas(mask)


def _split(mask: MaskArray) -> LabelArray:
    from skimage.measure import label
    from skimage.morphology import local_maxima
    from skimage.segmentation import watershed

    framed = np.pad(mask, 1)
    relief = _relief(framed)
    tops = label(local_maxima(_flattened(relief), footprint=_AROUND) & framed, connectivity=2)  # type: ignore[no-untyped-call]
    cut = watershed(-relief, tops, connectivity=2, mask=framed)  # type: ignore[no-untyped-call]
    return np.asarray(cut[1:-1, 1:-1], dtype=np.int32)


def _relief(mask: MaskArray) -> NDArray[np.float64]:
    """Half-widths, bent so that a neck is narrow enough for a cut just when it lies 1 lower; -1 in the background."""
    distance = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float64)
    share = _WIDE + np.log(np.maximum(distance, _WIDE) / _WIDE) / -math.log(_NECK)
    return np.where(mask, np.where(distance < _WIDE, distance, share), -1.0)


def _flattened(relief: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every top lowered by 1, so that those less than 1 above the pass to something higher are tops no more.

    That is the reconstruction of the relief by dilation from 1 below it (Vincent, IEEE TIP 2:176-201, 1993). Objects are small, so a few
    dozen dilations of the whole image are many times as fast as sorting its pixels; an algorithm that does so takes over where they
    have not settled by then.
    """
    from skimage.morphology import reconstruction

    level, wider = np.maximum(relief - 1, -1), np.empty_like(relief)  # the background is where it will be
    for _ in range(_ROUNDS):
        before = level.copy()
        for _ in range(_DILATIONS):
            cv2.dilate(level, _AROUND, dst=wider)
            cv2.min(wider, relief, dst=level)
        if np.array_equal(before, level):
            return level
    return np.asarray(reconstruction(level, relief, footprint=_AROUND), dtype=np.float64)  # type: ignore[no-untyped-call]


# ------------------------------------------------------------------------------------------------------------------ counts


@dataclass(frozen=True, slots=True)
class _Runs:
    """The pixels of two label maps, row by row, cut wherever either label changes: far fewer than there are pixels.

    Attributes:
        starts: First pixel of each run.
        lengths: Pixels in it.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, preds: LabelArray, target: LabelArray) -> _Runs:
        first, second = preds.ravel(), target.ravel()
        changes = np.flatnonzero((first[1:] != first[:-1]) | (second[1:] != second[:-1])) + 1
        starts = np.concatenate(([0], changes))[: first.size]
        return cls(starts, np.diff(starts, append=first.size))


@dataclass(frozen=True, slots=True)
class _Objects:
    """The objects of a label map, numbered 0, 1, ... whatever their labels.

    Attributes:
        numbers: The object that each run belongs to; -1 in the background.
        areas: Pixels of each object.
        begins: The first run of each object.
    """

    numbers: NDArray[np.int64]
    areas: NDArray[np.int64]
    begins: NDArray[np.int64]

    @classmethod
    def of(cls, labels: LabelArray, runs: _Runs) -> _Objects:
        values = labels.ravel()[runs.starts]
        known = np.unique(values[values > 0])
        numbers = np.where(values > 0, np.searchsorted(known, values), -1)
        inside = np.flatnonzero(values > 0)
        begins = np.zeros(len(known), dtype=np.int64)
        begins[numbers[inside[::-1]]] = inside[::-1]  # the last one written stays
        return cls(numbers, _sums(numbers[inside], runs.lengths[inside], len(known)), begins)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs of a predicted and a true object that overlap.

    Attributes:
        predicted: Index of the predicted object.
        true: Index of the true one.
        intersection: Pixels that they share.
        union: Pixels of either.
        iou: Their quotient.
    """

    predicted: NDArray[np.int64]
    true: NDArray[np.int64]
    intersection: NDArray[np.int64]
    union: NDArray[np.int64]
    iou: NDArray[np.float64]


def object_counts(preds: LabelArray, target: LabelArray) -> ObjectCounts:
    """Compare the objects of two label maps.

    Args:
        preds: The predicted objects, integers (H, W): 0 for the background, each object with a number above 0 of its own. Numbers may be
            left out, and say nothing.
        target: The true objects, likewise, of the same shape.

    Raises:
        TypeError: One of them does not hold integers. (A mask of bool has no objects yet: see `label_objects`.)
        ValueError: Their shapes differ, or a number is below 0.

    Example:
        >>> c = object_counts(np.array([[1, 1, 0, 4]]), np.array([[7, 7, 7, 0]]))
        >>> c.true, c.predicted, c.matched[:5], c.aji_intersection, c.aji_union
        (1, 2, (1, 1, 1, 1, 0), 2, 4)
    """
    _check(preds, target)
    runs = _Runs.of(preds, target)
    predicted, true = _Objects.of(preds, runs), _Objects.of(target, runs)
    pairs = _overlaps(predicted, true, runs)
    matched_iou = pairs.iou[_matches(pairs)]
    intersection, union = _aggregated_jaccard(pairs, predicted, true)
    return ObjectCounts(
        true=len(true.areas),
        predicted=len(predicted.areas),
        matched=tuple(int(np.count_nonzero(matched_iou >= threshold)) for threshold in IOU_THRESHOLDS),
        matched_iou=math.fsum(matched_iou),
        aji_intersection=intersection,
        aji_union=union,
    )


def _check(preds: LabelArray, target: LabelArray) -> None:
    for name, labels in (("preds", preds), ("target", target)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise TypeError(f"{name} must hold integers, not {labels.dtype}")
        if labels.size and labels.min() < 0:
            raise ValueError(f"{name} holds a label below 0: {labels.min()}")
    if preds.shape != target.shape:
        raise ValueError(f"prediction and target differ in shape: {preds.shape} and {target.shape}")


def _overlaps(predicted: _Objects, true: _Objects, runs: _Runs) -> _Pairs:
    both = (predicted.numbers >= 0) & (true.numbers >= 0)
    # One number for each pair, so that only pairs that occur take memory.
    codes, pair = np.unique(predicted.numbers[both] * len(true.areas) + true.numbers[both], return_inverse=True)
    intersection = _sums(pair, runs.lengths[both], len(codes))
    i, j = np.divmod(codes, max(len(true.areas), 1))
    union = predicted.areas[i] + true.areas[j] - intersection
    return _Pairs(i, j, intersection, union, intersection / union)


def _sums(numbers: NDArray[np.int64], lengths: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """For each of n numbers the sum of its lengths."""
    return np.bincount(numbers, weights=lengths, minlength=n).astype(np.int64)


def _matches(pairs: _Pairs) -> NDArray[np.int64]:
    """The pairs that match at IoU 0.5: where two share an object, both have an IoU of exactly 0.5, and either will do."""
    kept = np.flatnonzero(pairs.iou >= IOU_THRESHOLDS[0])
    kept = kept[np.unique(pairs.predicted[kept], return_index=True)[1]]
    return np.asarray(kept[np.unique(pairs.true[kept], return_index=True)[1]])


def _aggregated_jaccard(pairs: _Pairs, predicted: _Objects, true: _Objects) -> tuple[int, int]:
    """Intersection and union of each true object and the predicted one of highest IoU, plus what is left over on either side.

    As published, a predicted object may serve several true ones. Of two with the same IoU that of the larger intersection is taken, then
    the one that begins first (row by row), so that the labels' numbers change nothing.
    """
    order = np.lexsort((predicted.begins[pairs.predicted], -pairs.intersection, -pairs.iou, pairs.true))
    best = order[np.unique(pairs.true[order], return_index=True)[1]]
    missed = np.delete(true.areas, pairs.true[best])
    unused = np.delete(predicted.areas, pairs.predicted[best])
    return int(pairs.intersection[best].sum()), int(pairs.union[best].sum() + missed.sum() + unused.sum())


# ------------------------------------------------------------------------------------------------------------------ scores


def object_scores(c: ObjectCounts, *, empty: EmptyRule = "one") -> dict[str, float]:
    """The scores of objects, each in [0, 1], or NaN where there are none.

    With TP for the pairs that match at IoU 0.5 or more (exactly 0.5 counts, also in the panoptic quality, which its authors define for more
    than 0.5):

    * `object_precision`: TP / predicted; `object_recall`, the detection rate: TP / true; `object_f1`: 2 TP / (predicted + true);
    * `object_ap`: TP / (TP + FP + FN), averaged over the IoUs 0.5, 0.55, ... 0.95. No ranking by confidence enters, unlike in COCO's AP;
    * `panoptic_quality`: the F1 times the mean IoU of the pairs;
    * `aji`: the aggregated Jaccard index.

    Args:
        c: Counts of one image, or (for the pooled scores) the sum of those of several.
        empty: What they are where there is neither a true nor a predicted object: 1 under `one`, NaN under `nan` and `skip`. Where there
            is one or the other only, all are 0.

    Raises:
        ValueError: There is no such rule.

    Example:
        >>> c = ObjectCounts(true=3, predicted=2, matched=(2, *[1] * 9), matched_iou=1.5, aji_intersection=40, aji_union=80)
        >>> scores = object_scores(c)
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'object_precision': 1.0, 'object_recall': 0.667, 'object_f1': 0.8, 'object_ap': 0.292, 'panoptic_quality': 0.6, 'aji': 0.5}
    """
    if empty not in get_args(EmptyRule):
        raise ValueError(f"empty must be one of {get_args(EmptyRule)}, not {empty!r}")
    found, objects = c.matched[0], c.true + c.predicted
    scores = {
        "object_precision": _share(found, c.predicted),
        "object_recall": _share(found, c.true),
        "object_f1": _share(2 * found, objects),
        "object_ap": math.fsum(_share(matched, objects - matched) for matched in c.matched) / len(c.matched),
        "panoptic_quality": _share(2 * c.matched_iou, objects),
        "aji": _share(c.aji_intersection, c.aji_union),
    }
    return scores if objects else dict.fromkeys(scores, 1.0 if empty == "one" else math.nan)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0
