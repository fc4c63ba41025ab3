"""Files made to exhaust memory or time are refused before anything is allocated for them."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.imaging.pictures import encoded

from limner.errors import DataError
from limner.imaging import read_image, read_mask
from limner.imaging.describe import describe

BOMB = zlib.compress(bytes(20_000_000), 9)
ROOT = Path(__file__).resolve().parents[2]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *others: bytes, depth: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(others) + rows + chunk(b"IEND", b"")


def tiff_of(*entries: tuple[int, int, int, int], data: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory, whose data lies at byte 400."""
    fields = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + struct.pack("<I", following)
    return head.ljust(400, b"\0") + data


def strip(width: int, height: int, *, compression: int = 1, bits: int = 8, count: int = 100) -> list[tuple[int, int, int, int]]:
    values = [(256, width), (257, height), (258, bits), (259, compression), (262, 1), (273, 400), (277, 1), (278, height), (279, count)]
    return [(tag, 4, 1, value) for tag, value in values]


def progressive(side: int, scans: int) -> bytes:
    data = encoded(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def wide_webp() -> bytes:
    canvas = chunk_of_webp(b"VP8X", b"\x02\0\0\0" + b"\xff\xff\x00" * 2)
    body = b"WEBP" + canvas + chunk_of_webp(b"ANIM", bytes(6))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk_of_webp(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (png(60_000, 60_000), "megapixels"),
        (png(2**31 - 1, 1), "megapixels"),
        (png(8, 8, chunk(b"zTXt", b"a\0\0" + BOMB)), "too large"),
        (png(8, 8, chunk(b"iCCP", b"a\0\0" + BOMB)), "too large"),
        (b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0,\0\0\0\0\x08\0\x08\0\0\x02\x02\x44\x01\0;", "megapixels"),
        (wide_webp(), "megapixels"),
        (progressive(2000, 300), "scans"),
        (tiff_of(*strip(60_000, 60_000)), "megapixels"),
        (tiff_of(*strip(16, 16), (322, 4, 1, 100_000), (323, 4, 1, 100_000), (324, 4, 1, 400), (325, 4, 1, 9)), "megapixels"),
        (tiff_of(*strip(16, 16), (324, 4, 2**31, 400)), "strips or tiles"),
        (tiff_of(*strip(64, 64, compression=8, bits=64, count=len(BOMB)), (339, 3, 1, 3), data=BOMB), "unpacks to more"),
        (tiff_of(*strip(64, 64, compression=34925, bits=64), (339, 3, 1, 3), data=BOMB), "method 34925"),
        (b"P5 99999 99999 255\n", "megapixels"),
        (b"P2 9 9 9\n" + b"1 " * 8_000_000, "more than 15 MB"),
        (b"P5 #" + b"a" * 100_000 + b"\n4 4 255\n" + bytes(16), "header"),
        (b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0), "megapixels"),
    ],
)
def test_bombs_are_refused(data: bytes, match: str) -> None:
    for read in (read_image, read_mask):
        with pytest.raises(DataError, match=match) as caught:
            read(data, name="images/a.bin")
        assert caught.value.where == "images/a.bin"
        assert caught.value.fix


def test_what_a_strip_unpacks_to_beyond_its_size_is_left_alone() -> None:
    assert not read_image(tiff_of(*strip(64, 64, compression=8, count=len(BOMB)), data=BOMB), name="a.tif").any()
    assert not read_image(png(8, 8, chunk(b"IDAT", BOMB)), name="a.png").any()


def test_pages_that_lead_back_to_themselves_are_one() -> None:
    data = tiff_of(*strip(4, 4, count=16), data=bytes(16), following=8)
    assert read_image(data, name="a.tif").shape == (4, 4, 3)
    assert describe(data, name="a.tif").frames == 1


def test_a_file_of_another_format_under_the_name_of_a_known_one() -> None:
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    with pytest.raises(DataError, match="no image format"):
        read_image(eps, name="a.png")


@pytest.mark.parametrize(("mode", "side"), [("rgb", 8000), ("labels", 7000), ("float", 5400)])
def large(kind: str) -> bytes:
    """A picture just below the largest size that is read."""
    if kind == "colours":
        return encoded(Image.new("RGB", (8000, 8000), (9, 8, 7)), "PNG", compress_level=1)
    if kind == "labels":
        labels = np.kron(np.arange(196).reshape(14, 14), np.ones((560, 560)))
        return encoded(Image.fromarray(labels.astype(np.uint16)), "PNG", compress_level=1)
    ramp = np.tile(np.arange(5400, dtype=np.float32) / 5400, (5400, 1))
    return encoded(Image.fromarray(ramp), "TIFF", compression="tiff_lzw")


@pytest.mark.parametrize("kind", ["colours", "labels", "floats"])
def test_largest_pictures_take_less_than_a_gigabyte(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large"
    path.write_bytes(large(kind))
    done = subprocess.run([sys.executable, "-c", _MEASURE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 100e6 < int(done.stdout) < 1e9


# VmHWM, not getrusage: what a process has from its parent counts into the latter.
_MEASURE = """
import sys
from pathlib import Path
from limner.errors import DataError
from limner.imaging.read import read_image, read_labels
data = Path(sys.argv[1]).read_bytes()
for read in (read_image, read_labels):
    try:
        read(data, name="large")
    except DataError as error:
        assert "megapixels" not in str(error), error
try:
    status = Path("/proc/self/status").read_text()
except OSError:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
else:
    print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def test_largest_size_that_is_read() -> None:
    assert describe(png(8000, 8000), name="a.png").size == (8000, 8000)
    with pytest.raises(DataError, match="more than 64 megapixels"):
        describe(png(8100, 8100), name="a.png")
