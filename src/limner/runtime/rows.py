"""Overlap-tile as a stream: rows of tiles go in, rows of finished pixels come out, and memory holds about one row of tiles.

Whatever is predicted by tiles comes through here, a thumbnail in memory as well as a slide of a gigapixel.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from limner.errors import DataError
from limner.imaging.tiles import Span, spans
from limner.pipeline import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from limner.types import ImageArray, ProbArray

    # (top, left, height, width) of a region within the image -> its pixels, uint8 RGB (height, width, 3).
    Reader: TypeAlias = Callable[[int, int, int, int], ImageArray]
    # Tiles, uint8 RGB (N, h, w, 3) -> their probabilities, float32 (N, h, w).
    Runner: TypeAlias = Callable[[ImageArray], ProbArray]

_BATCH_PIXELS = 1_000_000  # in one run of the model
_SHARED = 4  # neighbouring tiles share a quarter of their side


class _Tile(NamedTuple):
    row: Span
    column: Span
    pixels: ImageArray


def default_overlap(tile: tuple[int, int]) -> tuple[int, int]:
    """The overlap of tiles where none is asked for: a quarter of the side.

    Example:
        >>> default_overlap((512, 256))
        (128, 64)
    """
    return tile[0] // _SHARED, tile[1] // _SHARED


def blended_rows(
    read: Reader,
    size: tuple[int, int],
    run: Runner,
    tile: tuple[int, int],
    overlap: tuple[int, int] | None = None,
    *,
    read_ahead: bool = False,
) -> Iterator[tuple[int, ProbArray]]:
    """The probabilities of an image of any size, from the top down, put together from those of its tiles.

    Half of the overlap is mirrored around the image, so that its border lies as far inside a tile as everything else does. A tile says
    nothing of its outermost pixels, a quarter of the overlap wide: what a network of that reach says of an image does not depend on where
    its tiles end.

    Args:
        read: Reads a part of the image; is asked for rows of its full width, each row of tiles once.
        size: Height and width of the image.
        run: The model.
        tile: Height and width of a tile in pixels.
        overlap: Of neighbouring tiles at least, down and across, in pixels; less than a tile. By default a quarter of its sides.
        read_ahead: Read the next row of tiles while the model is busy with this one, in another thread.

    Yields:
        The first row, and the probabilities float32 (h, W) from there on, as soon as no later tile adds to them. The rows follow each other
        without gaps.

    Raises:
        DataError: The overlap is negative, or not less than a tile.

    Example:
        >>> image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
        >>> read = lambda top, left, height, width: image[top : top + height, left : left + width]
        >>> rows = blended_rows(read, (50, 70), lambda tiles: tiles[..., 0] / np.float32(255), (32, 32))
        >>> [(first, probs.shape) for first, probs in rows]
        [(0, (9, 70)), (9, (13, 70)), (22, (28, 70))]
    """
    overlap = default_overlap(tile) if overlap is None else overlap
    if not all(0 <= shared < side for shared, side in zip(overlap, tile, strict=True)):
        fix = f"give an overlap from 0 to {min(tile) - 1}"
        raise DataError(f"tiles of {tile[0]} x {tile[1]} pixels cannot overlap by {overlap[0]} x {overlap[1]}", fix=fix)
    rows, columns = (spans(*side) for side in zip(size, tile, overlap, strict=True))
    return _blended(_batches(_tiles(_bands(read, rows, size[1], read_ahead=read_ahead), columns), tile), run, size, tile[0])


def _bands(read: Reader, rows: tuple[Span, ...], width: int, *, read_ahead: bool) -> Iterator[tuple[Span, ImageArray]]:
    """The pixels of each row of tiles, (tile, W, 3)."""

    def band(row: Span) -> tuple[Span, ImageArray]:
        pixels = read(row.start, 0, row.stop - row.start, width)
        return row, pixels[row.source - row.start] if row.mirrors else pixels

    return ahead(band, rows, depth=1) if read_ahead else map(band, rows)


def _tiles(bands: Iterator[tuple[Span, ImageArray]], columns: tuple[Span, ...]) -> Iterator[_Tile]:
    for row, band in bands:
        for column in columns:
            yield _Tile(row, column, band[:, column.source] if column.mirrors else band[:, column.start : column.stop])


def _batches(tiles: Iterator[_Tile], tile: tuple[int, int]) -> Iterator[list[_Tile]]:
    step = max(1, _BATCH_PIXELS // (tile[0] * tile[1]))
    while batch := list(islice(tiles, step)):
        yield batch


def _blended(batches: Iterator[list[_Tile]], run: Runner, size: tuple[int, int], height: int) -> Iterator[tuple[int, ProbArray]]:
    blend = _Blend(height, size[1])
    for batch in batches:
        for tile, probs in zip(batch, run(np.stack([tile.pixels for tile in batch])), strict=True):
            if tile.row.start > blend.top:  # a row of tiles begins: what lies above it is done
                yield blend.finish(tile.row.start)
            blend.add(tile, probs)
    yield blend.finish(size[0])


class _Blend:
    """Weighted sums of the rows that are not done yet: from `top` on, as high as a tile."""

    def __init__(self, height: int, width: int) -> None:
        self.top = 0
        self._sums = np.zeros((height, width), np.float32)

    def add(self, tile: _Tile, probs: ProbArray) -> None:
        row, column = tile.row, tile.column
        part = probs[row.inside, column.inside] * row.weights[:, None]
        part *= column.weights
        self._sums[row.start - self.top : row.stop - self.top, column.start : column.stop] += part

    def finish(self, until: int) -> tuple[int, ProbArray]:
        """Hand over the rows from `top` to `until`."""
        top, count = self.top, until - self.top
        done, kept = self._sums[:count], self._sums[count:]
        self.top, self._sums = until, _extended(kept, len(self._sums))
        return top, np.minimum(done, 1, out=done)  # the weights come to one but for a rounding step


def _extended(rows: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    whole = np.zeros((height, rows.shape[1]), np.float32)
    whole[: len(rows)] = rows
    return whole
