"""The checks: pure functions over all that is known of a data set, each of which finds one kind of thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.doctor.checks.coverage import check_empty, check_full, check_inverted, check_vanishing
from limner.doctor.checks.geometry import check_orientation, check_resized, check_size, check_transposed
from limner.doctor.checks.leaks import check_leaks
from limner.doctor.checks.names import check_names, check_no_pairs
from limner.doctor.checks.outliers import check_aspects, check_intensities, check_sizes
from limner.doctor.checks.pictures import check_constant, check_dark
from limner.doctor.checks.reading import check_alpha, check_unreadable
from limner.doctor.checks.tones import check_fringes, check_labels, check_mask_is_image
from limner.doctor.checks.twins import check_copies, check_duplicates, check_similar
from limner.doctor.kinds import KINDS, SEVERITIES

if TYPE_CHECKING:
    from limner.doctor.evidence import Evidence
    from limner.doctor.findings import Finding

CHECKS = (
    check_no_pairs,
    check_unreadable,
    check_transposed,
    check_resized,
    check_size,
    check_orientation,
    check_mask_is_image,
    check_labels,
    check_fringes,
    check_alpha,
    check_inverted,
    check_full,
    check_empty,
    check_constant,
    check_dark,
    check_leaks,
    check_duplicates,
    check_copies,
    check_similar,
    check_vanishing,
    check_sizes,
    check_aspects,
    check_intensities,
)


def run_checks(evidence: Evidence) -> tuple[Finding, ...]:
    """All findings, the gravest first, and of equals in the order of `limner.doctor.kinds`."""
    results = [*check_names(evidence), *(check(evidence) for check in CHECKS)]
    order = {name: (SEVERITIES.index(kind.severity), place) for place, (name, kind) in enumerate(KINDS.items())}
    return tuple(sorted((finding for finding in results if finding), key=lambda finding: order[finding.name]))
