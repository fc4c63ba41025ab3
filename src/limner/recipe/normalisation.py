"""Normalisation of the input, as the one pair of numbers per channel that training and the model file share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.recipe.schema import DataPart

_MEAN_STD = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "unit": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "half": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}


def mean_std(data: DataPart) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation per channel, in grey levels (0 to 255); the network sees (image - mean) / std.

    Example:
        >>> from limner.recipe.schema import DataPart
        >>> mean_std(DataPart(normalisation="unit"))[1]
        (255.0, 255.0, 255.0)
    """
    return _MEAN_STD[data.normalisation]
