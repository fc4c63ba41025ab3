"""Images that differ from the rest of their data set in size, shape, brightness or contrast.

By the robust z-score (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993): the distance from the median in units of the median
absolute deviation, scaled to the standard deviation of a normal distribution. Since that deviation is nothing where most images are
alike, and since small differences are of no consequence, a difference must also be large in itself. And where more than a tenth of the
images differ, they are no outliers: the data set holds images of several kinds.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.checks.pictures import is_constant, is_dark
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import Examination, ImageFacts
    from limner.doctor.findings import Finding

FEWEST = 20  # images; of fewer, nobody can say what is usual
_FAR = 6.0  # robust standard deviations
_MOST = 0.1  # of the images
_NORMAL = 1.4826  # median absolute deviation of a normal distribution -> its standard deviation
_LEAST_SIZE = 1.0  # doublings of the number of pixels
_LEAST_ASPECT = 0.25  # doublings of width / height, about a fifth
_LEAST_LEVEL = 40.0  # grey levels of 255


def check_sizes(evidence: Evidence) -> Finding | None:
    """Images with far more or fewer pixels than usual."""
    seen = list(evidence.images())
    far = outlying([math.log2(image.size[0] * image.size[1]) for _, image in seen], least=_LEAST_SIZE)
    cases = [_case(*seen[index], _size(seen[index][1])) for index in far]
    return found("size-outlier", cases, f"{counted(len(cases), 'image')} far larger or smaller than the others", usual=_usual_size(seen))


def check_aspects(evidence: Evidence) -> Finding | None:
    """Images of an unusual shape."""
    seen = list(evidence.images())
    far = outlying([math.log2(image.size[1] / image.size[0]) for _, image in seen], least=_LEAST_ASPECT)
    cases = [_case(*seen[index], f"{_size(seen[index][1])}, width to height {_aspect(seen[index][1]):.2f}") for index in far]
    usual = round(median(_aspect(image) for _, image in seen), 4) if seen else None
    return found("aspect-outlier", cases, f"{counted(len(cases), 'image')} of quite another shape than the others", usual=usual)


def check_intensities(evidence: Evidence) -> Finding | None:
    """Images far brighter, darker, flatter or harsher than usual; images of one colour and nearly black ones have findings of their own."""
    seen = [(one, image) for one, image in evidence.images() if not (is_constant(image) or is_dark(image))]
    bright = outlying([image.mean for _, image in seen], least=_LEAST_LEVEL)
    harsh = outlying([image.spread for _, image in seen], least=_LEAST_LEVEL)
    cases = [
        _case(*seen[index], f"mean grey level {seen[index][1].mean:.0f}, standard deviation {seen[index][1].spread:.0f}")
        for index in sorted({*bright, *harsh})
    ]
    text = f"{counted(len(cases), 'image')} of quite another brightness or contrast than the others"
    if not cases:
        return None
    return found(
        "intensity-outlier",
        cases,
        text,
        usual_mean=round(median(image.mean for _, image in seen), 1),
        usual_spread=round(median(image.spread for _, image in seen), 1),
    )


def outlying(values: Sequence[float], *, least: float) -> list[int]:
    """Places of the values that lie far from the median; none among fewer than twenty.

    Args:
        values: One for each image.
        least: A difference below this is of no consequence, however unusual.

    Example:
        >>> outlying([10.0] * 30 + [11.0, 90.0], least=5)
        [31]
    """
    if len(values) < FEWEST:
        return []
    middle = median(values)
    scale = _NORMAL * median(abs(value - middle) for value in values)
    far = [index for index, value in enumerate(values) if abs(value - middle) > max(least, _FAR * scale)]
    return far if len(far) <= _MOST * len(values) else []


def _case(one: Examination, _image: ImageFacts, remark: str) -> Case:
    return Case((one.image_file,), (one.key,), remark)


def _size(image: ImageFacts) -> str:
    return f"{image.size[1]}x{image.size[0]}"


def _aspect(image: ImageFacts) -> float:
    return image.size[1] / image.size[0]


def _usual_size(seen: Sequence[tuple[Examination, ImageFacts]]) -> list[int] | None:
    """Width and height of the image in the middle."""
    if not seen:
        return None
    ordered = sorted(image.size[::-1] for _, image in seen)
    return list(ordered[len(ordered) // 2])
