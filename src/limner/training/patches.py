"""Batches of patches, cut from images at their own resolution: at random places to train on, as tiles to validate on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from limner.imaging.tiles import tile_corners
from limner.training.loader import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limner.data.resident import NativeSet
    from limner.imaging.tiles import Corner
    from limner.training.loader import Batch


class PatchLoader:
    """Iterates over batches of patches at random places.

    In an epoch each image gives as many patches as it takes to cover it once, so that a large image counts for more than a small one.
    What is drawn depends on the seed and the epoch alone. As in `ResidentLoader`, patches that do not fill a batch are left out.

    Attributes:
        epoch: Says which epoch it is, when an iteration begins.

    Args:
        native: The images and masks.
        patch: Height and width of a patch in pixels.
        batch_size: Patches per batch.
        foreground: Share of the patches that are made to hold foreground, where the image has any.
        seed: Seed of order and places.
    """

    def __init__(self, native: NativeSet, patch: tuple[int, int], batch_size: int, *, foreground: float, seed: int) -> None:
        self.native = native
        self.patch = patch
        self.foreground = foreground
        self.seed = seed
        self.epoch: Callable[[], int] = lambda: 0
        self._cases = np.repeat(np.arange(len(native)), [len(_tiles(image, patch)) for image in native.images])
        self._objects = [np.flatnonzero(mask).astype(np.uint32) for mask in native.masks]
        self.batch_size = min(batch_size, len(self._cases))

    def __len__(self) -> int:
        return len(self._cases) // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        random = np.random.default_rng(generator(self.seed, self.epoch()).initial_seed())
        order = random.permutation(self._cases)
        for batch in range(len(self)):
            cases = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield _batch(self.native, [(case, self._corner(case, random)) for case in cases.tolist()], self.patch)

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
    """Iterates over batches of tiles that cover each image, in order.

    Args:
        native: The images and masks.
        tile: Height and width of a tile in pixels.
        batch_size: Tiles per batch.
    """

    def __init__(self, native: NativeSet, tile: tuple[int, int], batch_size: int) -> None:
        self.native = native
        self.tile = tile
        self.batch_size = batch_size
        self._places = [(case, corner) for case, image in enumerate(native.images) for corner in _tiles(image, tile)]

    def __len__(self) -> int:
        return math.ceil(len(self._places) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for batch in range(len(self)):
            yield _batch(self.native, self._places[batch * self.batch_size : (batch + 1) * self.batch_size], self.tile)


def _tiles(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tile: tuple[int, int]) -> list[Corner]:
    return tile_corners((image.shape[0], image.shape[1]), tile, (0, 0))


def _batch(native: NativeSet, places: list[tuple[int, Corner]], size: tuple[int, int]) -> Batch:
    """Copies of the patches at some places; as in `ResidentLoader`, images lie channels-last."""
    windows = [(case, np.s_[row : row + size[0], column : column + size[1]]) for case, (row, column) in places]
    images = torch.from_numpy(np.stack([native.images[case][window] for case, window in windows])).permute(0, 3, 1, 2)
    masks = torch.from_numpy(np.stack([native.masks[case][window] for case, window in windows]))[:, None]
    return images, masks, torch.tensor([case for case, _ in places])
