"""Slides: which files are so large that they are read a region at a time, and how to open them."""

from __future__ import annotations

import mmap
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from limner.errors import DataError
from limner.imaging.refusal import USUALLY, check_size
from limner.imaging.slide_levels import Slide
from limner.imaging.slide_openslide import open_by_openslide
from limner.imaging.slide_tiff import open_tiff
from limner.imaging.tiff import STARTS, full_pages, tiff_pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.imaging.tiff import TiffPage

__all__ = ["SCANNER_SUFFIXES", "Slide", "is_slide", "open_slide"]

# What scanners of whole slides write, read by OpenSlide; some are TIFF files within.
SCANNER_SUFFIXES: Final = (".svs", ".svslide", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi")


def is_slide(path: str | Path) -> bool:
    """Whether a file is to be read a region at a time: a scanner's, or a TIFF that is too large to be read at once, or a pyramid.

    Args:
        path: Any file. It is not decoded; a file that is missing or damaged is no slide.
    """
    place = Path(path)
    if place.suffix.lower() in SCANNER_SUFFIXES:
        return place.is_file()
    pages = _tiff_pages(place)
    return bool(pages) and (not _fits(full_pages(pages)[0]) or _is_pyramid(pages))


def open_slide(path: str | Path) -> Slide:
    """Open a slide, or any TIFF file of 8 or 16 bits, to read it by regions.

    TIFF files may be tiled or in strips, BigTIFF or not, with smaller copies of the picture or without. Grey is repeated, alpha dropped,
    16 bits are reduced to 8, all as `limner.imaging.read_image` does it.

    Args:
        path: A TIFF file, or one of the formats of scanners (`SCANNER_SUFFIXES`).

    Raises:
        DataError: There is no such file, or it is damaged, or no picture that can be read by parts.
        MissingExtraError: It is a scanner's format and the extra `slides` is not installed.
    """
    place = Path(path)
    if not place.is_file():
        raise DataError("there is no such file", where=path, fix="check the path")
    return open_by_openslide(place) if place.suffix.lower() in SCANNER_SUFFIXES else open_tiff(place)


def _tiff_pages(path: Path) -> tuple[TiffPage, ...]:
    """The pages of a TIFF file by its tags; none of any other file."""
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(STARTS):
                return ()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return tiff_pages(data, name=str(path))
    except (OSError, ValueError, DataError):
        return ()


def _fits(page: TiffPage) -> bool:
    """Whether the page is small enough to be read at once."""
    deep = 3 * page.samples * page.bits / 8 if page.bits > 8 and page.samples > 1 else 0
    try:
        check_size(page.size, per_pixel=USUALLY + deep, name="")
    except DataError:
        return False
    return True


def _is_pyramid(pages: Sequence[TiffPage]) -> bool:
    """Whether the first page is followed by smaller copies of it, all of them tiled."""
    tiled = [page for page in pages if page.tile is not None and _alike(page.size, pages[0].size)]
    return len(tiled) > 1 and tiled[0] is pages[0] and all(after.size < before.size for before, after in pairwise(tiled))


def _alike(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have about the same aspect ratio."""
    return abs(size[0] * other[1] - size[1] * other[0]) <= 0.05 * size[0] * other[1]
