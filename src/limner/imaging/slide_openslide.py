"""Slides in the formats of scanners, read by OpenSlide (extra `slides`)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from limner.errors import LimnerError, MissingExtraError
from limner.imaging.refusal import one_line, unreadable
from limner.imaging.slide_levels import Level, Slide
from limner.imaging.slide_spacing import plausible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from limner.imaging.slide_levels import ReadRegion
    from limner.types import ImageArray

_PIECE: Final = 4096  # columns that are read at a time: what OpenSlide returns takes a third more memory than what is kept of it
_CACHE_ROWS: Final = 1024  # rows of the slide whose decoded tiles OpenSlide keeps, since rows of limner's tiles overlap
_MOST_CACHE: Final = 400_000_000  # bytes


def open_by_openslide(path: Path) -> Slide:
    """Open a scanner's file.

    Raises:
        DataError: It is damaged, or none that OpenSlide knows.
        MissingExtraError: OpenSlide is not installed.
    """
    try:
        import openslide
    except (ImportError, OSError):  # the second where the library itself is missing
        raise MissingExtraError("slides", needed_for=f"a slide of the kind {path.suffix}") from None
    with _refused(path):
        slide = openslide.OpenSlide(str(path))
        width, _ = slide.dimensions
        slide.set_cache(openslide.OpenSlideCache(min(4 * width * _CACHE_ROWS, _MOST_CACHE)))
        sizes = [(height, width) for width, height in slide.level_dimensions]
        levels = [Level(size, _reader(slide, path, index)) for index, size in enumerate(sizes)]
        return Slide(path, tuple(levels), _spacing(slide.properties), slide.close)


def _reader(slide: Any, path: Path, level: int) -> ReadRegion:  # noqa: ANN401 - untyped
    scale = slide.level_downsamples[level]

    def read(top: int, left: int, height: int, width: int) -> ImageArray:
        pixels = np.empty((height, width, 3), np.uint8)
        for start in range(0, width, _PIECE):
            stop = min(start + _PIECE, width)
            corner = (round((left + start) * scale), round(top * scale))  # is given in pixels of the largest level
            with _refused(path):
                pixels[:, start:stop] = _on_ground(slide.read_region(corner, level, (stop - start, height)), slide.properties)
        return pixels

    return read


def _on_ground(part: Image.Image, properties: Any) -> ImageArray:  # noqa: ANN401 - untyped
    """The picture on the slide's own background, or white: what was not scanned is transparent."""
    if part.getchannel("A").getextrema() == (255, 255):
        return np.asarray(part.convert("RGB"))
    ground = Image.new("RGBA", part.size, f"#{properties.get('openslide.background-color', 'ffffff')}")
    return np.asarray(Image.alpha_composite(ground, part).convert("RGB"))


def _spacing(properties: Any) -> float | None:  # noqa: ANN401 - untyped
    try:
        return plausible(float(properties["openslide.mpp-x"]), float(properties["openslide.mpp-y"]))
    except (KeyError, ValueError):
        return None


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Whatever OpenSlide makes of a damaged file is an error that names it."""
    try:
        yield
    except (LimnerError, MemoryError):
        raise
    except Exception as error:
        raise unreadable(str(path), one_line(error)) from error
