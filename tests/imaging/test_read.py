"""Images in, in all the ways they are stored."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.pictures import encoded, gradient, with_orientation

from limner.errors import DataError
from limner.imaging import encode_png, read_image


def test_rgb_png_comes_back_unchanged() -> None:
    image = gradient(5, 7)
    assert np.array_equal(read_image(encode_png(image), name="a.png"), image)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "PPM", "JPEG", "GIF"])
def test_every_format_gives_uint8_rgb(kind: str) -> None:
    image = read_image(encoded(Image.fromarray(gradient(20, 30)), kind, quality=100), name=f"a.{kind}")
    assert image.shape == (20, 30, 3)
    assert image.dtype == np.uint8
    assert image.flags.writeable


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_gives_uint8_rgb(mode: str) -> None:
    picture = Image.fromarray(gradient(6, 4)[..., 0])
    converted = picture.convert("L").convert(mode) if mode != "P" else picture.quantize(8)
    kind = "TIFF" if mode in {"CMYK", "YCbCr", "F", "I"} else "PNG"
    image = read_image(encoded(converted, kind), name="a")
    assert image.shape == (6, 4, 3)
    assert image.dtype == np.uint8


def test_palette_is_replaced_by_its_colours() -> None:
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), mode=None).convert("P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    assert read_image(encoded(palette, "PNG", transparency=b"\x00\xff"), name="a.png").tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_alpha_is_dropped_not_blended() -> None:
    image = np.dstack([gradient(3, 3), np.zeros((3, 3), np.uint8)])
    assert np.array_equal(read_image(encoded(Image.fromarray(image), "PNG"), name="a.png"), gradient(3, 3))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_by_257(kind: str) -> None:
    levels = np.array([[0, 257, 128, 129, 65535]], np.uint16)
    assert read_image(encoded(Image.fromarray(levels), kind), name="a")[..., 0].tolist() == [[0, 1, 0, 1, 255]]


def test_big_endian_sixteen_bits(tmp_path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 65535]], np.uint16), byteorder=">")
    assert read_image((tmp_path / "a.tif").read_bytes(), name="a.tif")[..., 0].tolist() == [[0, 255]]


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_sixteen_bit_colour_tiff(tmp_path, planar: str) -> None:
    image = gradient(6, 8).astype(np.uint16) * 257
    stored = image if planar == "contig" else np.moveaxis(image, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    assert np.array_equal(read_image((tmp_path / "a.tif").read_bytes(), name="a.tif"), gradient(6, 8))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([[0.0, 0.5, 1.0]], [[0, 128, 255]]), ([[0.0, 100.0, 255.0]], [[0, 100, 255]])],
)
def test_floats(tmp_path, values, expected) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.array(values, np.float32))
    assert read_image((tmp_path / "a.tif").read_bytes(), name="a.tif")[..., 0].tolist() == expected


@pytest.mark.parametrize("values", [[[-1.0, 1.0]], [[0.0, 3000.0]], [[0.0, np.nan]]])
def test_floats_of_unknown_range_are_refused(tmp_path, values) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.array(values, np.float32))
    with pytest.raises(DataError, match="no range limner knows"):
        read_image((tmp_path / "a.tif").read_bytes(), name="a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    image = gradient(4, 6)
    assert np.array_equal(read_image(with_orientation(image, orientation), name="a.png"), image)


def test_first_page_of_a_stack(tmp_path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([np.full((4, 5), 7, np.uint8), np.full((4, 5), 9, np.uint8)]))
    assert np.unique(read_image((tmp_path / "a.tif").read_bytes(), name="a.tif")).tolist() == [7]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_truncated_files_are_named(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(DataError) as caught:
        read_image(data[: len(data) // 2], name="images/cut.x")
    assert caught.value.where == "images/cut.x"
    assert caught.value.fix


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"<html>not found</html>", b"\x89PNG\r\n\x1a\n", b"II*\x00\x08\x00\x00\x00", b"\xff\xd8\xff"]
)
def test_other_content_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.png"):
        read_image(data, name="a.png")


def test_damaged_tiff_says_so_once(capfd) -> None:
    with pytest.raises(DataError):
        read_image(b"II*\x00\x08\x00\x00\x00\x01\x00\x00\x01\x63\x00\xff\xff\x00\x00", name="a.tif")
    assert capfd.readouterr().err == ""


def test_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode_png(gradient(40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1599)
    with pytest.raises(DataError, match="megapixels"):
        read_image(data, name="a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="megapixels"):
        read_image(data, name="a.png")


def test_bomb_that_only_tifffile_reads_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 40, 3), np.uint16), photometric="rgb")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="megapixels"):
        read_image((tmp_path / "a.tif").read_bytes(), name="a.tif")
