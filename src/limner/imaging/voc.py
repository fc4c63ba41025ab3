"""The colour map of Pascal VOC, by which annotation tools write class maps as palette PNGs.

Bits of the index are spread over the channels from the highest bit down (VOCdevkit, VOClabelcolormap.m): 1 is (128, 0, 0), 2 is
(0, 128, 0), and 255, the border that belongs to no class, is (224, 224, 192).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BORDER: Final = 255


@cache
def colour_map() -> NDArray[np.uint8]:
    """The 256 colours.

    Example:
        >>> colour_map()[[0, 1, 2, 255]].tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0], [224, 224, 192]]
    """
    index, colours = np.arange(256), np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((index >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return colours


def is_voc(palette: NDArray[np.uint8], used: NDArray[Any]) -> bool:
    """Whether a palette is VOC's: its first three colours are, and so are all in use but the border's.

    Args:
        palette: (N, 3).
        used: The indices that occur.
    """
    inner = used[used != BORDER]
    if len(palette) < 3 or (inner.size and inner.max() >= len(palette)):
        return False
    known = colour_map()[: len(palette)]
    return bool((palette[:3] == known[:3]).all() and (palette[inner] == known[inner]).all())
