"""A predictor without a network: what is red in an image is the object, and the redder, the more probable."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from limner.imaging import encode_png
from limner.runtime.format import ModelMetadata
from limner.types import Prediction

GREEN = 40  # of all pixels, so that the grey level of none is 0


@dataclass
class Stub:
    """As far as `limner.batch` knows a `Predictor`."""

    task: str = "polyp"
    label: str = "stub 0123456789ab"
    threshold: float = 0.5
    with_objects: bool = False
    seen: list = field(default_factory=list)

    @property
    def metadata(self) -> ModelMetadata:
        return ModelMetadata(name="stub", task=self.task, input_size=(32, 32), created="2026-01-01T00:00:00+00:00")

    def predict(self, image):
        self.seen.append(image.shape[:2])
        probs = image[..., 0].astype(np.float32) / np.float32(255)
        labels = image[..., 2].astype(np.int32) if self.with_objects else None
        return Prediction(probs, probs >= np.float32(self.threshold), self.threshold, labels, disagreement=probs / 2)


def painted(mask, *, high=204, labels=None) -> bytes:
    """A PNG of which the stub says this mask, with the probability high/255 in it; numbers of objects go into the blue."""
    image = np.zeros((*mask.shape, 3), np.uint8)
    image[..., 0] = mask * np.uint8(high)
    image[..., 1] = GREEN
    image[..., 2] = 0 if labels is None else labels
    return encode_png(image)


def ring(size=(20, 30)):
    """A ring, and a pixel that touches it at a corner; so there is a hole, and an object of two parts."""
    mask = np.zeros(size, bool)
    mask[3:12, 4:15] = True
    mask[6:9, 7:12] = False
    mask[12, 15] = True
    return mask


def blobs(size=(24, 36), seed=0):
    """Rough areas, some with holes, some cut off by the border."""
    noise = np.random.default_rng(seed).random(size)
    rough = sum(np.roll(noise, (dy, dx), (0, 1)) for dy in range(3) for dx in range(3)) / 9
    return rough > 0.52
