"""The vocabulary that all parts share: array shapes, samples, predictions.

Outside the network an image is uint8 RGB of shape (H, W, 3), a mask is bool of shape (H, W), and a probability map is float32 in
[0, 1] of shape (H, W). Inside it everything is (N, C, H, W).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ImageArray: TypeAlias = NDArray[np.uint8]  # (H, W, 3), RGB
MaskArray: TypeAlias = NDArray[np.bool_]  # (H, W)
LabelArray: TypeAlias = NDArray[np.int32]  # (H, W); 0 is the ground, each object has a number of its own
ProbArray: TypeAlias = NDArray[np.float32]  # (H, W), in [0, 1]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its mask, at the size in which they were stored."""

    key: str
    image: ImageArray
    mask: MaskArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one image, at that image's size.

    Attributes:
        probs: Probability of each pixel; of masks that came without probabilities, 0 and 1.
        mask: The foreground.
        threshold: Probability from which on a pixel was taken for foreground.
        objects: A number for each object, where whoever predicted tells them apart.
        disagreement: Standard deviation of each pixel's probability among several predictions (models, or views of the image at test time)
            whose mean `probs` is; None of a single one.
    """

    probs: ProbArray
    mask: MaskArray
    threshold: float
    objects: LabelArray | None = None
    disagreement: ProbArray | None = None

    @property
    def foreground_share(self) -> float:
        """Share of the pixels that are foreground, in [0, 1]."""
        return float(self.mask.mean())
