"""Open picture files by Pillow: known formats only, of known size, and the one page that is meant."""

from __future__ import annotations

import re
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image, UnidentifiedImageError

from limner.errors import DataError
from limner.imaging.quiet import quiet, silence_libtiff
from limner.imaging.refusal import USUALLY, check_size, one_line, too_large, unreadable
from limner.imaging.tiff import STARTS, TiffPage, full_pages, tiff_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

# Others that Pillow knows start programs (EPS), have no mark of their own (TGA), or hold no photographs.
_FORMATS: Final = ("JPEG", "PNG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "JPEG2000", "PPM")
_LOSSY_FORMATS = {"JPEG", "MPO"}
_PER_PIXEL = {"WEBP": 23.0, "JPEG2000": 20.0}  # bytes, measured
_IF_DEEP = 30.0  # 32 bits in each pixel, and as many in each step between
_MAX_SCANNED = 1_000_000_000  # pixels times scans of a JPEG, each of which goes over the whole picture
_MAX_SEGMENTS = 100_000
_SINGLE = "save each page as a file of its own: ImageJ's Image > Stacks > Stack to Images does it, or `tiffsplit FILE`"
_MAX_WAVELETS = 16_000_000  # bytes; JPEG 2000 takes a second for seven million
_ORIENTED = (b"eXIf", b"xif", b"XML:com.adobe.xmp")  # where a PNG may speak of its orientation


class NotAPictureError(Exception):
    """Pillow recognises no picture in the bytes."""


@contextmanager
def opened(data: bytes, *, name: str) -> Iterator[Image.Image]:
    """Open a picture without decoding it; whatever goes wrong until the end of the block is an error that names the file.

    Raises:
        NotAPictureError: No format is recognised.
        DataError: It is damaged, cut short, or has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    with quiet():
        try:
            with Image.open(BytesIO(data), formats=_FORMATS) as image:
                check_size((image.height, image.width), per_pixel=USUALLY, name=name)
                yield image
        except (DataError, NotAPictureError):
            raise
        except UnidentifiedImageError as error:
            raise NotAPictureError from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise too_large(name, per_pixel=USUALLY) from error
        except Exception as error:  # Pillow's plug-ins raise nearly any exception on damaged bytes
            raise unreadable(name, one_line(error)) from error


def page_of(data: bytes, *, name: str) -> TiffPage | None:
    """The one page of a TIFF file; None for other files.

    Raises:
        DataError: The tags are damaged, the page is too large, or there are several pages.
    """
    if not data.startswith(STARTS):
        return None
    silence_libtiff()
    full = full_pages(tiff_pages(data, name=name))
    if len(full) > 1:
        raise several(len(full), "pages", name, fix=_SINGLE)
    page = full[0]
    check_size(page.size, per_pixel=USUALLY, name=name)
    if page.tile is not None:  # decoders take room for a whole tile, however small the picture
        check_size(page.tile, per_pixel=page.samples * max(page.bits / 8, 1), name=name)
    if page.segments > _MAX_SEGMENTS:
        raise unreadable(name, f"it is a TIFF of {page.segments} strips or tiles", fix="save it again with larger strips or tiles")
    return page


def check_page(image: Image.Image, page: TiffPage | None, *, name: str) -> None:
    """Refuse a TIFF page that Pillow sees with another size than its tags were checked with.

    Raises:
        DataError: It does.
    """
    if page is not None and sorted(image.size) != sorted(page.size):
        raise unreadable(name, "its TIFF tags contradict each other")


def several(count: int, what: str, name: str, *, fix: str) -> DataError:
    """The error of a file that holds a stack of pictures where one is wanted."""
    return DataError(f"the file holds {count} {what}, not one picture", where=name, fix=fix)


def check_cost(image: Image.Image, data: bytes, *, name: str) -> None:
    """Refuse a picture whose decoding would take more than about a gigabyte or two seconds.

    Raises:
        DataError: It would.
    """
    pixels, per_pixel = image.width * image.height, _PER_PIXEL.get(str(image.format), USUALLY)
    per_pixel = _IF_DEEP if image.mode in {"I", "F"} else per_pixel
    if "progressive" in image.info and (scans := data.count(b"\xff\xda")) * pixels > _MAX_SCANNED:
        raise unreadable(name, f"it is a JPEG of {scans} scans, too many for its size", fix="save it again as an ordinary JPEG")
    check_size((image.height, image.width), per_pixel=per_pixel, name=name)
    if image.format == "JPEG2000" and len(data) > _MAX_WAVELETS:
        raise unreadable(
            name, f"it is a JPEG 2000 of more than {_MAX_WAVELETS // 1_000_000} MB", fix="save it as PNG, or cut it into tiles"
        )


def orientation_of(image: Image.Image, data: bytes) -> int:
    """EXIF (or XMP) orientation, 1 to 8; 1 where nothing is said of it or what is said is damaged."""
    if image.format == "PNG" and "exif" not in image.info and not any(word in data for word in _ORIENTED):
        return 1  # Pillow would decode the whole picture to see whether EXIF comes after it
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF raises nearly anything, and viewers pass over it
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def is_lossy(image: Image.Image, data: bytes, page: TiffPage | None) -> bool:
    """Whether the format may have changed the values that were written."""
    if page is not None:
        return page.lossy
    if image.format == "WEBP":
        return b"VP8L" not in data[:64]
    if image.format == "JPEG2000":
        return not _is_reversible(data)
    return image.format in _LOSSY_FORMATS


def _is_reversible(data: bytes) -> bool:
    """Whether a JPEG 2000 codestream uses the 5/3 wavelet, without which nothing is kept exactly (ISO 15444-1, A.6.1)."""
    coding_style = re.search(rb"\xff\x52\x00[\x0c-\x2d].{9}(.)", data[:65536], re.DOTALL)
    return coding_style is not None and coding_style[1] == b"\x01"
