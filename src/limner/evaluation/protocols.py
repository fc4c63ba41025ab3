"""What evaluation asks of a model and of a data set, and no more than that.

`limner.runtime.Predictor` is a `Segmenter`, and so is a folder of masks (`limner.evaluation.folder`); `limner.data.Dataset` is `Cases`. A
few lines of one's own will do as well.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from limner.errors import DataError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from limner.progress import Progress
    from limner.types import LabelArray, MaskArray, Prediction, Sample


class Metadata(Protocol):
    """What a model says of itself."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def task(self) -> str:
        """What it outlines, such as `polyp`; it decides which families of metrics are computed unless they are named."""

    @property
    def threshold_origin(self) -> str:
        """Where its threshold was chosen, in words."""


class Segmenter(Protocol):
    """Anything that segments an image, or has done so before."""

    @property
    def threshold(self) -> float | None:
        """Probability from which on a pixel is foreground; None for masks that came as they are."""

    @property
    def metadata(self) -> Metadata:
        """What the model says of itself."""

    @property
    def has_probs(self) -> bool:
        """Whether the predictions' probabilities are any, and not masks over again."""

    def predict_sample(self, sample: Sample, /) -> Prediction:
        """Segment the image of a sample, without a look at its mask; the prediction has the image's height and width."""


class Case(Protocol):
    """One image with its mask, not yet loaded."""

    @property
    def key(self) -> str:
        """What the case is called, unique in its data set."""

    @property
    def group(self) -> str | None:
        """The patient, sequence or slide that it is from, where that is known."""

    @property
    def columns(self) -> Mapping[str, str]:
        """What else is known of it, such as its site."""

    def load(self) -> Sample:
        """Read image and mask at the size in which they are stored."""

    def load_fov(self) -> MaskArray | None:
        """Read the field of view, outside of which nothing is judged; None where there is none."""

    def load_instances(self, areas: Callable[[MaskArray], LabelArray], /) -> LabelArray:
        """Read the mask with a number for each object; objects that the source does not tell apart are what `areas` makes of the mask."""


class Cases(Protocol):
    """A named set of cases."""

    @property
    def name(self) -> str:
        """The data set's name."""

    @property
    def items(self) -> Sequence[Case]:
        """The cases."""


def predict_cases(segmenter: Segmenter, dataset: Cases, *, progress: Progress | None = None) -> Iterator[tuple[Sample, Prediction, float]]:
    """Load, predict and yield one case after the other, in the order of `dataset.items`, so that only one is ever in memory.

    Yields:
        The sample, what the model says of it, and the seconds that `predict_sample` took.

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
        prediction = segmenter.predict_sample(sample)
        seconds = time.perf_counter() - start
        _check(prediction, sample, segmenter)
        yield sample, prediction, seconds
        if progress is not None:
            progress(done, total)


def load_inside(case: Case, sample: Sample) -> MaskArray | None:
    """The pixels of a sample that are judged, those of its field of view; None where it has none and all of them are.

    Raises:
        DataError: The field of view has not the size of the mask, is empty, or cannot be read.
    """
    inside = case.load_fov()
    if inside is None:
        return None
    fix = "give the field of view of this image, or judge whole images with --whole-image"
    if inside.shape != sample.mask.shape:
        (height, width), (rows, columns) = inside.shape, sample.mask.shape
        raise DataError(f"the field of view is {width}x{height} pixels, but the mask {columns}x{rows}", where=case.key, fix=fix)
    if not inside.any():
        raise DataError("the field of view is empty", where=case.key, fix=fix)
    return inside


def _check(prediction: Prediction, sample: Sample, segmenter: Segmenter) -> None:
    """A NaN would be counted as background without a word."""
    where = f"{segmenter.metadata.name}, image {sample.key}"
    if prediction.mask.shape != sample.mask.shape or prediction.probs.shape != sample.mask.shape:
        raise ModelFileError(
            f"the prediction is {prediction.mask.shape}, the mask {sample.mask.shape}", where=where, fix="export the model again"
        )
    if math.isnan(prediction.probs.max()):
        raise ModelFileError("the model predicts NaN", where=where, fix="its training has diverged: train again with a lower learning rate")
