"""From which review score on an image is flagged for a person to look at: that of the most doubtful tenth of the validation images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.runtime.format import ReviewRule

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 0.1
LEAST_IMAGES = 10  # of fewer, a tenth is less than one


def review_rule(scores: Sequence[float], *, share: float = SHARE) -> ReviewRule | None:
    """The rule by which about `share` of the validation images would be flagged; None where there are too few of them to tell.

    Args:
        scores: The review score of each validation image, of the mask at the threshold.
        share: In (0, 1).

    Example:
        >>> rule = review_rule([number / 100 for number in range(20)])
        >>> sum(number / 100 > rule.threshold for number in range(20)), rule.origin
        (2, 'the most doubtful 10 % of 20 validation images lie above it')
    """
    if len(scores) < LEAST_IMAGES:
        return None
    threshold = float(np.quantile(scores, 1 - share))
    origin = f"the most doubtful {100 * share:g} % of {len(scores)} validation images lie above it"
    return ReviewRule(threshold=threshold, share=share, origin=origin)
