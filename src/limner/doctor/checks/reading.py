"""Files that cannot be read, and pictures that hide a part of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from limner.doctor.evidence import Evidence
    from limner.doctor.findings import Finding


def check_unreadable(evidence: Evidence) -> Finding | None:
    """Empty, damaged, cut short, of no known format or range."""
    cases = [
        Case((fault.file,), (one.key,), fault.text) for one in evidence.examinations for fault in one.faults if fault.kind == "unreadable"
    ]
    return found("unreadable", cases, f"{counted(len(cases), 'file')} cannot be read")


def check_alpha(evidence: Evidence) -> Finding | None:
    """Transparency that hides something; an alpha channel that is opaque everywhere is none."""
    cases = []
    for one in evidence.examinations:
        image = (one.image_file,) if one.image and one.image.transparent else ()
        masks = one.mask_files if one.mask and one.mask.transparent else ()
        if image or masks:
            cases.append(Case((*image, *masks), (one.key,), " and ".join(["image"] * bool(image) + ["mask"] * bool(masks))))
    return found("alpha-channel", cases, f"{counted(len(cases), 'pair')} with transparent pixels")
