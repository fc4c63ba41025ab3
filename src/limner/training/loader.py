"""Batches from a data set that lives in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from limner.training.distributed import every_other, part_of_batch, world_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from limner.data.resident import ResidentSet

Batch = tuple["Tensor", "Tensor", "Tensor"]  # images uint8 (N, 3, H, W), masks uint8 (N, 1, H, W), which image each is of (N,)
_CPU = torch.device("cpu")
_SHARE_OF_GPU = 0.25  # of its free memory, that images may take


class ResidentLoader:
    """Iterates over batches (images uint8 (N, 3, H, W), masks uint8 (N, 1, H, W), numbers of the images (N,)) of a resident set.

    The order depends on the seed and the epoch alone, so that a resumed training sees what an uninterrupted one would have seen. Several
    processes have the same order, and each takes its part: of each batch in training, of the whole set where there is no seed.

    A GPU that trains keeps the images itself, where they take at most a quarter of its free memory; else batches are gathered in pinned
    memory, from which they are copied while it computes.

    Attributes:
        count: How many images there are.
        epoch: Says which epoch it is, when an iteration begins.

    Args:
        resident: The images and masks.
        batch_size: Images per batch, in all processes together.
        seed: Seed of the order; None keeps the order of the set and gives the last, smaller batch too. With a seed, images that do
            not fill a batch are left for another epoch: batch normalisation suffers from a batch of one or two.
        device: What trains.
    """

    def __init__(self, resident: ResidentSet, batch_size: int, *, seed: int | None = None, device: torch.device = _CPU) -> None:
        home = device if _fits(resident, device) else _CPU
        self._images, self._masks = (torch.from_numpy(values).to(home) for values in (resident.images, resident.masks))
        self._pinned = device.type == "cuda" and home == _CPU
        self._batch_size = batch_size
        self.count = len(resident.images)
        self.seed = seed
        self.epoch: Callable[[], int] = lambda: 0

    @property
    def batch_size(self) -> int:
        """Images per batch, in all processes together; where there are fewer images than were asked for, as many as can be shared."""
        whole = min(self._batch_size, self.count)
        return whole - whole % world_size()

    def __len__(self) -> int:
        if self.seed is None:
            return math.ceil(len(self._order()) / self._each())
        return self.count // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        order = self._order().to(self._images.device)
        step = self._each() if self.seed is None else self.batch_size
        for start in range(0, len(self) * step, step):
            chosen = order[start : start + step]
            yield self._batch(chosen if self.seed is None else part_of_batch(chosen))

    def _order(self) -> Tensor:
        """The numbers of all images as they come in this epoch; without a seed, of those that are this process's."""
        if self.seed is None:
            return every_other(torch.arange(self.count))
        return torch.randperm(self.count, generator=generator(self.seed, self.epoch()))

    def _each(self) -> int:
        """Images per batch of this process."""
        return max(1, self.batch_size // world_size())

    def _batch(self, chosen: Tensor) -> Batch:
        # (N, H, W, 3) seen as (N, 3, H, W) already is channels-last: nothing is copied.
        return self._rows(self._images, chosen).permute(0, 3, 1, 2), self._rows(self._masks, chosen)[:, None], chosen

    def _rows(self, values: Tensor, chosen: Tensor) -> Tensor:
        if not self._pinned:
            return values[chosen]
        rows = torch.empty((len(chosen), *values.shape[1:]), dtype=values.dtype, pin_memory=True)
        return torch.index_select(values, 0, chosen, out=rows)


def _fits(resident: ResidentSet, device: torch.device) -> bool:
    """Whether a GPU can keep the images besides training on them."""
    if device.type != "cuda":
        return False
    return resident.images.nbytes + resident.masks.nbytes <= _SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]


def generator(seed: int, *place: int) -> torch.Generator:
    """A generator for one place in a training (epoch, step), independent of what was drawn before."""
    mixed = seed
    for number in place:
        mixed = (mixed * 1_000_003 + number + 1) % 2**63
    return torch.Generator().manual_seed(mixed)
