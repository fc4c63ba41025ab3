"""A part of a data set in memory: decoded once, as uint8, so that no epoch pays for it again; resized, or at its own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil

from limner.cores import on_all_cores
from limner.errors import DataError
from limner.imaging.resize import Place, fit_inside, resize_image, resize_mask
from limner.imaging.tiles import mirrored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from limner.data.items import Dataset
    from limner.types import ImageArray

_KEPT_FREE = 2**28  # bytes left to everything else


@dataclass(frozen=True)
class ResidentSet:
    """Images and masks of equal size, in memory.

    Attributes:
        keys: N keys, in the order asked for.
        images: uint8 RGB, (N, H, W, 3).
        masks: uint8 of 0 and 1, (N, H, W).
        places: Where each image lies, if its aspect ratio was kept; what is around it is black, and background. None: each fills all.
    """

    keys: tuple[str, ...]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    places: tuple[Place, ...] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def contents(self) -> Iterator[ImageArray]:
        """The images without what is black around them, as views."""
        if self.places is None:
            yield from self.images
        else:
            yield from (image[place.window] for image, place in zip(self.images, self.places, strict=True))


@dataclass(frozen=True)
class NativeSet:
    """Images and masks at their own resolutions, in memory; what is smaller than a patch is mirrored to its size.

    Attributes:
        keys: N keys, in the order asked for.
        images: N arrays, uint8 RGB, (H, W, 3).
        masks: N arrays, uint8 of 0 and 1, (H, W).
    """

    keys: tuple[str, ...]
    images: tuple[NDArray[np.uint8], ...]
    masks: tuple[NDArray[np.uint8], ...]

    def __len__(self) -> int:
        return len(self.keys)

    def contents(self) -> Iterator[ImageArray]:
        """The images."""
        yield from self.images


def load_native(
    dataset: Dataset, keys: Iterable[str], least: tuple[int, int], *, progress: Callable[[int, int], None] | None = None
) -> NativeSet:
    """Decode the items of some keys, on all cores, without resizing.

    Args:
        dataset: Where the keys are from.
        keys: Which items, in which order.
        least: Height and width of a patch.
        progress: As for `load_resident`.

    Raises:
        DataError: They do not fit into memory; a key is unknown; a file cannot be read; image and mask differ in size.
    """
    items = [dataset[key] for key in keys]
    pairs: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def load(index: int) -> None:
        sample = items[index].load()
        _check_memory(f"the images at their own resolution ({len(pairs)} of {len(items)} are read)", sample.image.nbytes)
        mask = mirrored(sample.mask[..., None].astype(np.uint8), (0, 0), least)[..., 0]
        pairs[index] = mirrored(sample.image, (0, 0), least), mask

    on_all_cores(load, range(len(items)), progress=progress)
    found = [pairs[index] for index in range(len(items))]
    return NativeSet(tuple(item.key for item in items), tuple(image for image, _ in found), tuple(mask for _, mask in found))


def load_resident(
    dataset: Dataset,
    keys: Iterable[str],
    size: tuple[int, int],
    *,
    keep_aspect: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ResidentSet:
    """Decode and resize the items of some keys, on all cores.

    Args:
        dataset: Where the keys are from.
        keys: Which items, in which order.
        size: Height and width in pixels to which everything is resized.
        keep_aspect: Whether each is resized to what fits inside, and centred on black (see `fit_inside`), rather than stretched.
        progress: Called in this thread after each item with how many are done, and of how many.

    Raises:
        DataError: They would not fit into memory; a key is unknown; a file cannot be read; image and mask differ in size.
    """
    items = [dataset[key] for key in keys]
    _check_memory(f"{len(items)} images of {size[1]}x{size[0]}", len(items) * size[0] * size[1] * 4)
    images = np.zeros((len(items), *size, 3), dtype=np.uint8)
    masks = np.zeros((len(items), *size), dtype=np.uint8)

    def load(index: int) -> Place:
        sample = items[index].load()
        place = fit_inside(sample.mask.shape, size) if keep_aspect else Place(*size, 0, 0)
        images[index][place.window] = resize_image(sample.image, (place.height, place.width))
        masks[index][place.window] = resize_mask(sample.mask, (place.height, place.width))
        return place

    places = on_all_cores(load, range(len(items)), progress=progress)
    return ResidentSet(tuple(item.key for item in items), images, masks, tuple(places) if keep_aspect else None)


def _check_memory(what: str, needed: int) -> None:
    free = psutil.virtual_memory().available
    if needed + _KEPT_FREE > free:
        raise DataError(
            f"{what} need {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free",
            fix="lower data.input_size (with data.sampling=resize), use fewer images, or close other programs",
        )
