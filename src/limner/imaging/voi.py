"""Grey levels of a DICOM file -> the grey that a viewer shows (DICOM PS3.3, C.11.1 and C.11.2; C.7.6.3.1.2 for MONOCHROME1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from limner.imaging.bands import looked_up
from limner.imaging.levels import counts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset


def shown_levels(levels: NDArray[Any], header: Dataset) -> NDArray[np.uint8]:
    """Apply rescaling, then the look-up table or the first window of the file; without either, the full range of its values.

    Values of up to 8 bits without rescaling are shown as they are. What the file declares as padding is left out of the range.

    Args:
        levels: (H, W), integers of 8 or 16 bits.
        header: The elements of the file.
    """
    indices = _indices(levels)
    low = int(levels.min())
    values = np.arange(low, int(levels.max()) + 1)
    used = counts(indices)[: len(values)] > 0
    used &= ~_padding(values, header)
    table = _shown(values, used, header)
    if str(header.get("PhotometricInterpretation")) == "MONOCHROME1":
        table = 1 - table
    return looked_up(np.round(np.clip(np.nan_to_num(table), 0, 1) * 255).astype(np.uint8), indices)


def _indices(levels: NDArray[Any]) -> NDArray[Any]:
    """Differences to the lowest level, without the room that signed arithmetic would take."""
    unsigned = np.ascontiguousarray(levels).view(f"u{levels.dtype.itemsize}")
    return np.asarray(unsigned - unsigned.flat[int(levels.argmin())])


def _padding(values: NDArray[np.int64], header: Dataset) -> NDArray[np.bool_]:
    padding = header.get("PixelPaddingValue")
    if padding is None:
        return np.zeros(values.shape, dtype=np.bool_)
    limit = header.get("PixelPaddingRangeLimit", padding)
    return np.asarray((values >= min(padding, limit)) & (values <= max(padding, limit)))


def _shown(values: NDArray[np.int64], used: NDArray[np.bool_], header: Dataset) -> NDArray[np.float64]:
    """Brightness of each value, in [0, 1] or beyond."""
    from pydicom.pixels.processing import apply_modality_lut

    rescaled = np.asarray(apply_modality_lut(values, header), dtype=np.float64)
    if header.get("VOILUTSequence"):
        return _looked_up(rescaled, header.VOILUTSequence[0])
    centre, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if centre is not None and width is not None and width > 0:
        return _windowed(rescaled, centre, width, str(header.get("VOILUTFunction") or "LINEAR"))
    if int(header.BitsStored) <= 8 and values[0] >= 0 and np.array_equal(rescaled, values):
        return np.asarray(rescaled / (2 ** int(header.BitsStored) - 1))
    found = rescaled[used] if used.any() else rescaled
    low, high = found.min(), found.max()
    return np.asarray((rescaled - low) / (high - low) if high > low else np.zeros(rescaled.shape))


def _first(value: Any) -> float | None:  # noqa: ANN401 - one number or several
    if value is None or value == "":
        return None
    return float(value if isinstance(value, (int, float)) else value[0])


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64]:
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))))
    if function == "LINEAR_EXACT" or width <= 1:
        return np.asarray((values - centre) / width + 0.5)
    return np.asarray((values - (centre - 0.5)) / (width - 1) + 0.5)


def _looked_up(values: NDArray[np.float64], item: Dataset) -> NDArray[np.float64]:
    entries, first, bits = (int(value) for value in item.LUTDescriptor)
    data = item.LUTData
    table = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
    table = table[: entries or 2**16].astype(np.float64)
    return np.asarray(table[np.clip(values - first, 0, len(table) - 1).astype(np.int64)] / (2**bits - 1))
