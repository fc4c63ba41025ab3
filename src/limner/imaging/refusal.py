"""The errors of pictures that cannot be used, and how large a picture may be."""

from __future__ import annotations

from typing import Final

from PIL import Image

from limner.errors import DataError

MAX_BYTES: Final = 900_000_000  # what decoding a file may take at its peak, the interpreter aside
# Bytes for each pixel of most formats, measured, and raised so that two seconds are not over before the memory is: 64 megapixels.
USUALLY: Final = 14.0


def check_size(size: tuple[int, int], *, per_pixel: float, name: str) -> None:
    """Refuse a picture before anything is allocated for it.

    Args:
        size: Height and width that its header claims.
        per_pixel: Bytes that decoding takes at its peak for each pixel.
        name: The file's name, for the error.

    Raises:
        DataError: It has more pixels than Pillow's limit against decompression bombs (`PIL.Image.MAX_IMAGE_PIXELS`), or decoding it
            would take more than 900 MB.
    """
    if size[0] * size[1] > _most_pixels(per_pixel):
        raise too_large(name, per_pixel=per_pixel)


def _most_pixels(per_pixel: float) -> float:
    return min(MAX_BYTES / per_pixel, Image.MAX_IMAGE_PIXELS or float("inf"))


def too_large(name: str, *, per_pixel: float) -> DataError:
    """The error of a picture of too many pixels."""
    what = f"the picture has more than {_most_pixels(per_pixel) / 1e6:.0f} megapixels, the most that limner reads of its kind"
    return DataError(what, where=name, fix="cut it into tiles, or shrink it")


def unreadable(name: str, reason: str, *, fix: str = "copy the file again, or leave it out") -> DataError:
    """The error of a picture that is damaged, or of a kind that is not read."""
    return DataError(f"the picture cannot be read: {reason}", where=name, fix=fix)


def one_line(error: BaseException) -> str:
    """The first line of an exception's message, or its kind where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
