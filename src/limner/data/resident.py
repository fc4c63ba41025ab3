"""A part of a data set in memory: decoded and resized once, as uint8, so that no epoch pays for it again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil

from limner.errors import DataError
from limner.imaging.resize import resize_image, resize_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from limner.data.source import Dataset, Item

_KEPT_FREE = 2**28  # bytes left to everything else


@dataclass(frozen=True)
class ResidentSet:
    """Images and masks of equal size, in memory.

    Attributes:
        keys: N keys, in the order asked for.
        images: uint8 RGB, (N, H, W, 3).
        masks: uint8 of 0 and 1, (N, H, W).
    """

    keys: tuple[str, ...]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.keys)


def load_resident(
    dataset: Dataset, keys: Iterable[str], size: tuple[int, int], *, progress: Callable[[int, int], None] | None = None
) -> ResidentSet:
    """Decode and resize the items of some keys, on all cores.

    Args:
        dataset: Where the keys are from.
        keys: Which items, in which order.
        size: Height and width in pixels to which everything is resized.
        progress: Called in this thread after each item with how many are done, and of how many.

    Raises:
        DataError: They would not fit into memory; a key is unknown; a file cannot be read; image and mask differ in size.
    """
    items = [dataset[key] for key in keys]
    _check_memory(len(items), size)
    images = np.empty((len(items), *size, 3), dtype=np.uint8)
    masks = np.empty((len(items), *size), dtype=np.uint8)

    def load(index: int, item: Item) -> None:
        sample = item.load()
        images[index] = resize_image(sample.image, size)
        masks[index] = resize_mask(sample.mask, size)

    with ThreadPoolExecutor(_cores()) as pool:
        try:
            waiting = [pool.submit(load, index, item) for index, item in enumerate(items)]
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                if progress:
                    progress(done, len(items))
        except BaseException:  # the first fault, or Ctrl-C, should not wait for the rest
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return ResidentSet(tuple(item.key for item in items), images, masks)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_memory(n: int, size: tuple[int, int]) -> None:
    needed, free = n * size[0] * size[1] * 4, psutil.virtual_memory().available
    if needed + _KEPT_FREE > free:
        raise DataError(
            f"{n} images of {size[1]}x{size[0]} need {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free",
            fix="lower data.input_size, use fewer images, or close other programs",
        )
