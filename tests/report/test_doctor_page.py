"""The doctor's page: complete, self-contained, with pictures, escaped."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.doctor.broken import THIRD, cut_short, half_size, jpeg_mask, phantoms, twice
from tests.report.test_page import Page

from limner.doctor import KINDS, diagnose
from limner.imaging import encode_png
from limner.report.doctor_page import render_doctor_page

DAY = datetime(2025, 3, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def diagnosis(tmp_path_factory):
    """Twins, fringes, another scale, an empty mask, and an image without a mask."""
    source = phantoms(tmp_path_factory.mktemp("data") / "a <b> & c", count=8)
    twice(source)
    jpeg_mask(source)
    (source / "masks/polyp-0001.png").unlink()
    (source / "masks/polyp-0003.png").write_bytes(encode_png(np.zeros((96, 96), bool)))
    (source / "masks/polyp-0004.png").write_bytes(encode_png(np.ones((48, 48), bool)))
    return diagnose(source)


@pytest.fixture(scope="module")
def text(diagnosis):
    return render_doctor_page(diagnosis, created=DAY)


def test_names_every_finding_with_reason_cure_and_count(text, diagnosis):
    page = Page(text)
    shown = " ".join(" ".join(page.text).split())
    assert [finding.name for finding in diagnosis.findings] == [
        "resized-mask",
        "orphan-image",
        "not-binary",
        "full-mask",
        "duplicate",
        "empty-mask",
    ]
    for finding in diagnosis.findings:
        assert finding.text in shown
        assert KINDS[finding.name].why[1:] in shown
        assert KINDS[finding.name].cure in shown
    assert page.values("id") == ["overview", *(finding.name for finding in diagnosis.findings)]
    assert "7 March 2025" in shown


def test_shows_the_offenders(text):
    page = Page(text)
    captions = page.values("alt")
    assert captions.count("mask as stored") == 2
    assert captions.count("its levels between, in orange") == 1
    assert {"again.png", f"{THIRD}.png"} <= set(captions)  # the twins, side by side
    assert "polyp-0001.png" in captions  # the image without a mask


def test_refers_to_nothing_outside_itself(text):
    page = Page(text)
    assert page.stack == []
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in page.values("href", "src"))
    assert not re.search(r"@import|https?:|url\((?!#)", text)
    assert {value.removeprefix("#") for value in page.values("href")} <= set(page.values("id"))


def test_escapes_what_a_folder_is_called(text):
    assert "a <b> & c" not in text
    assert "a &lt;b&gt; &amp; c" in text


def test_nothing_found(tmp_path):
    text = render_doctor_page(diagnose(phantoms(tmp_path, count=3)), created=DAY)
    assert "Nothing found" in text
    assert "--fix" not in "".join(Page(text).text)


def test_what_cannot_be_read_is_named_without_a_picture(tmp_path):
    cut_short(phantoms(tmp_path, count=3))
    half_size(tmp_path)
    text = render_doctor_page(diagnose(tmp_path), created=DAY)
    assert f"images/{THIRD}.png" in text
    assert Page(text).tags.count("img") == 0
