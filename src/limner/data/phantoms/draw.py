"""One phantom from a style, a seed and a size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from limner.data.phantoms.nuclei import draw_nuclei
from limner.data.phantoms.polyps import draw_polyps
from limner.data.phantoms.vessels import draw_vessels
from limner.errors import DataError, nearest
from limner.types import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import ImageArray, MaskArray

Style: TypeAlias = Literal["polyp", "nuclei", "vessel"]
STYLES: tuple[Style, ...] = get_args(Style)
SMALLEST = 32


def phantom(style: Style, seed: int, size: tuple[int, int] = (128, 128)) -> Sample:
    """Draw one phantom: the same arguments always give the same sample.

    The scene depends on the style, the seed and the proportions of `size`: at twice the size it is the same scene, finer.

    Args:
        style: `polyp` (colonoscopy), `nuclei` (fluorescence, stained tissue or bright field) or `vessel` (fundus).
        seed: Any whole number from 0.
        size: Height and width in pixels, each at least 32.

    Returns:
        The image (H, W, 3), its mask (H, W), never empty, and as key the style and the seed.

    Raises:
        DataError: The style is unknown, the seed negative or the size too small.

    Example:
        >>> sample = phantom("polyp", seed=3, size=(64, 96))
        >>> sample.key, sample.image.shape, sample.mask.dtype
        ('polyp-0003', (64, 96, 3), dtype('bool'))
    """
    image, mask = _draw(style, _generator(style, seed, size), size)
    return Sample(f"{style}-{seed:04d}", image, mask)


def instances(seed: int, size: tuple[int, int] = (128, 128)) -> NDArray[np.int32]:
    """The instance labels (H, W) of the nuclei in `phantom("nuclei", seed, size)`; 0 is background.

    Labels are those of the nuclei drawn, so one that lies outside the picture leaves a gap in the numbering.

    Raises:
        DataError: The seed is negative or the size too small.

    Example:
        >>> bool(((instances(5) > 0) == phantom("nuclei", 5).mask).all())
        True
    """
    return draw_nuclei(_generator("nuclei", seed, size), size)[2]


def _generator(style: Style, seed: int, size: tuple[int, int]) -> np.random.Generator:
    """The random numbers of one phantom; styles do not share theirs."""
    if style not in STYLES:
        raise DataError(f"there is no phantom style '{style}'", fix=nearest(style, STYLES))
    if seed < 0:
        raise DataError("the seed of a phantom cannot be negative", where=f"seed {seed}", fix="give a whole number from 0")
    if min(size) < SMALLEST:
        raise DataError("the phantom would be too small", where=f"size {size}", fix=f"make each side at least {SMALLEST} pixels")
    return np.random.default_rng([STYLES.index(style), seed])


def _draw(style: Style, rng: np.random.Generator, size: tuple[int, int]) -> tuple[ImageArray, MaskArray]:
    if style == "polyp":
        return draw_polyps(rng, size)
    if style == "nuclei":
        return draw_nuclei(rng, size)[:2]
    return draw_vessels(rng, size)
