"""What is summed over the images of an evaluation, because no row of `cases.csv` can hold it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from limner.evaluation.coarse import coarse
from limner.evaluation.curves import ProbabilityCurves, ReliabilityBin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from limner.evaluation.coarse import CoarseHistogram
    from limner.metrics.probability import LogitHistogram


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over images; `Sums.total` makes one of those of several sets of images.

    Attributes:
        logits: How many pixels of each class have which logit; None where there were no probabilities.
        e_measure: E-measure at each of the 256 thresholds, float64 (256,), summed over images; None where it was not computed.
        of_image: The logits of each image by its key, coarsely, for intervals.
    """

    logits: LogitHistogram | None = None
    e_measure: NDArray[np.float64] | None = None
    of_image: Mapping[str, CoarseHistogram] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, logits: LogitHistogram | None, e_measure: NDArray[np.float64] | None) -> Sums:
        """Those of one image."""
        return cls(logits, e_measure, {} if logits is None else {key: coarse(logits)})

    @classmethod
    def total(cls, parts: Sequence[Sums]) -> Sums:
        """The sum of at least one; what one of them lacks, it lacks."""
        logits = [part.logits for part in parts if part.logits is not None]
        curves = [part.e_measure for part in parts if part.e_measure is not None]
        return cls(
            reduce(add, logits) if len(logits) == len(parts) else None,
            np.sum(curves, axis=0) if len(curves) == len(parts) else None,
            {key: histogram for part in parts for key, histogram in part.of_image.items()},
        )

    def curves(self) -> ProbabilityCurves | None:
        """The curves over all pixels together; None where there were no probabilities."""
        if self.logits is None:
            return None
        bins = tuple(ReliabilityBin(mean_prob=p, share_foreground=share, n=n) for p, share, n in self.logits.reliability())
        return ProbabilityCurves(
            roc=tuple(self.logits.roc_points()), precision_recall=tuple(self.logits.precision_recall_points()), reliability=bins
        )
