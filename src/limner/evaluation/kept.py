"""Validation images kept in little memory, so that many ways of post-processing can be scored on one prediction of each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from limner.imaging.instances import connected_areas
from limner.metrics import count, dice
from limner.metrics.objects import label_objects, object_counts, object_scores
from limner.runtime.postprocess import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from limner.runtime.postprocess import PostProcess
    from limner.types import LabelArray, MaskArray

Metric: TypeAlias = Literal["dice", "object_ap"]


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask at eight pixels a byte."""

    bits: NDArray[np.uint8]
    shape: tuple[int, int]

    @classmethod
    def of(cls, mask: MaskArray) -> PackedMask:
        """Pack a mask.

        Example:
            >>> PackedMask.of(np.ones((10, 12), bool)).bits.nbytes
            15
        """
        return cls(np.packbits(mask), (mask.shape[0], mask.shape[1]))

    def unpacked(self) -> MaskArray:
        """The mask, bool (H, W)."""
        height, width = self.shape
        return np.unpackbits(self.bits, count=height * width).view(np.bool_).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class PackedLabels:
    """A label map, deflated: it consists of long runs of one number."""

    deflated: bytes
    shape: tuple[int, int]

    @classmethod
    def of(cls, labels: LabelArray) -> PackedLabels:
        """Pack a label map."""
        return cls(zlib.compress(labels.astype(np.int32).tobytes(), level=1), (labels.shape[0], labels.shape[1]))

    def unpacked(self) -> LabelArray:
        """The labels, int32 (H, W)."""
        return np.frombuffer(zlib.decompress(self.deflated), dtype=np.int32).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class KeptImage:
    """What is needed to score a post-processing on an image.

    Attributes:
        preds: The mask before post-processing.
        target: The true mask.
        scale: Pixels of the image for each that the network sees.
        inside: The field of view, outside of which nothing is judged; None where there is none.
        true: The true objects; None where objects are not judged.
    """

    preds: PackedMask
    target: PackedMask
    scale: float
    inside: PackedMask | None = None
    true: PackedLabels | None = None

    def score(self, settings: PostProcess, metric: Metric) -> float:
        """Dice or object AP (see `limner.metrics.objects`) with a post-processing; 1 where there is nothing, neither true nor predicted."""
        return self._score(clean(self.preds.unpacked(), settings, scale=self.scale), settings, metric)

    def scores(self, settings: Sequence[PostProcess], metric: Metric, *, like: tuple[PostProcess, float]) -> list[float]:
        """`score` for each of several settings.

        Args:
            settings: To be scored.
            metric: By what.
            like: Settings of which the score is known: one that leaves the same has the same.
        """
        return list(self._each(settings, metric, *like))

    def _each(self, settings: Sequence[PostProcess], metric: Metric, known: PostProcess, score: float) -> Iterator[float]:
        raw = self.preds.unpacked()
        same = clean(raw, known, scale=self.scale)
        for one in settings:
            mask = clean(raw, one, scale=self.scale)
            alike = one.split_touching == known.split_touching and np.array_equal(mask, same)
            yield score if alike else self._score(mask, one, metric)

    def _score(self, mask: MaskArray, settings: PostProcess, metric: Metric) -> float:
        inside = None if self.inside is None else self.inside.unpacked()
        if metric == "dice":
            return dice(count(mask, self.target.unpacked(), inside), empty="one")
        if self.true is None:
            raise ValueError("objects were not kept")
        return object_scores(object_counts(_objects(mask, settings, inside), self.true.unpacked()), empty="one")["object_ap"]


def _objects(mask: MaskArray, settings: PostProcess, inside: MaskArray | None) -> LabelArray:
    """As an evaluation has them: told apart in the whole image, or else what is connected inside the field of view."""
    if settings.split_touching:
        labels = label_objects(mask, split_touching=True)
        return labels if inside is None else np.where(inside, labels, np.int32(0))
    return connected_areas(mask if inside is None else mask & inside)
