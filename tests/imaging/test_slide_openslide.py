"""Slides read by OpenSlide, on the generic tiled TIFF that it knows."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from tests.imaging.slides import pyramid, scene

from limner.errors import DataError
from limner.imaging.slide import open_slide
from limner.imaging.slide_openslide import open_by_openslide

pytest.importorskip("openslide")


@pytest.fixture(scope="module")
def image():
    return scene(300, 5000)  # wider than what is read at a time


@pytest.fixture(scope="module")
def place(tmp_path_factory, image):
    options = {"resolution": (20_000, 20_000), "resolutionunit": "centimeter", "metadata": None}
    return pyramid(tmp_path_factory.mktemp("openslide") / "slide.tif", image, **options)


def test_it_reads_what_the_tiff_reader_reads(place, image):
    with open_by_openslide(place) as slide, open_slide(place) as other:
        assert [level.size for level in slide.levels] == [level.size for level in other.levels] == [(300, 5000), (150, 2500), (75, 1250)]
        assert slide.spacing_um == other.spacing_um == pytest.approx(0.5)
        assert np.array_equal(slide.read(0, 0, 300, 5000), image)
        assert np.array_equal(slide.read(250, 4000, 50, 300), image[250:, 4000:4300])
        assert np.array_equal(slide.thumbnail(1250), other.thumbnail(1250))


def test_what_was_not_scanned_is_white():
    from PIL import Image

    from limner.imaging.slide_openslide import _on_ground

    part = Image.fromarray(np.array([[[9, 8, 7, 255], [0, 0, 0, 0]]], np.uint8))
    assert _on_ground(part, {}).tolist() == [[[9, 8, 7], [255, 255, 255]]]
    assert _on_ground(part, {"openslide.background-color": "102030"}).tolist() == [[[9, 8, 7], [16, 32, 48]]]


@pytest.mark.parametrize("data", [b"", b"not a slide", b"II*\0\x08\0\0\0"])
def test_a_file_that_is_none_is_an_error_that_names_it(tmp_path, data):
    (tmp_path / "a.svs").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.svs"):
        open_slide(tmp_path / "a.svs")


def test_damage_within_is_an_error_that_names_the_file(tmp_path, place):
    data = bytearray(place.read_bytes())
    with tifffile.TiffFile(place) as tiff:
        start, count = tiff.pages[0].dataoffsets[20], tiff.pages[0].databytecounts[20]
    data[start : start + count] = bytes(count)
    (tmp_path / "a.tif").write_bytes(data)
    with open_by_openslide(tmp_path / "a.tif") as slide, pytest.raises(DataError, match=r"a\.tif"):
        slide.read(0, 0, 300, 5000)
