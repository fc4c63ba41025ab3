"""The size of a pixel, where files say it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from limner.imaging import encode_png
from limner.planner.spacing import read_spacing

PICTURE = np.zeros((8, 8), np.uint8)


def tiff(**options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PICTURE, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (tiff(resolution=(20_000, 20_000), resolutionunit="CENTIMETER"), 0.5),
        (tiff(resolution=(50_800, 50_800), resolutionunit="INCH"), 0.5),
        (tiff(imagej=True, resolution=(4, 4), metadata={"unit": "um"}), 0.25),
        (tiff(ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.65, "PhysicalSizeXUnit": "µm"}), 0.65),
        (tiff(resolution=(300, 300), resolutionunit="INCH"), None),
        (tiff(resolution=(28.3465, 28.3465), resolutionunit="CENTIMETER"), None),
        (tiff(), None),
        (encode_png(PICTURE), None),
        (b"II*\x00 and nothing more", None),
        (b"", None),
    ],
)
def test_spacing(data, expected):
    assert read_spacing(data) == (None if expected is None else pytest.approx(expected))


def test_a_screens_resolution_says_nothing():
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "TIFF", dpi=(96, 96))
    assert read_spacing(buffer.getvalue()) is None


def test_dicom_says_it_in_millimetres():
    pydicom = pytest.importorskip("pydicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.PixelSpacing = [0.2, 0.2]
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    assert read_spacing(buffer.getvalue()) == pytest.approx(200)
