"""Figures of an evaluation: what they show, and that nothing is drawn where there is nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from limner.report import evaluation_figures as figures


def bins(*points, n=1000):
    return [{"mean_prob": p, "share_foreground": share, "n": n} for p, share in points]


def subgroup(by, name, dice, *, worse=False, interval=(0.6, 0.9)):
    return {"by": by, "name": name, "dice": dice, "interval": interval, "worse": worse}


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


@pytest.mark.parametrize("draw", [figures.roc_curve, figures.precision_recall_curve])
def test_curves(draw):
    assert draw([(0.0, 0.0), (0.2, 0.8), (1.0, 1.0)]).startswith("<svg")
    assert draw([]) is None


def test_reliability_names_its_lines_only_where_there_are_two():
    two = figures.reliability_diagram({"before": bins((0.2, 0.1), (0.8, 0.6)), "after": bins((0.2, 0.2), (0.8, 0.8))}, name="calibration")
    assert {"before", "after"} <= set(texts(two))
    one = figures.reliability_diagram({"here": bins((0.2, 0.1), (0.8, 0.6))}, name="reliability")
    assert "here" not in texts(one)


def test_bins_of_few_pixels_are_noise_and_not_drawn():
    assert figures.reliability_diagram({"here": bins((0.2, 0.1), n=3)}, name="reliability") is None
    assert figures.reliability_diagram({}, name="reliability") is None


def test_the_review_curve_shows_what_chance_gives():
    svg = figures.review_curve([(0.5, 0.9), (1.0, 0.8)], at_random=0.8)
    assert "kept at random" in texts(svg)
    assert figures.review_curve([(1.0, 0.8)], at_random=0.8) is None


def test_subgroups_are_named_and_the_worse_ones_stand_out():
    rows = [subgroup("size", "small", 0.7, worse=True), subgroup("size", "large", 0.9), subgroup("site", "A", 0.8, interval=None)]
    svg = figures.subgroup_dots(rows)
    assert {"size: small", "size: large", "site: A"} <= set(texts(svg))
    assert svg.count("var(--second)") > figures.subgroup_dots([{**row, "worse": False} for row in rows]).count("var(--second)") == 0
    assert figures.subgroup_dots([]) is None
