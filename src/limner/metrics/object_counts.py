"""How the objects of one image were found: the raw counts from which every object score follows."""

from __future__ import annotations

from dataclasses import dataclass

IOU_THRESHOLDS: tuple[float, ...] = tuple(percent / 100 for percent in range(50, 100, 5))


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """Objects of a predicted and a true label map. Counts of several images add up with `+`.

    Attributes:
        true: Objects in the truth.
        predicted: Objects in the prediction.
        matched: Pairs of a true and a predicted object, one-to-one, at each IoU of `IOU_THRESHOLDS` (0.5, 0.55, ... 0.95).
        matched_iou: Sum of the IoUs of the pairs matched at IoU 0.5.
        aji_intersection: Pixels above the line of the aggregated Jaccard index.
        aji_union: Pixels below it.
    """

    true: int = 0
    predicted: int = 0
    matched: tuple[int, ...] = (0,) * len(IOU_THRESHOLDS)
    matched_iou: float = 0.0
    aji_intersection: int = 0
    aji_union: int = 0

    def __add__(self, other: ObjectCounts) -> ObjectCounts:
        return ObjectCounts(
            self.true + other.true,
            self.predicted + other.predicted,
            tuple(a + b for a, b in zip(self.matched, other.matched, strict=True)),
            self.matched_iou + other.matched_iou,
            self.aji_intersection + other.aji_intersection,
            self.aji_union + other.aji_union,
        )
