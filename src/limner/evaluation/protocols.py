"""What evaluation asks of a model and of a data set, and no more than that.

`limner.runtime.Predictor` is a `Segmenter`, and `limner.data.Dataset` is `Cases`; a few lines of one's own will do as well.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from limner.errors import DataError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.progress import Progress
    from limner.types import ImageArray, Prediction, Sample


class Metadata(Protocol):
    """What a model says of itself."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def threshold_origin(self) -> str:
        """Where its threshold was chosen, in words."""


class Segmenter(Protocol):
    """Anything that segments an image."""

    @property
    def threshold(self) -> float:
        """Probability from which on a pixel is foreground."""

    @property
    def metadata(self) -> Metadata:
        """What the model says of itself."""

    def predict(self, image: ImageArray, /) -> Prediction:
        """Segment one image, uint8 RGB (H, W, 3); the prediction has its height and width."""


class Case(Protocol):
    """One image with its mask, not yet loaded."""

    @property
    def key(self) -> str:
        """What the case is called, unique in its data set."""

    def load(self) -> Sample:
        """Read image and mask at the size in which they are stored."""


class Cases(Protocol):
    """A named set of cases."""

    @property
    def name(self) -> str:
        """The data set's name."""

    @property
    def items(self) -> Sequence[Case]:
        """The cases."""


def predict_cases(predictor: Segmenter, dataset: Cases, *, progress: Progress | None = None) -> Iterator[tuple[Sample, Prediction, float]]:
    """Load, predict and yield one case after the other, so that only one is ever in memory.

    Yields:
        The sample, what the model says of it, and the seconds that `predictor.predict` took.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: A prediction that cannot be scored.
    """
    total = len(dataset.items)
    if not total:
        raise DataError("there is nothing to evaluate: no image with a mask", where=dataset.name, fix="check the source and the split")
    for done, item in enumerate(dataset.items, start=1):
        sample = item.load()
        start = time.perf_counter()
        prediction = predictor.predict(sample.image)
        seconds = time.perf_counter() - start
        _check(prediction, sample, predictor)
        yield sample, prediction, seconds
        if progress is not None:
            progress(done, total)


def _check(prediction: Prediction, sample: Sample, predictor: Segmenter) -> None:
    """A NaN would be counted as background without a word."""
    where = f"{predictor.metadata.name}, image {sample.key}"
    if prediction.mask.shape != sample.mask.shape or prediction.probs.shape != sample.mask.shape:
        raise ModelFileError(
            f"the prediction is {prediction.mask.shape}, the mask {sample.mask.shape}", where=where, fix="export the model again"
        )
    if math.isnan(prediction.probs.max()):
        raise ModelFileError("the model predicts NaN", where=where, fix="its training has diverged: train again with a lower learning rate")
