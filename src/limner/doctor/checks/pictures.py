"""Images in which there is nothing to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import ImageFacts
    from limner.doctor.findings import Finding

_NOISE = 4  # levels; JPEG changes a plain colour by less
_DARK = 24  # level; fluorescence with few cells is brighter in its brightest hundredth


def check_constant(evidence: Evidence) -> Finding | None:
    """Images of one colour."""
    cases = [Case((one.image_file,), (one.key,), f"grey level {image.mean:.0f}") for one, image in evidence.images() if is_constant(image)]
    return found("constant-image", cases, f"{counted(len(cases), 'image')} of one colour")


def check_dark(evidence: Evidence) -> Finding | None:
    """Images whose brightest hundredth is still nearly black."""
    cases = [
        Case((one.image_file,), (one.key,), f"99 % of the pixels are at grey level {image.brightest:.0f} of 255 or below")
        for one, image in evidence.images()
        if is_dark(image)
    ]
    return found("dark-image", cases, f"{counted(len(cases), 'image')} nearly black")


def is_dark(image: ImageFacts) -> bool:
    """Whether next to nothing is to be seen in it, though it is not of one colour."""
    return image.brightest < _DARK and not is_constant(image)


def is_constant(image: ImageFacts) -> bool:
    """Whether it is of one colour, but for the noise of compression."""
    return image.range <= _NOISE
