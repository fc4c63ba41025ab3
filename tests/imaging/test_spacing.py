"""How far apart pixels are, where the file says so."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.dicoms import dicom

from limner.imaging.spacing import spacing_um

GREY = np.zeros((4, 5), np.uint8)


def tiff(**options) -> bytes:
    buffer = BytesIO()
    tifffile.imwrite(buffer, GREY, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (tiff(imagej=True, resolution=(4.0, 4.0), metadata={"unit": "micron"}), 0.25),
        (tiff(imagej=True, resolution=(4.0, 4.0), metadata={"unit": "inch"}), None),
        (tiff(imagej=True, resolution=(4.0, 2.0), metadata={"unit": "um"}), None),
        (tiff(ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}), 0.5),
        (tiff(resolution=(20000, 20000), resolutionunit="CENTIMETER"), 0.5),
        (tiff(resolution=(72, 72), resolutionunit="INCH"), None),
        (tiff(), None),
        (b"II*\x00 and no more", None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_of_tiff(data, expected):
    found = spacing_um(data, name="a.tif")
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-6))


def test_the_resolution_for_a_printer_is_not_believed():
    buffer = BytesIO()
    Image.fromarray(GREY).save(buffer, format="JPEG", dpi=(25400, 25400))
    assert spacing_um(buffer.getvalue(), name="a.jpg") is None


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PixelSpacing": [0.1, 0.1]}, 100.0),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, 200.0),
        ({"PixelSpacing": [0.1, 0.2]}, None),
        ({"PixelSpacing": [0, 0]}, None),
        ({}, None),
    ],
)
def test_of_dicom(elements, expected):
    assert spacing_um(dicom(GREY, **elements), name="a.dcm") == expected
