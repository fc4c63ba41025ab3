"""A predictor and a data set of a few lines, as `limner.evaluation.protocols` asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.metrics import binarise
from limner.metrics.objects import label_objects
from limner.types import LabelArray, MaskArray, Prediction, ProbArray, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class FakeMetadata:
    name: str = "fake"
    task: str = "object"
    threshold_origin: str = "chosen by hand"


@dataclass
class FakePredictor:
    """Reads the probability of each pixel from the image's red channel (in 255ths), unless told what to answer."""

    threshold: float = 0.5
    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    answer: ProbArray | None = None
    has_probs: bool = True
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def predict_sample(self, sample: Sample, /) -> Prediction:
        self.seen.append(sample.image.shape)
        probs = sample.image[..., 0].astype(np.float32) / np.float32(255) if self.answer is None else self.answer
        return Prediction(probs=probs, mask=binarise(probs, self.threshold), threshold=self.threshold)


@dataclass(frozen=True)
class FakeCase:
    key: str
    sample: Sample
    journal: list[str] = field(default_factory=list)
    fov: MaskArray | None = None
    instances: LabelArray | None = None
    group: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Sample:
        self.journal.append(self.key)
        return self.sample

    def load_fov(self) -> MaskArray | None:
        return self.fov

    def load_instances(self, areas: Callable[[MaskArray], LabelArray] = label_objects, /) -> LabelArray:
        return areas(self.sample.mask) if self.instances is None else self.instances


@dataclass(frozen=True)
class FakeCases:
    items: tuple[FakeCase, ...]
    name: str = "fakes"


def case(key: str, probs: list[list[float]], mask: list[list[int]], **known: Any) -> FakeCase:
    """A case in whose image the probabilities are hidden, rounded to 255ths."""
    red = np.round(np.array(probs) * 255).astype(np.uint8)
    return FakeCase(key, Sample(key, np.stack([red, red, red], axis=-1), np.array(mask, dtype=bool)), **known)


def some_cases() -> FakeCases:
    """Four images of three sizes; at 0.5 their Dice is 1, 0.5, 0 and (both masks empty) 1."""
    return FakeCases(
        (
            case("good", [[0.9, 0.1], [0.9, 0.1]], [[1, 0], [1, 0]]),
            case("fair, with a comma", [[0.9, 0.9, 0.1], [0.1, 0.1, 0.1]], [[1, 0, 0], [1, 0, 0]]),
            case("missed", [[0.2, 0.1]], [[1, 0]]),
            case("nothing there", [[0.1, 0.1]], [[0, 0]]),
        )
    )
