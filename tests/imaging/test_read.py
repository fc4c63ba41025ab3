"""Images in, in all the ways they are stored."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.corpus import tiff
from tests.imaging.pictures import encoded, gradient, with_orientation

from limner.errors import DataError
from limner.imaging import encode_png, read_image, read_mask
from limner.imaging.decode import decode


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


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_bits_are_black_and_white(kind: str) -> None:
    image = read_image(encoded(Image.fromarray(np.array([[True, False]])), kind), name="a")
    assert image.tolist() == [[[255, 255, 255], [0, 0, 0]]]


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


@pytest.mark.parametrize("read", [read_image, read_mask])
def test_stack_of_pages_is_refused_with_their_number(read) -> None:
    with pytest.raises(DataError, match="holds 3 pages") as caught:
        read(tiff(np.zeros((3, 4, 5), np.uint8), photometric="minisblack"), name="a.tif")
    assert "Stack to Images" in caught.value.fix


@pytest.mark.parametrize("thumbnail_first", [False, True])
def test_thumbnails_are_no_pages(thumbnail_first: bool) -> None:
    buffer = BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for small in (True, False) if thumbnail_first else (False, True):
            file.write(gradient(4, 5) if small else gradient(8, 10), subfiletype=int(small), photometric="rgb")
    assert np.array_equal(read_image(buffer.getvalue(), name="a.tif"), gradient(8, 10))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue")]
    image = read_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True), name="a")
    assert np.unique(image.reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(compression: str) -> None:
    data = encoded(Image.fromarray(gradient(9, 11)), "TIFF", compression=compression)
    assert np.array_equal(read_image(data, name="a.tif"), gradient(9, 11))


def test_jpeg_inside_a_tiff_counts_as_lossy() -> None:
    data = encoded(Image.fromarray(gradient(16, 16)), "TIFF", compression="jpeg")
    assert decode(data, name="a.tif").lossy
    assert not decode(encoded(Image.fromarray(gradient(16, 16)), "TIFF", compression="tiff_lzw"), name="a.tif").lossy


def test_jpeg_2000() -> None:
    picture = Image.fromarray(gradient(20, 24))
    exact, lossy = encoded(picture, "JPEG2000"), encoded(picture, "JPEG2000", irreversible=True)
    assert np.array_equal(read_image(exact, name="a.jp2"), gradient(20, 24))
    assert (decode(exact, name="a").lossy, decode(lossy, name="a").lossy) == (False, True)


def test_orientation_of_a_jpeg_and_of_a_deep_tiff() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_image(encoded(Image.new("RGB", (6, 4)), "JPEG", exif=exif), name="a.jpg").shape == (6, 4, 3)
    planes = np.zeros((3, 4, 6), np.uint16)
    planes[0, 0, 0] = 65535
    data = tiff(planes, photometric="rgb", planarconfig="separate", extratags=[(274, "H", 1, 6, True)])
    image = read_image(data, name="a.tif")
    assert image.shape == (6, 4, 3)
    assert image[0, 3].tolist() == [255, 0, 0]


@pytest.mark.parametrize("exif", [{0x0112: 0}, {0x0112: 9}, b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\x09"])
def test_damaged_orientation_is_passed_over(exif) -> None:
    if isinstance(exif, dict):
        exif, tags = Image.Exif(), exif
        exif.update(tags)
    assert read_image(encoded(Image.new("RGB", (6, 4)), "JPEG", exif=exif), name="a.jpg").shape == (4, 6, 3)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"P2\n# by hand\n3 1 4\n0 2 4", [0, 128, 255]),
        (b"P5 3 1 4\n\x00\x02\x04", [0, 128, 255]),
        (b"P5 2 1 4095\n\x00\x00\x0f\xff", [0, 255]),
        (b"P1 4 1\n1 01 0", [0, 255, 0, 255]),
        (b"P4 4 1\n\xa0", [0, 255, 0, 255]),
    ],
)
def test_portable_maps(data: bytes, expected: list[int]) -> None:
    assert read_image(data, name="a.pgm")[0, :, 0].tolist() == expected


def test_portable_colours() -> None:
    assert read_image(b"P3 1 2 255 1 2 3 4 5 6", name="a.ppm").tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    assert read_image(b"P6 1 1 255 abc", name="a.ppm").tolist() == [[[97, 98, 99]]]


def test_levels_of_few_bits_are_kept_as_stored() -> None:
    data = four_bit_png([0, 1, 7, 15])
    assert decode(data, name="a.png").levels.tolist() == [[0, 1, 7, 15]]
    assert read_image(data, name="a.png")[0, :, 0].tolist() == [0, 17, 119, 255]


def four_bit_png(levels: list[int]) -> bytes:
    row = bytes([0]) + bytes(first << 4 | second for first, second in zip(levels[::2], levels[1::2], strict=True))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", len(levels), 1, 4, 0, 0, 0, 0)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


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
