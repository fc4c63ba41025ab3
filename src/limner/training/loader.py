"""Batches from a data set that lives in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from limner.data.resident import ResidentSet

Batch = tuple["Tensor", "Tensor", "Tensor"]  # images uint8 (N, 3, H, W), masks uint8 (N, 1, H, W), which image each is of (N,)


class ResidentLoader:
    """Iterates over batches (images uint8 (N, 3, H, W), masks uint8 (N, 1, H, W), numbers of the images (N,)) of a resident set.

    The order depends on the seed and the epoch alone, so that a resumed training sees what an uninterrupted one would have seen.

    Attributes:
        epoch: Says which epoch it is, when an iteration begins.

    Args:
        resident: The images and masks.
        batch_size: Images per batch.
        seed: Seed of the order; None keeps the order of the set and gives the last, smaller batch too. With a seed, images that do
            not fill a batch are left for another epoch: batch normalisation suffers from a batch of one or two.
    """

    def __init__(self, resident: ResidentSet, batch_size: int, *, seed: int | None = None) -> None:
        # (N, H, W, 3) seen as (N, 3, H, W) already is channels-last: nothing is copied.
        self.images = torch.from_numpy(resident.images).permute(0, 3, 1, 2)
        self.masks = torch.from_numpy(resident.masks)[:, None]
        self.batch_size = min(batch_size, len(self.images))
        self.seed = seed
        self.epoch: Callable[[], int] = lambda: 0

    def __len__(self) -> int:
        full, rest = divmod(len(self.images), self.batch_size)
        return full + bool(rest and self.seed is None)

    def __iter__(self) -> Iterator[Batch]:
        order = self._order()
        for batch in range(len(self)):
            chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield self.images[chosen], self.masks[chosen], chosen

    def _order(self) -> Tensor:
        if self.seed is None:
            return torch.arange(len(self.images))
        return torch.randperm(len(self.images), generator=generator(self.seed, self.epoch()))


def generator(seed: int, *place: int) -> torch.Generator:
    """A generator for one place in a training (epoch, step), independent of what was drawn before."""
    mixed = seed
    for number in place:
        mixed = (mixed * 1_000_003 + number + 1) % 2**63
    return torch.Generator().manual_seed(mixed)
