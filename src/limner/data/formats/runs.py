"""Run lengths as COCO writes them: down the columns, ground first, as a list of numbers or packed into a string.

The packing is that of the COCO API: each run is given as its difference from the one before the last (from the fourth on), in groups of
five bits, the lowest first, with a bit that says whether more follow, 48 added. Runs are unpacked here rather than handed to pycocotools,
whose C code trusts them, and whose arrays make NumPy 2 warn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.data.formats.entries import Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.types import MaskArray

_LONGEST = 7  # groups of five bits in one number: more than any size needs


def unpack_runs(packed: str) -> NDArray[np.int64]:
    """The runs in a string.

    Raises:
        Unusable: It holds what no packing makes.

    Example:
        >>> unpack_runs("231")
        array([2, 3, 1])
    """
    codes = np.frombuffer(packed.encode("utf-8"), dtype=np.uint8).astype(np.int64) - 48
    if not codes.size:
        return codes
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise Unusable("its run lengths are damaged: they hold signs that COCO's packing does not use, or are cut short")
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _LONGEST:
        raise Unusable("its run lengths are damaged: one of them is larger than any image")
    order = np.arange(codes.size) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 31) << (5 * order), starts)
    numbers -= np.where(codes[ends] & 16, 1 << (5 * lengths), 0)
    for first in (1, 2):
        numbers[first::2] = np.cumsum(numbers[first::2])
    return numbers


def fill_runs(runs: NDArray[np.int64], size: tuple[int, int]) -> tuple[slice, MaskArray]:
    """The columns that hold the object, and the mask there: bool, (H, columns).

    Raises:
        Unusable: The runs do not make up an image of this size.
    """
    height, width = size
    pixels = height * width
    # each by itself first: a sum of many large ones could overflow
    if (runs.size and (runs.min() < 0 or runs.max() > pixels)) or runs.size > 2 * pixels + 2 or runs.sum() != pixels:
        raise Unusable(f"its run lengths do not add up to the {pixels} pixels of an image of {width}x{height}")
    ends = np.cumsum(runs)
    inside = runs[1::2] > 0
    if not inside.any():
        return slice(0, 0), np.zeros((height, 0), dtype=np.bool_)
    first, last = ends[0::2][: inside.size][inside], ends[1::2][inside]
    left, right = int(first[0] // height), int(-(-last[-1] // height))
    bounds = np.stack([first, last], axis=1).ravel() - left * height
    lengths = np.diff(bounds, prepend=0, append=(right - left) * height)
    values = np.arange(lengths.size) % 2 == 1
    return slice(left, right), np.repeat(values, lengths).reshape(right - left, height).T
