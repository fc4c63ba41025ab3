"""One pass over the validation part: all that calibration, threshold and review rule are chosen by.

Where an image has a field of view, only what lies inside is counted, as in the evaluation. The review score is of the whole image, since
that of a new image will be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limner.evaluation.protocols import load_inside, predict_cases
from limner.metrics import THRESHOLDS, sweep_counts
from limner.metrics.probability import LogitHistogram
from limner.metrics.review import sweep_review

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.evaluation.protocols import Cases, Segmenter
    from limner.metrics import Counts
    from limner.progress import Progress


@dataclass(frozen=True, slots=True)
class Swept:
    """What a model says of a data set at every threshold.

    Attributes:
        source: The data set's name.
        thresholds: Those that were tried, lowest first.
        counts: The counts of each image at each threshold.
        review: The review score of each image at each threshold.
        logits: How many pixels of each class have which logit, in all images together.
    """

    source: str
    thresholds: tuple[float, ...]
    counts: list[list[Counts]]
    review: list[list[float]]
    logits: LogitHistogram

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.counts)

    @property
    def has_object(self) -> list[bool]:
        """Of each image, whether there is foreground in its true mask."""
        return [counts[0].tp + counts[0].fn > 0 for counts in self.counts]


def sweep_cases(
    predictor: Segmenter, dataset: Cases, *, thresholds: Sequence[float] = THRESHOLDS, progress: Progress | None = None
) -> Swept:
    """Predict every image once, at the size of its original mask, and keep what is known at each threshold.

    Args:
        predictor: The model; its own threshold plays no part.
        dataset: The validation part. Choosing on the test part would make the test worthless.
        thresholds: In any order; at least one.
        progress: Called with (done, total) after each case.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: The model predicts NaN, or masks of another size.
        ValueError: There are no thresholds.
    """
    grid = tuple(sorted(set(thresholds)))
    if not grid:
        raise ValueError("there are no thresholds to choose from")
    counts, review, logits = [], [], LogitHistogram()
    for item, (sample, prediction, _) in zip(dataset.items, predict_cases(predictor, dataset, progress=progress), strict=True):
        inside = load_inside(item, sample)
        counts.append(sweep_counts(prediction.probs, sample.mask, grid, inside))
        review.append(sweep_review(prediction.probs, grid))
        logits += LogitHistogram.of(prediction.probs, sample.mask, inside)
    return Swept(dataset.name, grid, counts, review, logits)
