"""What is kept of a pair once its pictures have been read: measured values, no pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from limner.data.lookalikes import Look

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image that was read.

    Attributes:
        size: Height and width in pixels, upright.
        orientation: Its EXIF orientation, 1 to 8; 1 without a tag.
        lossy: Whether its format is.
        transparent: Whether some pixel is not wholly opaque.
        mean: Of the grey levels, 0 to 255.
        spread: Their standard deviation.
        brightest: The level that one pixel in a hundred exceeds.
        range: The largest difference of two pixels in any channel.
        look: What it looks like, for comparison with others.
    """

    size: Size
    orientation: int
    lossy: bool
    transparent: bool
    mean: float
    spread: float
    brightest: float
    range: int
    look: Look


@dataclass(frozen=True, slots=True)
class Tones:
    """The grey levels of a mask as stored; of several pictures, those of the one with most levels.

    Attributes:
        levels: How many different levels there are.
        between: Share of the pixels that are further than a sixteenth of the range from both the lowest and the highest level.
        swell: How much larger the object becomes when every level above the lowest counts: 0.1 for a tenth.
        lossy: Whether the format is.
    """

    levels: int
    between: float
    swell: float
    lossy: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where the foreground of a mask lies.

    Attributes:
        share: Of all pixels, 0 to 1.
        border: Of the pixels along the picture's four sides, 0 to 1.
        shrunk: Of all pixels once the mask is resized to the input size.
        needs: The smallest usual input size at which most of it is left; None where it is at the one asked for, or nowhere.
        thumb: The mask at 32x32, uint8, each pixel 255 times its share of foreground.
    """

    share: float
    border: float
    shrunk: float
    needs: int | None
    thumb: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """A mask that was read, or drawn from an annotation file.

    Attributes:
        size: Height and width in pixels, upright; of several pictures, the first that differs from the image.
        orientation: The EXIF orientation of the first picture that has one; 1 without a tag.
        transparent: Whether some pixel is not wholly opaque.
        tones: None for shapes.
        coverage: None where the levels do not tell what is foreground, or the pictures differ in size.
        likeness: Correlation of its levels with the image's, where the sizes agree; 0 otherwise.
    """

    size: Size
    orientation: int = 1
    transparent: bool = False
    tones: Tones | None = None
    coverage: Coverage | None = None
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is of no use as it is.

    Attributes:
        file: Its name within the source.
        kind: Whether it cannot be read at all, or is read but no mask of two tones.
        text: What the reader said.
    """

    file: str
    kind: Literal["unreadable", "label-map"]
    text: str


@dataclass(frozen=True, slots=True)
class Examination:
    """A pair that was looked at.

    Attributes:
        key: Its key.
        image_file: The image's name within the source.
        mask_files: Those of the mask.
        group: The patient, sequence or slide, where known.
        image: None where it cannot be read.
        mask: None where it cannot be read.
        faults: What went wrong.
    """

    key: str
    image_file: str
    mask_files: tuple[str, ...]
    group: str | None
    image: ImageFacts | None
    mask: MaskFacts | None
    faults: tuple[Fault, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Image and mask."""
        return (self.image_file, *self.mask_files)

    @property
    def fits(self) -> bool:
        """Whether image and mask were read and have one size."""
        return self.image is not None and self.mask is not None and self.image.size == self.mask.size
