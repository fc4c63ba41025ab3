"""Normalisation of the input: the one pair of numbers per channel that training and the model file share."""

from __future__ import annotations

from typing import Final

Triple = tuple[float, float, float]

# Mean and standard deviation per channel in grey levels (0 to 255); the network sees (image - mean) / std. ImageNet's are torchvision's.
MEAN_STD: Final[dict[str, tuple[Triple, Triple]]] = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "unit": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "half": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}
