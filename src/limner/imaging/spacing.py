"""How far apart the pixels of a picture are, where its file says so: DICOM, and TIFF as microscopes and ImageJ write it.

The resolution in JPEG and PNG files is not asked: it is that for a printer, and nearly always a program's default.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from limner.imaging.dicom import SUFFIXES, is_dicom
from limner.imaging.slide_spacing import plausible, tiff_spacing
from limner.imaging.tiff import STARTS

if TYPE_CHECKING:
    from tifffile import TiffFile

_MICROMETRES = {"um", "µm", "μm", "micron", "microns", "\\u00B5m"}  # as ImageJ's users and its plug-ins write them
_TOLERANCE = 0.02  # between the two directions: there is one spacing


def spacing_um(data: bytes, *, name: str) -> float | None:
    """The distance of neighbouring pixels in µm; None where the file does not tell it, or tells two that differ.

    Args:
        data: The bytes of a picture file.
        name: Its name, by which DICOM files without a mark are recognised.
    """
    try:
        if is_dicom(data) or name.lower().endswith(SUFFIXES):
            return _of_dicom(data)
        return _of_tiff(data) if data.startswith(STARTS) else None
    except Exception:  # noqa: BLE001 - damaged metadata raise nearly anything, and the picture itself is good
        return None


def _of_tiff(data: bytes) -> float | None:
    from tifffile import TiffFile

    with TiffFile(BytesIO(data)) as tiff:
        return _of_imagej(tiff) if tiff.is_imagej else tiff_spacing(tiff, tiff.pages.first)


def _of_imagej(tiff: TiffFile) -> float | None:
    if (tiff.imagej_metadata or {}).get("unit") not in _MICROMETRES:
        return None
    (x, by_x), (y, by_y) = (tiff.pages.first.tags[tag].value for tag in (282, 283))  # pixels in each unit, as fractions
    return plausible(by_x / x, by_y / y)


def _of_dicom(data: bytes) -> float | None:
    """`PixelSpacing`, or for projections that of the detector: the distance of rows, then of columns, in mm."""
    from pydicom import dcmread

    dataset = dcmread(BytesIO(data), force=True, stop_before_pixels=True, specific_tags=["PixelSpacing", "ImagerPixelSpacing"])
    found = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    if not found:
        return None
    down, across = (1000 * float(value) for value in found)
    return (down + across) / 2 if down > 0 and abs(down - across) <= _TOLERANCE * down else None
