"""Small DICOM files, written element by element."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)
from tests.imaging.pictures import encoded, gradient

SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian, "big": ExplicitVRBigEndian}


def dicom(levels: np.ndarray, *, syntax=ExplicitVRLittleEndian, frame: bytes | None = None, bits: int | None = None, **elements) -> bytes:
    """The bytes of a DICOM file of one picture; `frame` is its compressed form."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    colour = levels.ndim == 3 and levels.shape[2] == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = levels.shape[:2]
    dataset.BitsAllocated = 8 * levels.dtype.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(levels.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    native = levels.astype(levels.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = encapsulate([frame]) if frame is not None else native + b"\0" * (len(native) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 or frame is not None else "OW"
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=order == "<")
    return buffer.getvalue()


def dicom_corpus() -> dict[str, bytes]:
    """Files by name."""
    from PIL import Image

    colour, levels = gradient(20, 24), gradient(20, 24)[..., 0]
    deep = levels.astype(np.int16) * 40 - 1000
    window = {"WindowCenter": [40, 50], "WindowWidth": [400, 500], "RescaleSlope": 2, "RescaleIntercept": -100}
    files = {f"{kind}.dcm": dicom(deep, syntax=syntax, **window) for kind, syntax in SYNTAXES.items()}
    jpeg = encoded(Image.fromarray(levels), "JPEG")
    wavelets = encoded(Image.fromarray(levels), "JPEG2000", no_jp2=True)
    return files | {
        "rgb.dcm": dicom(colour),
        "mask.dcm": dicom((levels > 100).astype(np.uint8)),
        "jpeg.dcm": dicom(levels, syntax=JPEGBaseline8Bit, frame=jpeg),
        "j2k.dcm": dicom(levels, syntax=JPEG2000Lossless, frame=wavelets),
        "lossy-j2k.dcm": dicom(levels, syntax=JPEG2000, frame=wavelets),
        "bits.dcm": dicom(
            np.packbits(levels > 100, bitorder="little").reshape(1, -1), BitsAllocated=1, BitsStored=1, HighBit=0, Rows=20, Columns=24
        ),
    }
