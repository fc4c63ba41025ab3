"""Slides in TIFF files: tiled or in strips, with smaller copies of the picture or without."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from limner.errors import DataError, LimnerError, MissingExtraError
from limner.imaging.refusal import one_line, unreadable
from limner.imaging.slide_levels import Level, Slide
from limner.imaging.slide_segments import Segments
from limner.imaging.slide_spacing import tiff_spacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tifffile import TiffFile, TiffPage, TiffPageSeries

    from limner.types import ImageArray

_SINGLE = "save the picture that is meant as a file of its own"
_ASPECT = 0.05  # by which a smaller copy's aspect ratio may differ from the picture's


def open_tiff(path: Path) -> Slide:
    """Open a TIFF file of any size, to read it by regions.

    Raises:
        DataError: It is damaged, holds several pictures, or one that cannot be read by parts (see `limner.imaging.slide_segments`).
        MissingExtraError: It is compressed in a way that needs the extra `slides`.
    """
    import tifffile  # here, since few need it and it takes a tenth of a second

    with _refused(path):
        tiff = tifffile.TiffFile(path, is_ome=False)  # its pages are enough; OME's metadata may name other files, or be damaged
        try:
            levels = _levels(_series(tiff, path), path)
            return Slide(path, tuple(_level(tiff, page, path) for page in levels), tiff_spacing(tiff, levels[0]), tiff.close)
        except BaseException:
            tiff.close()
            raise


def _series(tiff: TiffFile, path: Path) -> TiffPageSeries:
    """The largest picture: labels and overviews stand beside it."""
    largest = max((series.size for series in tiff.series), default=0)
    found = [series for series in tiff.series if series.size == largest]
    if len(found) != 1:
        raise DataError(f"the file holds {len(found)} pictures of one size, not one", where=path, fix=_SINGLE)
    return found[0]


def _levels(series: TiffPageSeries, path: Path) -> list[TiffPage]:
    """The page of the picture, and those of its smaller copies."""
    if len(series.pages) != 1 or series.pages[0] is None:
        what = f"the file holds {len(series.pages)} pages (axes {series.axes}), not one picture"
        raise DataError(what, where=path, fix=_SINGLE)
    pages = [level.pages[0].aspage() for level in series.levels if len(level.pages) == 1 and level.pages[0] is not None]
    full = pages[0]
    return [full, *(page for page in pages[1:] if _is_copy(page, full))]


def _is_copy(page: TiffPage, full: TiffPage) -> bool:
    down, across = page.imagelength / full.imagelength, page.imagewidth / full.imagewidth
    return down < 1 and abs(down - across) <= _ASPECT * down


def _level(tiff: TiffFile, page: TiffPage, path: Path) -> Level:
    segments = Segments(tiff, page, name=str(path))

    def read(top: int, left: int, height: int, width: int) -> ImageArray:
        with _refused(path):
            return segments.read(top, left, height, width)

    return Level((page.imagelength, page.imagewidth), read)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Whatever tifffile makes of a damaged file is an error that names it."""
    try:
        yield
    except (LimnerError, MemoryError):
        raise
    except Exception as error:
        reason = one_line(error)
        if "imagecodecs" in reason:
            raise MissingExtraError("slides", needed_for=f"the compression of {path.name}") from None
        raise unreadable(str(path), reason) from error
