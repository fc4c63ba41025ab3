"""Rules that need measured values rather than pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.data.lookalikes import Look, Lookalike
from limner.doctor.checks import run_checks
from limner.doctor.checks.coverage import check_inverted, check_vanishing
from limner.doctor.checks.outliers import check_intensities, check_sizes, outlying
from limner.doctor.checks.twins import check_copies, check_duplicates, check_similar
from limner.doctor.evidence import Evidence
from limner.doctor.examination import Coverage, Examination, ImageFacts, MaskFacts

LOOK = Look((64, 64), "digest", np.zeros(256, bool), np.zeros((64, 64), np.uint8), 1.0)
IMAGE = ImageFacts((64, 64), 1, lossy=False, transparent=False, mean=100, spread=50, brightest=200, range=255, look=LOOK)


def coverage(share, border=0.0, **changes):
    values = {"share": share, "border": border, "shrunk": share, "needs": None, "thumb": np.full((32, 32), round(255 * share), np.uint8)}
    return Coverage(**values | changes)


def pair(key, *, group=None, image=IMAGE, **of_mask):
    mask = MaskFacts((64, 64), coverage=coverage(**of_mask)) if of_mask else None
    return Examination(key, f"images/{key}.png", (f"masks/{key}.png",), group, image, mask, ())


def evidence(pairs, **more):
    return Evidence(tuple(pairs), **more)


def keys(finding):
    return () if finding is None else finding.keys


ORDINARY = [pair(f"o{number}", share=0.1 + number / 100) for number in range(9)]


@pytest.mark.parametrize(
    ("share", "border", "suspected"),
    [
        (0.88, 1.0, True),
        (0.88, 0.92, True),
        (0.88, 0.7, False),  # a large object that fills the frame but for a side
        (0.55, 1.0, True),
        (0.45, 1.0, False),
        (0.98, 0.95, True),  # a small object at the side, inverted
        (0.99, 0.94, False),  # an object that leaves a corner of the frame
    ],
)
def test_inverted_is_what_surrounds_a_hole(share, border, suspected):
    finding = check_inverted(evidence([*ORDINARY, pair("x", share=share, border=border)]))
    assert keys(finding) == (("x",) if suspected else ())


def test_large_objects_are_usual_where_most_are_large():
    large = [pair(f"o{number}", share=0.7, border=0.6) for number in range(9)]
    assert check_inverted(evidence([*large, pair("x", share=0.8, border=0.95)])) is None


@pytest.mark.parametrize(("number", "expected"), [(2, 0), (3, 3), (30, 30)])
def test_where_all_masks_are_inverted_nothing_is_usual(number, expected):
    assert len(keys(check_inverted(evidence([pair(f"x{i}", share=0.9, border=1.0) for i in range(number)])))) == expected


def test_vanishing_says_which_size_would_do():
    finding = check_vanishing(evidence([pair("x", share=0.001, shrunk=0.0002, needs=512), pair("y", share=0.001, shrunk=0.0006)]))
    assert keys(finding) == ("x",)
    assert finding.cases[0].remark == "20 % of 0.1 % of the image is left; most of it is left at 512"
    assert finding.details == {"input_size": 256, "wholly": 0}


def test_outliers_are_asked_for_only_of_many():
    assert outlying([0.0] * 18 + [100.0], least=1) == []
    assert outlying([0.0] * 19 + [100.0], least=1) == [19]


def test_outliers_lie_far_by_the_spread_of_the_others():
    spread = [float(value) for value in range(100)]  # median absolute deviation 25
    assert outlying([*spread, 250.0], least=1) == []
    assert outlying([*spread, 290.0], least=1) == [100]


def test_a_collection_of_sizes_has_no_outliers():
    mixed = [replace(IMAGE, size=(2 ** (6 + number % 4), 64)) for number in range(40)]
    assert check_sizes(evidence([pair(f"{number}", image=image) for number, image in enumerate(mixed)])) is None


def test_contrast_counts_as_brightness_does():
    images = [IMAGE] * 30 + [replace(IMAGE, spread=5.0), replace(IMAGE, mean=230.0)]
    finding = check_intensities(evidence([pair(f"{number:02}", image=image) for number, image in enumerate(images)]))
    assert keys(finding) == ("30", "31")


def test_duplicates_with_masks_that_differ_are_told():
    pairs = [pair("a", share=0.2), pair("b", share=0.2), pair("c", share=0.6), pair("d", share=0.6)]
    alike = (Lookalike("a", "b", "identical", 1.0), Lookalike("c", "d", "identical", 1.0))
    finding = check_duplicates(evidence(pairs, lookalikes=alike))
    assert finding.details["masks_differ"] == 0
    assert "differ" not in finding.text
    finding = check_duplicates(evidence([*pairs[:3], pair("d", share=0.2)], lookalikes=alike))
    assert finding.details["masks_differ"] == 1
    assert [case.remark for case in finding.cases] == ["masks agree", "masks differ (Dice 0.50)"]
    assert "2 groups of identical images (2 too many), 1 of them with masks that differ" in finding.text


def test_copies_with_masks_that_differ_are_told_however_they_are_mirrored():
    left, right, top = (np.zeros((32, 32), np.uint8) for _ in range(3))
    left[:, :12], right[:, 20:], top[:12] = 255, 255, 255
    alike = (Lookalike("a", "b", "copy", 0.98),)
    mirrored = check_copies(evidence([pair("a", share=0.4, thumb=left), pair("b", share=0.4, thumb=right)], lookalikes=alike))
    assert mirrored.cases[0].remark == "score 0.980; masks agree"
    other = check_copies(evidence([pair("a", share=0.4, thumb=left), pair("b", share=0.4, thumb=top)], lookalikes=alike))
    assert other.cases[0].remark == "score 0.980; masks differ (Dice 0.38)"
    assert other.details == {"pairs": [("a", "b", 0.98)], "masks_differ": 1}


def test_similar_frames_of_a_known_sequence_need_no_care():
    alike = (Lookalike("a", "b", "similar", 0.9), Lookalike("b", "c", "similar", 0.9), Lookalike("x", "y", "similar", 0.8))
    pairs = [pair(key, group="one") for key in "abc"] + [pair(key) for key in "xy"]
    finding = check_similar(evidence(pairs, lookalikes=alike))
    assert [case.keys for case in finding.cases] == [("a", "b", "c"), ("x", "y")]
    assert finding.details["within_known_groups"] == 1
    assert finding.kind.severity == "note"


def test_findings_come_the_gravest_first():
    pairs = [pair("a", share=0.0), pair("b", share=1.0), pair("c", share=0.2), replace(pair("d", share=0.2), mask=MaskFacts((64, 32)))]
    assert [finding.name for finding in run_checks(evidence(pairs))] == ["size-mismatch", "full-mask", "empty-mask"]
