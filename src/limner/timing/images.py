"""The images that a benchmark runs on: some of the user's, or phantoms, as encoded files in a folder that every process reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from limner.data import open_source
from limner.data.phantoms import phantom
from limner.data.phantoms.draw import SMALLEST
from limner.errors import DataError
from limner.imaging.read import read_image
from limner.imaging.resize import resize_image
from limner.imaging.write import write_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.data import Item
    from limner.data.phantoms import Style
    from limner.runtime.format import ModelMetadata

_STYLES: dict[str, Style] = {"nucleus": "nuclei", "vessel": "vessel"}  # by task; all other tasks look like polyps
PHANTOMS = 8  # more of them would tell no more: they are all of one size


@dataclass(frozen=True, slots=True)
class TestImages:
    """What a benchmark ran on.

    Attributes:
        count: Number of images.
        sizes: Their different heights and widths in pixels, smallest first.
        origin: A phrase that says what they are.
    """

    __test__ = False  # pytest would take it for a test

    count: int
    sizes: tuple[tuple[int, int], ...]
    origin: str

    @property
    def sizes_told(self) -> str:
        """The sizes for people: one, or the smallest and the largest.

        Example:
            >>> TestImages(3, ((352, 352), (576, 720), (1080, 1920)), "images").sizes_told
            '352x352 to 1080x1920'
        """
        ends = [f"{height}x{width}" for height, width in (self.sizes[0], self.sizes[-1])]
        return " to ".join(dict.fromkeys(ends))


def prepare_images(
    folder: Path, source: str | Path | None, metadata: ModelMetadata, *, size: tuple[int, int] | None = None, most: int = 32
) -> TestImages:
    """Lay images into a folder, as encoded files.

    Args:
        folder: An empty folder.
        source: A folder, an archive or an image; None for phantoms.
        metadata: Of the model, whose task and input size decide how phantoms look.
        size: Height and width to bring all images to; by default the user's images stay as they are, and phantoms are one and a half times
            as large as what the network sees (four times as large as a patch).
        most: So many images of the source are taken at most, evenly spaced.

    Raises:
        DataError: There is no image, or one of them cannot be read.
    """
    try:
        return _draw(folder, metadata, size or phantom_size(metadata)) if source is None else _copy(folder, Path(source), size, most)
    except MemoryError:
        raise DataError("there is not enough memory for images of this size", fix="give a smaller --size") from None


def phantom_size(metadata: ModelMetadata) -> tuple[int, int]:
    """Height and width of phantoms for a model: larger than what it sees, as real images are."""
    scale = 4 if metadata.sampling == "patches" else 1.5
    height, width = (max(SMALLEST, round(scale * side)) for side in metadata.input_size)
    return height, width


def _draw(folder: Path, metadata: ModelMetadata, size: tuple[int, int]) -> TestImages:
    style = _STYLES.get(metadata.task, "polyp")
    for number in range(PHANTOMS):
        write_image(folder / f"{number:03d}.jpg", phantom(style, number, size).image)
    return TestImages(PHANTOMS, (size,), f"phantoms ({style}, JPEG)")


def _copy(folder: Path, source: Path, size: tuple[int, int] | None, most: int) -> TestImages:
    items = open_source(source, masks=False).items
    if not items:
        raise DataError(
            "there is no image to measure on", where=source, fix="give a folder or an archive with images, or leave --images out"
        )
    count = min(most, len(items))
    sizes = copy_images(folder, [items[number * len(items) // count] for number in range(count)], size=size)
    origin = f"images of {source.name}" if count == len(items) else f"of the {len(items)} images of {source.name}, evenly spaced"
    return TestImages(count, sizes, origin)


def copy_images(folder: Path, items: Sequence[Item], *, size: tuple[int, int] | None = None) -> tuple[tuple[int, int], ...]:
    """Copy images as they are encoded, or as JPEG at another size; returns their different sizes, smallest first.

    Raises:
        DataError: One of them cannot be read, which is told here rather than by a process of its own.
    """
    sizes = set()
    for number, file in enumerate(item.image for item in items):
        data = file.read()
        image = read_image(data, name=file.display)
        if size is None:
            (folder / f"{number:03d}{PurePosixPath(file.name).suffix.lower()}").write_bytes(data)
        else:
            image = resize_image(image, size)
            write_image(folder / f"{number:03d}.jpg", image)
        sizes.add((image.shape[0], image.shape[1]))
    return tuple(sorted(sizes, key=lambda pair: (pair[0] * pair[1], pair)))
