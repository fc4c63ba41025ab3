"""What a file is, from its headers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.imaging.corpus import corpus, tiff
from tests.imaging.pictures import encoded, gradient

from limner.errors import DataError
from limner.imaging.describe import Description, describe

PICTURE = Image.fromarray(gradient(6, 8))
ANIMATION = encoded(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(180)] * 3)
UPRIGHT = {"size": (6, 8), "orientation": 1, "lossy": False, "frames": 1, "bit_depth": 8, "has_alpha": False, "palette": False}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(PICTURE, "PNG"), {"format": "PNG", "mode": "RGB"}),
        (encoded(PICTURE.convert("RGBA"), "PNG"), {"format": "PNG", "mode": "RGBA", "has_alpha": True}),
        (encoded(PICTURE.quantize(4), "PNG"), {"format": "PNG", "mode": "P", "palette": True, "bit_depth": 2}),
        (encoded(PICTURE.convert("1"), "PNG"), {"format": "PNG", "mode": "1", "bit_depth": 1}),
        (encoded(Image.fromarray(np.zeros((6, 8), np.uint16)), "PNG"), {"format": "PNG", "mode": "I;16", "bit_depth": 16}),
        (encoded(PICTURE, "JPEG"), {"format": "JPEG", "mode": "RGB", "lossy": True}),
        (encoded(PICTURE, "BMP"), {"format": "BMP", "mode": "RGB"}),
        (encoded(PICTURE.quantize(4), "GIF"), {"format": "GIF", "mode": "P", "palette": True}),
        (ANIMATION, {"format": "GIF", "mode": "P", "palette": True, "frames": 2}),
        (encoded(PICTURE, "WEBP", lossless=True), {"format": "WEBP", "mode": "RGB"}),
        (encoded(PICTURE, "WEBP"), {"format": "WEBP", "mode": "RGB", "lossy": True}),
        (encoded(PICTURE, "PPM"), {"format": "PPM", "mode": "RGB"}),
        (b"P5 8 6 4095\n", {"format": "PPM", "mode": "I;16", "bit_depth": 12}),
        (encoded(PICTURE, "JPEG2000"), {"format": "JPEG2000", "mode": "RGB"}),
        (encoded(PICTURE, "JPEG2000", irreversible=True), {"format": "JPEG2000", "mode": "RGB", "lossy": True}),
        (encoded(PICTURE, "TIFF", compression="jpeg"), {"format": "TIFF", "mode": "RGB", "lossy": True}),
        (encoded(PICTURE.convert("RGBA"), "TIFF"), {"format": "TIFF", "mode": "RGBA", "has_alpha": True}),
        (encoded(PICTURE.quantize(4), "TIFF"), {"format": "TIFF", "mode": "P", "palette": True}),
        (tiff(np.zeros((6, 8), np.uint16)), {"format": "TIFF", "mode": "I;16", "bit_depth": 16}),
        (tiff(np.zeros((6, 8), np.float64)), {"format": "TIFF", "mode": "F", "bit_depth": 64}),
        (tiff(np.zeros((3, 6, 8), np.uint8), photometric="minisblack"), {"format": "TIFF", "mode": "L", "frames": 3}),
    ],
)
def test_kinds(data: bytes, expected: dict) -> None:
    assert describe(data, name="a") == Description(**UPRIGHT | expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_is_told_and_size_is_as_stored(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = describe(encoded(PICTURE, kind, exif=exif), name="a")
    assert (found.orientation, found.size) == (orientation, (6, 8))


def test_pixels_are_not_looked_at() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "JPEG2000", "PPM"):
        data = encoded(Image.fromarray(noise), kind)
        if kind != "TIFF":  # which keeps its tags at the end
            data = data[: len(data) // 4]
        assert describe(data, name="a").size == (200, 300)


@pytest.mark.parametrize("data", [b"", b"nothing", b"II*\0\x08\0\0\0", b"P5 0 0 255\n", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_an_error(data: bytes) -> None:
    with pytest.raises(DataError) as caught:
        describe(data, name="images/a.png")
    assert caught.value.where == "images/a.png"


def test_every_kind_of_the_corpus_can_be_described() -> None:
    for name, data in corpus().items():
        assert sorted(describe(data, name=name).size) == [20, 24], name
