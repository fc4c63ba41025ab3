"""Masks of slides: tiled BigTIFF files that other programs can read."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from limner.imaging.slide import is_slide, open_slide
from limner.imaging.slide_enlarge import enlarged_rows
from limner.imaging.tiled_tiff import tiled_tiff


def write(path, picture, heights, **options):
    with tiled_tiff(path, picture.shape, picture.dtype, **options) as file:
        top = 0
        for height in heights:
            file.append(picture[top : top + height])
            top += height


@given(st.integers(1, 1100), st.integers(1, 1100), st.sampled_from([np.uint8, np.uint16]), st.integers(1, 700))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path, height, width, dtype, step):
    picture = np.random.default_rng(height).integers(0, np.iinfo(dtype).max, (height, width), dtype, endpoint=True)
    write(tmp_path / "a.tif", picture, [step] * -(-height // step))
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), picture)


def test_other_programs_read_the_mask_and_its_copies(tmp_path):
    mask = np.zeros((1501, 1999), np.uint8)
    mask[100:900, 300:1500] = 255
    write(tmp_path / "a.tif", mask, [1000, 501], spacing_um=0.25)
    assert is_slide(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as picture:
        assert np.array_equal(np.asarray(picture), mask)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_bigtiff
        assert [level.shape for level in tiff.series[0].levels] == [(1501, 1999), (751, 1000), (376, 500)]
        assert tiff.pages[0].tile == (512, 512)
        assert tiff.pages[0].get_resolution("micrometer") == (4, 4)
        assert np.array_equal(tiff.series[0].levels[2].asarray()[:375, :499], mask[:1500, :1996].reshape(375, 4, 499, 4).max((1, 3)))
    openslide = pytest.importorskip("openslide")
    with openslide.OpenSlide(tmp_path / "a.tif") as slide:
        assert slide.level_dimensions == ((1999, 1501), (1000, 751), (500, 376))
        assert np.array_equal(np.asarray(slide.read_region((0, 0), 0, (1999, 1501)))[..., 0], mask)
        assert float(slide.properties["openslide.mpp-x"]) == 0.25


def test_copies_are_means(tmp_path):
    picture = np.random.default_rng(0).integers(0, 65536, (700, 1100), np.uint16)
    write(tmp_path / "a.tif", picture, [700])
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        half = tiff.series[0].levels[1].asarray()
    np.testing.assert_allclose(half, picture.reshape(350, 2, 550, 2).mean((1, 3)), atol=0.51)


def test_a_file_is_whole_or_absent(tmp_path):
    def interrupted():
        with tiled_tiff(tmp_path / "a.tif", (5, 5), np.uint8) as file:
            file.append(np.zeros((2, 5), np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ValueError, match="2 rows of 5"), tiled_tiff(tmp_path / "a.tif", (5, 5), np.uint8) as file:
        file.append(np.zeros((2, 5), np.uint8))
    assert not list(tmp_path.iterdir())


def test_the_resolution_is_that_of_the_slide(tmp_path):
    for spacing in (0.2525, 0.499, 3.7):
        write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8), [3], spacing_um=spacing)
        with open_slide(tmp_path / "a.tif") as slide:
            assert slide.spacing_um == pytest.approx(spacing, rel=1e-5)


def test_the_header_is_that_of_bigtiff(tmp_path):
    write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8), [3])
    assert struct.unpack_from("<2sHHH", (tmp_path / "a.tif").read_bytes()) == (b"II", 43, 8, 0)


@given(st.tuples(st.integers(1, 30), st.integers(1, 30)), st.tuples(st.integers(0, 1200), st.integers(0, 80)))
@settings(max_examples=25)
def test_a_picture_enlarged_by_bands_is_the_picture_enlarged(small, more):
    values = np.random.default_rng(small).random(small, np.float32)
    size = (small[0] + more[0], small[1] + more[1])
    found = np.concatenate(list(enlarged_rows(values, size)))
    expected = np.asarray(Image.fromarray(values).resize(size[::-1], Image.Resampling.BILINEAR))
    assert found.shape == size
    np.testing.assert_allclose(found, expected, atol=1e-5)
