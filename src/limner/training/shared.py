"""Images in memory that several processes of one machine see, so that there is one copy and not one for each."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from limner.data.resident import NativeSet, ResidentSet
from limner.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Arrays = list[NDArray[np.uint8]]

_SHARED_MEMORY = Path("/dev/shm")  # on Linux
_NOTHING = np.empty(0, np.uint8)


@dataclass(frozen=True)
class SharedSet:
    """A resident or native set that can be handed to another process, which sees the same memory.

    Attributes:
        rest: The set without its pixels.
        shapes: The shape of each array, images before masks.
        pixels: All arrays, one after the other: uint8, flat, in shared memory. One piece, since each piece takes one of the file handles
            of which a process has few.
    """

    rest: ResidentSet | NativeSet
    shapes: tuple[tuple[int, ...], ...]
    pixels: Tensor

    def opened(self) -> ResidentSet | NativeSet:
        """The set; nothing is copied."""
        arrays = cut(self.pixels, self.shapes)
        if isinstance(self.rest, ResidentSet):
            return replace(self.rest, images=arrays[0], masks=arrays[1])
        half = len(arrays) // 2
        return replace(self.rest, images=tuple(arrays[:half]), masks=tuple(arrays[half:]))


def share(part: ResidentSet | NativeSet) -> SharedSet:
    """Copy a set into memory that processes share.

    Raises:
        DataError: There is too little of it.
    """
    rest: ResidentSet | NativeSet
    if isinstance(part, ResidentSet):
        arrays, rest = [part.images, part.masks], replace(part, images=_NOTHING, masks=_NOTHING)
    else:
        arrays, rest = [*part.images, *part.masks], replace(part, images=(), masks=())
    needed = sum(array.nbytes for array in arrays)
    _check_room(needed)
    shapes, pixels = tuple(array.shape for array in arrays), torch.empty(needed, dtype=torch.uint8)
    pixels.share_memory_()  # type: ignore[no-untyped-call]
    for place, array in zip(cut(pixels, shapes), arrays, strict=True):
        place[...] = array
    return SharedSet(rest, shapes, pixels)


def cut(pixels: Tensor, shapes: tuple[tuple[int, ...], ...]) -> Arrays:
    """Arrays that lie one after the other, as views."""
    pieces = torch.split(pixels, [math.prod(shape) for shape in shapes])
    return [piece.view(shape).numpy() for piece, shape in zip(pieces, shapes, strict=True)]


def _check_room(needed: int) -> None:
    """Where it is a file system of a fixed size, writing more than that ends the process without a word."""
    free = shutil.disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else needed
    if needed > free:
        raise DataError(
            f"the images need {needed / 1e9:.1f} GB of shared memory, and {free / 1e9:.1f} GB are free",
            where=_SHARED_MEMORY,
            fix="give the container more (docker run --shm-size=16g), lower data.input_size, or start the processes with torchrun",
        )
