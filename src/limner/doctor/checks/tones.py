"""The levels of masks: fringes, labels, and photographs in the place of masks."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import Examination, Tones
    from limner.doctor.findings import Finding

LIKENESS = 0.985  # correlation; a bright object on black reaches 0.9 with its own mask


def check_mask_is_image(evidence: Evidence) -> Finding | None:
    """The mask is the image, or a grey copy of it."""
    cases = [Case(one.files, (one.key,), f"correlation {mask.likeness:.3f}") for one, mask in evidence.masks() if mask.likeness >= LIKENESS]
    return found("mask-is-image", cases, f"{counted(len(cases), 'mask')} equal to the image or to a grey copy of it")


def check_labels(evidence: Evidence) -> Finding | None:
    """Masks of more than two tones over whole areas, whose foreground nobody has named."""
    cases = [
        Case((fault.file,), (one.key,), fault.text)
        for one in evidence.examinations
        for fault in one.faults
        if fault.kind == "label-map" and not _is_image(one)
    ]
    return found("label-map", cases, f"{counted(len(cases), 'mask')} of several labels")


def check_fringes(evidence: Evidence) -> Finding | None:
    """Masks of two tones with levels between them: fringes of JPEG compression, or smoothed edges.

    Label maps are none of these, nor are masks whose foreground the user has named.
    """
    fringed = [
        (one, mask.tones)
        for one, mask in evidence.masks()
        if mask.tones and mask.tones.levels > 2 and mask.coverage and not _is_image(one) and not evidence.declared
    ]
    if not fringed:
        return None
    cases = [Case(one.mask_files, (one.key,), _measured(tones)) for one, tones in fringed]
    lossy = sum(tones.lossy for _, tones in fringed)
    swell = median(tones.swell for _, tones in fringed)
    told = "JPEG or another lossy format" if lossy == len(cases) else f"{lossy} of them in a lossy format" if lossy else "smoothed edges"
    text = f"{counted(len(cases), 'mask')} with grey levels between ground and object ({told})"
    return found(
        "not-binary",
        cases,
        text,
        lossy=lossy,
        median_levels=median(tones.levels for _, tones in fringed),
        median_share_between=round(median(tones.between for _, tones in fringed), 6),
        median_swell=round(swell, 6),
    )


def _is_image(one: Examination) -> bool:
    return one.mask is not None and one.mask.likeness >= LIKENESS


def _measured(tones: Tones) -> str:
    swell = f"; what is not black is {1 + tones.swell:.3g} times the object" if tones.swell > 0 else ""
    return f"{tones.levels} levels, {100 * tones.between:.2g} % of the pixels between{swell}"
