"""What a picture file is, from its headers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limner.imaging.dicom import SUFFIXES, describe_dicom, is_dicom
from limner.imaging.opening import NotAPictureError, is_lossy, opened, orientation_of
from limner.imaging.pnm import PnmHeader, is_pnm, pnm_header
from limner.imaging.refusal import USUALLY, check_size, unreadable
from limner.imaging.tiff import STARTS, full_pages, tiff_pages

if TYPE_CHECKING:
    from PIL import Image

_DEPTHS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_COLOUR_TYPES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}  # of PNG


@dataclass(frozen=True, slots=True)
class Description:
    """A picture file as its headers describe it.

    Attributes:
        format: `PNG`, `JPEG`, `TIFF`, `DICOM` and so on.
        mode: Pillow's name of what a pixel is: `1`, `L`, `P`, `RGB`, `RGBA`, `I;16` and so on.
        size: Height and width as stored, before its orientation is applied.
        orientation: 1 to 8, as in EXIF; 1 is upright.
        lossy: Whether the format may have changed the values that were written.
        frames: Number of frames or full pages; of an animated GIF 2, which stands for any more than one.
        bit_depth: Bits of each channel, or of each index into the palette.
        has_alpha: Whether pixels may be transparent.
        palette: Whether pixels are indices into a list of colours.
    """

    format: str
    mode: str
    size: tuple[int, int]
    orientation: int
    lossy: bool
    frames: int
    bit_depth: int
    has_alpha: bool
    palette: bool


def describe(data: bytes, *, name: str) -> Description:
    """Describe a picture file; its pixels are not decoded.

    Args:
        data: The bytes of the file.
        name: The file's name, for errors.

    Raises:
        DataError: It is no picture, its headers are damaged, or it claims more pixels than limner reads.

    Example:
        >>> import numpy as np
        >>> from limner.imaging import encode_png
        >>> found = describe(encode_png(np.zeros((2, 3), np.uint8)), name="a.png")
        >>> found.format, found.size, found.bit_depth
        ('PNG', (2, 3), 8)
    """
    if not data:
        raise unreadable(name, "the file is empty", fix="copy the file again from where it came")
    if is_dicom(data):
        return Description(**describe_dicom(data, name=name))
    if is_pnm(data):
        return _describe_pnm(pnm_header(data, name=name))
    if data.startswith(STARTS):
        return _describe_tiff(data, name)
    try:
        with opened(data, name=name) as image:
            return _describe(image, data)
    except NotAPictureError:
        if name.lower().endswith(SUFFIXES):
            return Description(**describe_dicom(data, name=name))
        raise unreadable(name, "no image format is recognised in it") from None


def _describe(image: Image.Image, data: bytes) -> Description:
    return Description(
        format=str(image.format),
        mode=image.mode,
        size=(image.height, image.width),
        orientation=orientation_of(image, data),
        lossy=is_lossy(image, data, None),
        frames=_frames(image),
        bit_depth=data[24] if image.format == "PNG" else _DEPTHS.get(image.mode, 8),
        has_alpha=image.has_transparency_data,
        palette=image.mode in {"P", "PA"},
    )


def _frames(image: Image.Image) -> int:
    try:
        return 2 if image.format == "GIF" and getattr(image, "is_animated", False) else int(getattr(image, "n_frames", 1))
    except Exception:  # noqa: BLE001 - damage behind the first frame does no harm
        return 1


def _describe_pnm(header: PnmHeader) -> Description:
    depth = header.top.bit_length()
    mode = "RGB" if header.kind in {3, 6} else "1" if header.kind in {1, 4} else "L" if depth <= 8 else "I;16"
    return Description("PPM", mode, header.size, 1, False, 1, depth, False, False)


def _describe_tiff(data: bytes, name: str) -> Description:
    full = full_pages(tiff_pages(data, name=name))
    page = full[0]
    check_size(page.size, per_pixel=USUALLY, name=name)
    colours = page.samples - page.has_alpha
    mode = "P" if page.photometric == 3 else {1: "L", 3: "RGB", 4: "CMYK"}.get(colours, "L")
    if mode == "L" and not page.has_alpha:
        mode = "F" if page.is_float else {1: "1", 16: "I;16", 32: "I"}.get(page.bits, "L")
    return Description(
        format="TIFF",
        mode=mode + "A" * (page.has_alpha and mode in {"L", "RGB", "P"}),
        size=page.size,
        orientation=page.orientation,
        lossy=page.lossy,
        frames=len(full),
        bit_depth=page.bits,
        has_alpha=page.has_alpha,
        palette=page.photometric == 3,
    )
