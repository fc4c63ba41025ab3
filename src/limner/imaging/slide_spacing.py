"""How far apart the pixels of a slide are, from what its TIFF file says: OME's metadata, Aperio's, or TIFF's own resolution."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_LEAST, _MOST = 0.05, 20.0  # µm; less is finer than light, and more is the resolution for print that programs write unasked
_TOLERANCE = 0.02  # between the two directions: there is one spacing
_IN_UM: Final = {"nm": 1e-3, "µm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
_PER_UNIT: Final = {2: 25_400.0, 3: 10_000.0}  # µm in TIFF's units of resolution: inch, centimetre
_X, _Y, _UNIT = 282, 283, 296


def plausible(across: float, down: float) -> float | None:
    """A spacing in µm, if it can be that of a microscope's picture and is the same in both directions.

    Example:
        >>> plausible(0.5, 0.5), plausible(84.7, 84.7), plausible(0.5, 1.0)
        (0.5, None, None)
    """
    spacing = (across + down) / 2
    if not _LEAST <= spacing <= _MOST or abs(across - down) > _TOLERANCE * spacing:
        return None
    return spacing


def tiff_spacing(tiff: TiffFile, page: TiffPage) -> float | None:
    """Distance of neighbouring pixels in µm; None where the file does not tell it, or tells what cannot be."""
    found = (_of_ome(tiff.pages.first.description), _of_aperio(page.description), _of_resolution(page))
    return next((spacing for pair in found if pair is not None and (spacing := plausible(*pair)) is not None), None)


def _of_ome(text: str) -> tuple[float, float] | None:
    across, down = (_ome_length(text, axis) for axis in "XY")
    return None if across is None or down is None else (across, down)


def _ome_length(text: str, axis: str) -> float | None:
    length = re.search(rf'\bPhysicalSize{axis}="([\d.eE+-]+)"', text)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', text)
    try:
        return None if length is None else float(length[1]) * _IN_UM.get(unit[1] if unit else "µm", 0.0)
    except ValueError:
        return None


def _of_aperio(text: str) -> tuple[float, float] | None:
    found = re.search(r"\bMPP = (\d+\.?\d*)", text)
    return None if found is None else (float(found[1]), float(found[1]))


def _of_resolution(page: TiffPage) -> tuple[float, float] | None:
    unit = _PER_UNIT.get(page.tags.valueof(_UNIT, 2))
    across, down = (page.tags.valueof(tag) for tag in (_X, _Y))
    if unit is None or not all(isinstance(value, tuple) and len(value) == 2 and all(value) for value in (across, down)):
        return None
    return unit * across[1] / across[0], unit * down[1] / down[0]
