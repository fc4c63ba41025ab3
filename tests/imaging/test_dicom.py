"""DICOM files."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from PIL import Image
from tests.imaging.pictures import disc, encoded, gradient

from limner.errors import DataError, MissingExtraError
from limner.imaging import read_image, read_mask
from limner.imaging.describe import describe
from limner.imaging.foreground import Foreground
from limner.imaging.read import read_labels

pytest.importorskip("pydicom")

from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless
from tests.imaging.dicoms import SYNTAXES, dicom

ROW = np.array([[-100, 0, 50, 100, 900]], np.int16)


def grey(data: bytes) -> list[int]:
    image = read_image(data, name="a.dcm")
    assert (image == image[..., :1]).all()
    return image[0, :, 0].tolist()


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
def test_full_range_where_no_window_is_given(syntax) -> None:
    assert grey(dicom(ROW, syntax=syntax)) == [0, 26, 38, 51, 255]


def test_eight_bits_are_shown_as_they_are() -> None:
    assert grey(dicom(np.array([[3, 7, 90]], np.uint8))) == [3, 7, 90]
    assert grey(dicom(np.array([[0, 7, 15]], np.uint8), bits=4)) == [0, 119, 255]


def test_monochrome1_is_inverted() -> None:
    assert grey(dicom(np.array([[3, 7, 90]], np.uint8), PhotometricInterpretation="MONOCHROME1")) == [252, 248, 165]


def test_padding_is_no_part_of_the_range() -> None:
    levels = np.array([[-2000, 0, 50, 100]], np.int16)
    assert grey(dicom(levels, PixelPaddingValue=-2000)) == [0, 0, 128, 255]


def test_first_window_after_rescaling() -> None:
    # C.11.2.1.2.1: x <= 10 - 0.5 - 100 gives 0, x > 10 - 0.5 + 100 gives 255, and ((x - 9.5) / 200 + 0.5) * 255 lies between
    data = dicom(np.array([[0, 20, 40, 100]], np.int16), WindowCenter=[10, 7], WindowWidth=[201, 1], RescaleSlope=2, RescaleIntercept=-100)
    assert grey(data) == [0, round((-69.5 / 200 + 0.5) * 255), round((-29.5 / 200 + 0.5) * 255), round((90.5 / 200 + 0.5) * 255)]


@pytest.mark.parametrize(
    ("function", "expected"),
    [("LINEAR_EXACT", [0, 102, 128, 153, 255]), ("SIGMOID", [0, 79, 128, 176, 255])],
)
def test_window_functions(function: str, expected: list[int]) -> None:
    levels = np.array([[-1000, -10, 0, 10, 1000]], np.int16)
    assert grey(dicom(levels, WindowCenter=0, WindowWidth=100 if function == "LINEAR_EXACT" else 50, VOILUTFunction=function)) == expected


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
def test_look_up_table(syntax) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4, 10, 8], [0, 50, 100, 255]
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    data = dicom(np.array([[0, 10, 11, 12, 13, 500]], np.uint16), syntax=syntax, VOILUTSequence=[item], WindowCenter=1, WindowWidth=1)
    assert grey(data) == [0, 0, 50, 100, 255, 255]


def test_colours() -> None:
    assert np.array_equal(read_image(dicom(gradient(6, 8)), name="a.dcm"), gradient(6, 8))
    planes = np.moveaxis(gradient(6, 8), -1, 0)
    stored = np.ascontiguousarray(planes).reshape(6, 8, 3)
    assert np.array_equal(read_image(dicom(stored, PlanarConfiguration=1), name="a.dcm"), gradient(6, 8))
    assert np.array_equal(read_image(dicom(gradient(6, 8).astype(np.uint16) * 257), name="a.dcm"), gradient(6, 8))


def test_luminance_and_chrominance_are_resolved() -> None:
    stored = np.array([[[76, 85, 255], [128, 128, 128]]], np.uint8)
    image = read_image(dicom(stored, PhotometricInterpretation="YBR_FULL"), name="a.dcm").astype(int)
    assert np.abs(image - [[[255, 0, 0], [128, 128, 128]]]).max() <= 2


def test_palette_is_shown_in_colour_and_compared_by_index() -> None:
    tables = {"Red": [0, 65280], "Green": [0, 0], "Blue": [0, 255]}
    elements = {f"{colour}PaletteColorLookupTableDescriptor": [2, 0, 16] for colour in tables}
    elements |= {f"{colour}PaletteColorLookupTableData": np.array(table, "<u2").tobytes() for colour, table in tables.items()}
    data = dicom(np.array([[0, 1]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **elements)
    assert read_image(data, name="a.dcm").tolist() == [[[0, 0, 0], [255, 0, 0]]]
    assert read_mask(data, name="a.dcm", foreground=Foreground.parse("1")).tolist() == [[False, True]]
    assert read_mask(data, name="a.dcm", foreground=Foreground.parse("red")).tolist() == [[False, True]]
    assert describe(data, name="a.dcm").palette


@pytest.mark.parametrize(("syntax", "kind"), [(JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")])
def test_compressed_frames(syntax, kind: str) -> None:
    smooth = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[None], 20, axis=0)
    frame = encoded(Image.fromarray(smooth), kind)
    image = read_image(dicom(smooth, syntax=syntax, frame=frame), name="a.dcm")
    assert np.abs(image[..., 0].astype(int) - smooth).max() <= (4 if kind == "JPEG" else 0)
    assert describe(dicom(smooth, syntax=syntax, frame=frame), name="a.dcm").lossy == (kind == "JPEG")
    with pytest.raises(DataError, match="claims 24x20 pixels, but 5x5"):
        read_image(dicom(smooth, syntax=syntax, frame=encoded(Image.new("L", (5, 5)), kind)), name="a.dcm")


def test_compression_that_nothing_decodes_is_named() -> None:
    with pytest.raises(DataError, match="JPEG-LS Lossless") as caught:
        read_image(dicom(gradient(4, 4), syntax=JPEGLSLossless, frame=b"\xff\xd8\xff\xf7" + bytes(20)), name="a.dcm")
    assert "gdcmconv" in caught.value.fix


def test_run_lengths() -> None:
    segment = b"\xfd\x09\x03\x01\x02\x03\x04"  # four times 9, then four levels
    frame = np.array([1, 64, *[0] * 14], "<u4").tobytes() + segment + b"\0"
    assert grey(dicom(np.zeros((1, 8), np.uint8), syntax=RLELossless, frame=frame)) == [9, 9, 9, 9, 1, 2, 3, 4]


def test_masks() -> None:
    levels = disc(20, 8).astype(np.uint8)
    assert np.array_equal(read_mask(dicom(levels), name="a.dcm"), disc(20, 8))
    assert np.array_equal(read_mask(dicom(levels, WindowCenter=900, WindowWidth=2), name="a.dcm"), disc(20, 8))
    assert read_labels(dicom(levels.astype(np.uint16) * 7), name="a.dcm").max() == 1
    packed = np.packbits(disc(20, 8), bitorder="little").reshape(1, -1)
    bits = dicom(packed, BitsAllocated=1, BitsStored=1, HighBit=0, Rows=20, Columns=20, SegmentationType="BINARY", NumberOfFrames=1)
    assert np.array_equal(read_mask(bits, name="a.dcm"), disc(20, 8))
    classes = dicom(np.array([[0, 1, 2]], np.uint16))
    assert read_mask(classes, name="a.dcm", foreground=Foreground.parse("2")).tolist() == [[False, False, True]]


@pytest.mark.parametrize("read", [read_image, read_mask])
def test_several_frames_are_refused_with_their_number(read) -> None:
    data = dicom(np.zeros((2 * 4, 5), np.uint8), Rows=4, NumberOfFrames=2)
    with pytest.raises(DataError, match="holds 2 frames") as caught:
        read(data, name="loops/a.dcm")
    assert caught.value.where == "loops/a.dcm"
    assert describe(data, name="a.dcm").frames == 2


@pytest.mark.parametrize(
    ("elements", "match"),
    [
        ({"BitsAllocated": 32, "BitsStored": 32}, "32 bits"),
        ({"SamplesPerPixel": 4}, "4 channels"),
        ({"Rows": 0}, "without pixels"),
        ({"Rows": 60000, "Columns": 60000}, "megapixels"),
        ({"Rows": 50}, "less than expected"),
        ({"BitsStored": 17}, "bits"),
    ],
)
def test_absurd_headers_are_refused(elements, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        read_image(dicom(np.zeros((4, 4), np.uint16), **elements), name="a.dcm")
    assert caught.value.where == "a.dcm"


def test_what_holds_no_picture_says_what_it_is() -> None:
    data = dicom(np.zeros((4, 4), np.uint8))
    cut = data[: data.index(b"\x28\x00\x02\x00US")]
    with pytest.raises(DataError, match="Secondary Capture Image Storage"):
        read_image(cut, name="a.dcm")
    with pytest.raises(DataError, match="no pixels"):
        read_image(data[: data.index(b"\xe0\x7f\x10\x00")], name="a.dcm")


def test_old_files_without_a_mark_go_by_their_suffix() -> None:
    levels = np.array([[3, 7, 90]], np.uint8)
    whole = dicom(levels)
    old = whole[132 + 12 + int.from_bytes(whole[140:144], "little") :]
    assert grey(old) == [3, 7, 90]
    assert describe(old, name="A.DCM").format == "DICOM"
    with pytest.raises(DataError, match="no image format"):
        read_image(old, name="a.png")


def test_deflated_files_are_not_unpacked() -> None:
    data = dicom(np.zeros((4, 4), np.uint8)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    with pytest.raises(DataError, match="deflated"):
        read_image(data, name="a.dcm")


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data, original = dicom(np.zeros((4, 4), np.uint8)), builtins.__import__

    def without(name: str, *args, **kwargs):
        if name.split(".", maxsplit=1)[0] == "pydicom":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for read in (read_image, read_mask, describe):
        with pytest.raises(MissingExtraError, match=r"scans/a\.dcm") as caught:
            read(data, name="scans/a.dcm")
        assert "limner[dicom]" in caught.value.fix
