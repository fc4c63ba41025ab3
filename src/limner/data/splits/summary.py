"""What the parts of a split hold, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.data.splits.split import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.data.splits.split import Split


@dataclass(frozen=True, slots=True)
class PartSummary:
    """What one part holds.

    Attributes:
        part: `train`, `val` or `test`.
        images: How many images.
        groups: Of how many groups they are; an image on its own is one.
        foreground: The quartiles of the share of foreground, each in [0, 1]; None where no mask was measured.
    """

    part: str
    images: int
    groups: int
    foreground: tuple[float, float, float] | None

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def summarise(split: Split, shares: Mapping[str, float]) -> list[PartSummary]:
    """What each part holds.

    Args:
        split: The split.
        shares: The share of foreground of each image, in [0, 1], as far as it is known.

    Example:
        >>> from limner.data.splits import Split
        >>> split = Split(train=("a", "b", "c"), val=("d",), seed=0, origin="by hand")
        >>> summarise(split, {"a": 0.1, "b": 0.2, "c": 0.3})[0]
        PartSummary(part='train', images=3, groups=3, foreground=(0.15, 0.2, 0.25))
    """
    return [PartSummary(part, len(split.part(part)), split.count_groups(part), _quartiles(split.part(part), shares)) for part in PARTS]


def _quartiles(keys: tuple[str, ...], shares: Mapping[str, float]) -> tuple[float, float, float] | None:
    found = [shares[key] for key in keys if key in shares]
    if not found:
        return None
    low, middle, high = (round(float(value), 6) for value in np.quantile(found, [0.25, 0.5, 0.75]))
    return low, middle, high
