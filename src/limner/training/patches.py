"""Batches of patches, cut from images at their own resolution: at random places to train on, as tiles to validate on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from limner.imaging.tiles import tile_corners
from limner.training.distributed import every_other, part_of_batch, world_size
from limner.training.loader import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limner.data.resident import NativeSet
    from limner.imaging.tiles import Corner
    from limner.training.loader import Batch

    Places = list[tuple[int, Corner]]  # number of the image, and where in it

_CPU = torch.device("cpu")


class PatchLoader:
    """Iterates over batches of patches at random places.

    In an epoch each image gives as many patches as it takes to cover it once, so that a large image counts for more than a small one.
    What is drawn depends on the seed and the epoch alone. As in `ResidentLoader`, patches that do not fill a batch are left out, several
    processes draw the same and each cuts its part of each batch, and batches for a GPU are in pinned memory.

    Attributes:
        count: How many patches there are in an epoch.
        epoch: Says which epoch it is, when an iteration begins.

    Args:
        native: The images and masks.
        patch: Height and width of a patch in pixels.
        batch_size: Patches per batch, in all processes together.
        foreground: Share of the patches that are made to hold foreground, where the image has any.
        seed: Seed of order and places.
        device: What trains.
    """

    def __init__(
        self,
        native: NativeSet,
        patch: tuple[int, int],
        batch_size: int,
        *,
        foreground: float,
        seed: int,
        device: torch.device = _CPU,
    ) -> None:
        self.native = native
        self.patch = patch
        self.foreground = foreground
        self.seed = seed
        self.epoch: Callable[[], int] = lambda: 0
        self._cases = np.repeat(np.arange(len(native)), [len(_tiles(image, patch)) for image in native.images])
        self._objects = [np.flatnonzero(mask).astype(np.uint32) for mask in native.masks]
        self.count = len(self._cases)
        self._batch_size = batch_size
        self._pinned = device.type == "cuda"

    @property
    def batch_size(self) -> int:
        """Patches per batch, in all processes together; where there are fewer than were asked for, as many as can be shared."""
        whole = min(self._batch_size, self.count)
        return whole - whole % world_size()

    def __len__(self) -> int:
        return self.count // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        random = np.random.default_rng(generator(self.seed, self.epoch()).initial_seed())
        order = random.permutation(self._cases)
        for batch in range(len(self)):
            cases = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            places = [(case, self._corner(case, random)) for case in cases.tolist()]
            yield _batch(self.native, part_of_batch(places), self.patch, pinned=self._pinned)

    def _corner(self, case: int, random: np.random.Generator) -> Corner:
        """A random place, or one that holds a random pixel of the foreground somewhere."""
        height, width = self.native.masks[case].shape
        objects = self._objects[case]
        free = (height - self.patch[0], width - self.patch[1])
        aimed = random.random() < self.foreground and len(objects) > 0
        if not aimed:
            return int(random.integers(free[0] + 1)), int(random.integers(free[1] + 1))
        centre = divmod(int(objects[random.integers(len(objects))]), width)
        offset = random.integers(self.patch)
        row, column = (int(np.clip(c - o, 0, f)) for c, o, f in zip(centre, offset, free, strict=True))
        return row, column


class TileLoader:
    """Iterates over batches of tiles that cover each image, in order; of several processes, each has its share of the tiles.

    Attributes:
        count: How many tiles there are.

    Args:
        native: The images and masks.
        tile: Height and width of a tile in pixels.
        batch_size: Tiles per batch, in all processes together.
        device: What looks at them.
    """

    def __init__(self, native: NativeSet, tile: tuple[int, int], batch_size: int, *, device: torch.device = _CPU) -> None:
        self.native = native
        self.tile = tile
        self._batch_size = batch_size
        self._pinned = device.type == "cuda"
        self._all: Places = [(case, corner) for case, image in enumerate(native.images) for corner in _tiles(image, tile)]
        self.count = len(self._all)

    @property
    def batch_size(self) -> int:
        """Tiles per batch of this process."""
        return max(1, self._batch_size // world_size())

    def __len__(self) -> int:
        return math.ceil(len(every_other(self._all)) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        places = every_other(self._all)
        for start in range(0, len(places), self.batch_size):
            yield _batch(self.native, places[start : start + self.batch_size], self.tile, pinned=self._pinned)


def _tiles(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tile: tuple[int, int]) -> list[Corner]:
    return tile_corners((image.shape[0], image.shape[1]), tile, (0, 0))


def _batch(native: NativeSet, places: Places, size: tuple[int, int], *, pinned: bool) -> Batch:
    """Copies of the patches at some places; as in `ResidentLoader`, images lie channels-last."""
    windows = [(case, np.s_[row : row + size[0], column : column + size[1]]) for case, (row, column) in places]
    images, masks = (
        torch.from_numpy(np.stack([values[case][window] for case, window in windows])) for values in (native.images, native.masks)
    )
    if pinned:
        images, masks = images.pin_memory(), masks.pin_memory()
    return images.permute(0, 3, 1, 2), masks[:, None], torch.tensor([case for case, _ in places])
