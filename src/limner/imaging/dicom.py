"""Pictures in DICOM files: as stored, and as a viewer shows them. Needs the extra `dicom` (pydicom)."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from limner.errors import LimnerError, MissingExtraError
from limner.imaging.bands import by_bands
from limner.imaging.opening import NotAPictureError, check_cost, opened, several
from limner.imaging.quiet import quiet
from limner.imaging.refusal import check_size, one_line, unreadable
from limner.imaging.voi import shown_levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom import Dataset

SUFFIXES: Final = (".dcm", ".dicom")
_MARK = b"DICM"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MAX_ITEMS = 50_000  # of all sequences; pictures have a few dozen, and each takes time whatever it holds
_MAX_RLE = 30_000_000  # bytes; run lengths are unpacked by Python code, a few seconds for as many
_EXPORT = "export the frames one by one as PNG or single-frame DICOM files"
_CONVERT = "store it uncompressed: `gdcmconv --raw IN OUT` or `dcmconv` do it, or export it as PNG"
_TAGS: Final = [
    *("SOPClassUID", "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames"),
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *("RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor"),
    *("RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData"),
    *("SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData"),
    *("SegmentedBluePaletteColorLookupTableData", "LossyImageCompression", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("FloatPixelData", "DoubleFloatPixelData", "PixelData"),
]


@dataclass(frozen=True, slots=True)
class DicomPicture:
    """The picture of a DICOM file.

    Attributes:
        levels: (H, W), or (H, W, 3) where it has three channels; integers as stored, or uint8 as shown.
        palette: (N, 3) uint8 colours that the levels point to; None where they are no indices.
        lossy: Whether values may have been changed by compression.
    """

    levels: NDArray[Any]
    palette: NDArray[np.uint8] | None
    lossy: bool


def is_dicom(data: bytes) -> bool:
    """Whether the bytes bear the mark of a DICOM file. Older files have none; those go by their suffix."""
    return data[128:132] == _MARK


def read_dicom(data: bytes, *, name: str, shown: bool) -> DicomPicture:
    """Read the picture of a DICOM file.

    Args:
        data: The bytes of the file.
        name: The file's name, for errors.
        shown: Whether levels are wanted as a viewer shows them, not as stored; indices are kept in either case.

    Raises:
        DataError: It holds no picture or several, is damaged or too large, or is compressed in a way that no installed package decodes.
        MissingExtraError: pydicom is not installed.
    """
    with _guarded(name):
        dataset = _read(data, name, stop_before_pixels=False)
        _check(dataset, name)
        _check_frame(dataset, name)
        levels = _pixels(dataset, name)
        palette = _palette(dataset, levels)
        return DicomPicture(_shown(levels, dataset) if shown and palette is None else levels, palette, _is_lossy(dataset))


def describe_dicom(data: bytes, *, name: str) -> dict[str, Any]:
    """The fields of a `limner.imaging.describe.Description`.

    Raises:
        DataError: It is no DICOM file, or has no picture.
        MissingExtraError: pydicom is not installed.
    """
    with _guarded(name):
        dataset = _read(data, name, stop_before_pixels=True)
        _check(dataset, name, frames=False)
        return {
            "format": "DICOM",
            "mode": _mode(dataset),
            "size": (int(dataset.Rows), int(dataset.Columns)),
            "orientation": 1,
            "lossy": _is_lossy(dataset),
            "frames": _frames(dataset),
            "bit_depth": int(dataset.BitsStored),
            "has_alpha": False,
            "palette": _has_palette(dataset),
        }


def _mode(dataset: Dataset) -> str:
    if dataset.SamplesPerPixel == 3:
        return "RGB"
    return "P" if _has_palette(dataset) else {1: "1", 8: "L"}.get(int(dataset.BitsAllocated), "I;16")


@contextmanager
def _guarded(name: str) -> Iterator[None]:
    try:
        import pydicom  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("dicom", needed_for=f"reading the DICOM file {name}") from error
    with quiet():
        try:
            yield
        except LimnerError:
            raise
        except Exception as error:  # pydicom raises nearly any exception on damaged bytes
            raise unreadable(name, one_line(error)) from error


def _read(data: bytes, name: str, *, stop_before_pixels: bool) -> Dataset:
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if _DEFLATED in data[:4096]:  # pydicom would unpack it without a bound
        raise unreadable(name, "the whole DICOM file is deflated", fix="store it plainly: `dcmconv +te IN OUT` does it")
    if data.count(b"\xfe\xff\x00\xe0") > _MAX_ITEMS:
        raise unreadable(name, f"it holds more than {_MAX_ITEMS} sequence items or frames", fix=_EXPORT)
    dataset = dcmread(BytesIO(data), force=True, specific_tags=list(_TAGS), stop_before_pixels=stop_before_pixels)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    return dataset


def _check(dataset: Dataset, name: str, *, frames: bool = True) -> None:
    """Refuse what is no single picture of a known kind, before its pixels are touched."""
    if "Rows" not in dataset or "Columns" not in dataset or "BitsAllocated" not in dataset:
        kind = dataset.get("SOPClassUID")
        what = "no picture is in it" + (f" ({kind.name})" if kind else "; perhaps it is no DICOM file")
        raise unreadable(name, what, fix="leave it out, or name the file that holds the picture")
    if frames and _frames(dataset) > 1:
        raise several(_frames(dataset), "frames", name, fix=_EXPORT)
    bits, samples = int(dataset.BitsAllocated), int(dataset.SamplesPerPixel)
    if bits not in {1, 8, 16} or samples not in {1, 3} or not 1 <= int(dataset.BitsStored) <= bits:
        raise unreadable(name, f"{samples} channels of {bits} bits are not read", fix="export it as PNG of 8 or 16 bits")
    if int(dataset.Rows) < 1 or int(dataset.Columns) < 1:
        raise unreadable(name, "its header claims a picture without pixels")
    per_pixel = 4 * samples * max(bits // 8, 1) + 8
    check_size((int(dataset.Rows), int(dataset.Columns)), per_pixel=per_pixel, name=name)


def _check_frame(dataset: Dataset, name: str) -> None:
    """Refuse a compressed frame that is not of the size that the header claims."""
    from pydicom.encaps import get_frame
    from pydicom.uid import JPEG2000TransferSyntaxes, JPEGBaseline8Bit, JPEGExtended12Bit, RLELossless

    if "PixelData" not in dataset:
        raise unreadable(name, "it has no pixels, or only such of floating point", fix="export it as PNG of 8 or 16 bits")
    size, syntax = (int(dataset.Rows), int(dataset.Columns)), dataset.file_meta.TransferSyntaxUID
    if syntax == RLELossless:
        check_size(size, per_pixel=dataset.SamplesPerPixel * dataset.BitsAllocated / 8 * 900e6 / _MAX_RLE, name=name)
    if syntax not in {JPEGBaseline8Bit, JPEGExtended12Bit, *JPEG2000TransferSyntaxes}:
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    with suppress(NotAPictureError), opened(frame, name=name) as image:  # what Pillow does not know may be known to another package
        if (image.height, image.width) != size:
            raise unreadable(name, f"the header claims {size[1]}x{size[0]} pixels, but {image.width}x{image.height} are in it")
        check_cost(image, frame, name=name)


def _pixels(dataset: Dataset, name: str) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        array = pixel_array(dataset)
    except (RuntimeError, NotImplementedError) as error:
        if not syntax.is_compressed:
            raise
        reason = str(error).splitlines()[-1].strip()
        what = f"its pixels are compressed as {syntax.name}, which the installed packages do not decode ({reason})"
        raise unreadable(name, what, fix=_CONVERT) from error
    expected = (int(dataset.Rows), int(dataset.Columns))
    if array.shape not in {expected, (*expected, 3)}:
        raise unreadable(name, f"its pixels have the shape {array.shape}, not {expected}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))


def _shown(levels: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8]:
    if levels.ndim == 2:
        return shown_levels(levels, dataset)
    top = 2 ** int(dataset.BitsStored) - 1
    if top == 255:
        return levels.astype(np.uint8, copy=False)
    return by_bands(levels, lambda rows: np.clip(rows * (255.0 / top) + 0.5, 0, 255).astype(np.uint8))


def _has_palette(dataset: Dataset) -> bool:
    return str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR"


def _palette(dataset: Dataset, levels: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Colours of all indices up to the highest in use."""
    from pydicom.pixels.processing import apply_color_lut

    if not _has_palette(dataset) or levels.ndim != 2:
        return None
    colours = np.asarray(apply_color_lut(np.arange(int(levels.max()) + 1, dtype=levels.dtype), dataset))
    return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)


def _frames(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _is_lossy(dataset: Dataset) -> bool:
    from pydicom.uid import JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

    syntax = dataset.file_meta.TransferSyntaxUID
    return syntax in {JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000, JPEGLSNearLossless} or dataset.get("LossyImageCompression") == "01"
