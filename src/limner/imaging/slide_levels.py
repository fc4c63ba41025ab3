"""A slide: a picture too large for the memory, read a region at a time, with smaller copies of itself where its file has some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from PIL import Image

from limner.imaging.resize import longer_side_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from limner.types import ImageArray

    # (top, left, height, width) of a region within the picture -> its pixels.
    ReadRegion: TypeAlias = Callable[[int, int, int, int], ImageArray]

_BAND = 512  # rows that are shrunk at a time


@dataclass(frozen=True, slots=True)
class Level:
    """The picture at one resolution.

    Attributes:
        size: Height and width in pixels.
        read: (top, left, height, width) of a region within it -> uint8 RGB (height, width, 3).
    """

    size: tuple[int, int]
    read: ReadRegion


@dataclass(frozen=True, slots=True)
class Slide:
    """An open slide; close it, or use it as a context manager.

    Attributes:
        path: Its file.
        levels: The picture itself, then its smaller copies, the smallest last.
        spacing_um: Distance of neighbouring pixels in µm, where the file tells it.
    """

    path: Path
    levels: tuple[Level, ...]
    spacing_um: float | None
    _close: Callable[[], None] = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.levels[0].size

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """The pixels of a region, which must lie within the slide; uint8 RGB (height, width, 3).

        Raises:
            DataError: The file is damaged there.
            MissingExtraError: It is compressed in a way that needs the extra `slides`.
        """
        return self.levels[0].read(top, left, height, width)

    def thumbnail(self, longest: int) -> ImageArray:
        """The whole slide, antialiased, its longer side `longest` pixels; never enlarged.

        Raises:
            DataError: The file is damaged.
            MissingExtraError: It is compressed in a way that needs the extra `slides`.
        """
        return self.shrunk(longer_side_at(min(longest, max(self.size)), self.size))

    def shrunk(self, size: tuple[int, int]) -> ImageArray:
        """The whole slide at a smaller height and width, antialiased; made of the smallest copy that is large enough.

        In memory it takes about four times the pixels of the result.
        """
        level = next(level for level in reversed(self.levels) if _reaches(level.size, size) or level is self.levels[0])
        factor = max(1, min(have // want for have, want in zip(level.size, size, strict=True)))
        height, width = level.size
        picture = Image.fromarray(_reduced(level, factor))
        part = (0, 0, width / factor, height / factor)  # the last row and column may stand for fewer pixels than the others
        return np.array(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=part))

    def close(self) -> None:
        """Close the file."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _reaches(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    return all(have >= want for have, want in zip(size, wanted, strict=True))


def _reduced(level: Level, factor: int) -> ImageArray:
    """The mean of every square of `factor` pixels."""
    height, width = level.size
    reduced = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    step = factor * max(1, _BAND // factor)
    for top in range(0, height, step):
        band = level.read(top, 0, min(step, height - top), width)
        small = band if factor == 1 else np.asarray(Image.fromarray(band).reduce(factor))
        reduced[top // factor : top // factor + len(small)] = small
    return reduced
