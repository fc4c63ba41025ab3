"""How large a pixel is, where the file says so."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

from limner.imaging.dicom import is_dicom
from limner.imaging.tiff import STARTS

if TYPE_CHECKING:
    from tifffile import TiffPage

_UM_PER = {"um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "mm": 1e3, "cm": 1e4, "nm": 1e-3}
_UM_PER_TIFF_UNIT = {2: 25_400.0, 3: 10_000.0}  # inch, centimetre
# Of screens and printers: what programs write where nobody said anything.
_OFFICE_DPI = (1, 72, 75, 90, 96, 100, 120, 150, 200, 240, 254, 300, 400, 600, 1200)


def read_spacing(data: bytes) -> float | None:
    """Micrometres that a pixel covers, by DICOM's pixel spacing, OME-TIFF, ImageJ or the resolution of a TIFF; None where nothing says it.

    Resolutions of screens and printers (72, 96, 300 dots per inch and the like) say nothing of the object, and count as unknown.
    """
    try:
        found = _of_dicom(data) if is_dicom(data) else _of_tiff(data) if data[:4] in STARTS else None
    except Exception:  # noqa: BLE001 - whatever is wrong with a note in a header, the picture itself may be sound
        return None
    return found if found and 1e-3 < found < 1e5 else None


def _of_dicom(data: bytes) -> float | None:
    try:
        import pydicom
    except ImportError:
        return None
    header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=["PixelSpacing", "ImagerPixelSpacing"], force=True)
    spacing: Any = header.get("PixelSpacing") or header.get("ImagerPixelSpacing")
    return float(spacing[0]) * 1e3 if spacing else None


def _of_tiff(data: bytes) -> float | None:
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        if file.ome_metadata:
            return _of_ome(file.ome_metadata)
        page = file.pages.first
        per_unit = _per_unit(page)
        unit = str((file.imagej_metadata or {}).get("unit", "")).lower()
        unit = json.loads(f'"{unit}"') if "\\u" in unit else unit
        if per_unit and unit in _UM_PER:
            return _UM_PER[unit] / per_unit
        um = _UM_PER_TIFF_UNIT.get(int(getattr(page.tags.get("ResolutionUnit"), "value", 0)))
        return None if um is None or not per_unit or _is_office(25_400 * per_unit / um) else um / per_unit


def _of_ome(text: str) -> float | None:
    size, unit = re.search(r'PhysicalSizeX="([^"]+)"', text), re.search(r'PhysicalSizeXUnit="([^"]+)"', text)
    return float(size[1]) * _UM_PER.get(unit[1] if unit else "µm", float("nan")) if size else None


def _per_unit(page: TiffPage | Any) -> float:  # noqa: ANN401 - tifffile's pages and frames
    tag = page.tags.get("XResolution")
    return tag.value[0] / tag.value[1] if tag and tag.value[1] else 0.0


def _is_office(dots_per_inch: float) -> bool:
    return any(abs(dots_per_inch - usual) < 0.6 for usual in _OFFICE_DPI)
