"""How much of the picture a mask covers: nothing, everything, the wrong side, or too little to survive resizing."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.findings import Case, found
from limner.doctor.mask_facts import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import Coverage, Examination
    from limner.doctor.findings import Finding

_AROUND = 0.9  # share of the border that the ground of an inverted mask covers; an object that fills the frame leaves a corner
_ALONG = 3.0  # times as much of the border as of the picture may be free; of ground that an object leaves in a corner far more is
_ORDINARY = 3  # so many masks that are not suspected are needed to know what is usual


def check_empty(evidence: Evidence) -> Finding | None:
    """Masks without foreground."""
    cases = [Case(one.mask_files, (one.key,)) for one, coverage in _covered(evidence) if coverage.share == 0]
    return found("empty-mask", cases, f"{counted(len(cases), 'mask')} without any foreground")


def check_full(evidence: Evidence) -> Finding | None:
    """Masks that are foreground everywhere."""
    cases = [Case(one.mask_files, (one.key,)) for one, coverage in _covered(evidence) if coverage.share == 1]
    return found("full-mask", cases, f"{counted(len(cases), 'mask')} covering the whole image")


def check_inverted(evidence: Evidence) -> Finding | None:
    """Masks whose foreground surrounds a hole, where the others' is an object within the picture.

    A mask is suspected when its foreground covers more than half of the picture and nine tenths of its border, and what it leaves free
    does not lie along the border, as the ground does that an object which fills the frame leaves in the corners. In data whose other
    masks usually cover more than half, too, nothing is suspected. Where nearly all masks are suspected, nothing is usual, and all are
    named if they are three or more.
    """
    partly = [(one, coverage) for one, coverage in _covered(evidence) if 0 < coverage.share < 1]
    suspects = [(one, coverage) for one, coverage in partly if _surrounds(coverage)]
    usual = [coverage.share for _, coverage in partly if not _surrounds(coverage)]
    is_doubtful = median(usual) > 0.5 if len(usual) >= _ORDINARY else len(suspects) < _ORDINARY
    if is_doubtful:
        return None
    cases = [Case(one.mask_files, (one.key,), _surrounding(seen)) for one, seen in suspects]
    usually = {"usual_share": round(median(usual), 6)} if usual else {}
    text = f"{counted(len(cases), 'mask')} with the object dark and the ground bright, by the look of it"
    return found("inverted-mask", cases, text, **usually)


def check_vanishing(evidence: Evidence) -> Finding | None:
    """Foreground of which less than half is left once the mask is resized as training does it."""
    side = evidence.input_size
    cases = [
        Case(one.mask_files, (one.key,), _left(seen))
        for one, seen in _covered(evidence)
        if seen.share > 0 and seen.shrunk < MOST * seen.share
    ]
    gone = sum(seen.share > 0 and seen.shrunk == 0 for _, seen in _covered(evidence))
    text = f"{counted(len(cases), 'mask')} losing most of the foreground at {side}x{side} ({gone} losing all)"
    return found("vanishing-foreground", cases, text, input_size=side, wholly=gone)


def _covered(evidence: Evidence) -> Iterator[tuple[Examination, Coverage]]:
    return ((one, mask.coverage) for one, mask in evidence.masks() if mask.coverage is not None)


def _surrounds(seen: Coverage) -> bool:
    return seen.share > 0.5 and seen.border >= _AROUND and 1 - seen.border <= _ALONG * (1 - seen.share)


def _surrounding(seen: Coverage) -> str:
    return f"{100 * seen.share:.0f} % of the image and {100 * seen.border:.0f} % of its border are foreground"


def _left(seen: Coverage) -> str:
    needs = f"; most of it is left at {seen.needs}" if seen.needs else ""
    return f"{100 * seen.shrunk / seen.share:.0f} % of {100 * seen.share:.2g} % of the image is left{needs}"
