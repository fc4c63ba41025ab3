"""The random numbers of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from limner.training.distributed import part_of_batch, world_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# What can be switched on: the fields of the recipe's part, in the order in which it has them.
GEOMETRIC = ("rotate", "zoom", "shift", "shear", "warp", "elastic")
LINEAR_COLOUR = ("brightness", "contrast", "saturation", "hue")
KINDS = ("horizontal_flip", "vertical_flip", *GEOMETRIC, *LINEAR_COLOUR, "gamma", "blur", "noise", "jpeg", "dropout", "cutmix")
_STREAMS = ("geometry", "colour", *KINDS)  # a new one goes to the end, so that the others draw what they drew


class Draws:
    """Random numbers for a batch, from one stream for each kind of change, so that no kind depends on which others are on.

    Args:
        count: How many images there are.
        generator: On the CPU; it is advanced by the same amount whatever is drawn.
        full: Whether everything happens, and at its largest, with chance deciding only on sides and places.
    """

    def __init__(self, count: int, generator: torch.Generator, *, full: bool = False) -> None:
        self.count = count
        self.full = full
        seeds: list[int] = torch.randint(2**32, (len(_STREAMS),), generator=generator).tolist()
        self._seeds = dict(zip(_STREAMS, seeds, strict=True))
        self._streams: dict[str, torch.Generator] = {}

    def stream(self, name: str) -> torch.Generator:
        """The generator of one kind of change."""
        if name not in self._streams:
            self._streams[name] = torch.Generator().manual_seed(self._seeds[name])
        return self._streams[name]

    def uniform(self, name: str, *shape: int) -> Tensor:
        """(N, *shape) numbers from 0 to 1. Of several processes, each draws for the whole batch and takes those of its own images."""
        return part_of_batch(torch.rand(self.count * world_size(), *shape, generator=self.stream(name)))

    def happens(self, name: str, chance: float) -> Tensor:
        """(N,) bool: which images a change happens to."""
        drawn = self.uniform(name)
        return torch.ones_like(drawn, dtype=torch.bool) if self.full else drawn < chance

    def upto(self, name: str, limit: float) -> Tensor:
        """(N,) strengths from 0 to a limit."""
        drawn = self.uniform(name)
        return torch.full_like(drawn, limit) if self.full else drawn * limit

    def either_way(self, name: str, limit: float, *shape: int) -> Tensor:
        """(N, *shape) strengths from -limit to limit."""
        drawn = self.uniform(name, *shape) * 2 - 1
        return torch.where(drawn < 0, -limit, limit) if self.full else drawn * limit

    def factor(self, name: str, limit: float) -> Tensor:
        """(N,) factors from 1 / (1 + limit) to 1 + limit, as often below 1 as above."""
        return (1.0 + limit) ** self.either_way(name, 1.0)


def change_some(images: Tensor, chosen: Tensor, change: Callable[..., Tensor], *values: Tensor) -> Tensor:
    """The batch with some of its images changed and the others as they are, bit for bit.

    Args:
        images: (N, C, H, W).
        chosen: (N,) bool, on the CPU.
        change: Is called with the chosen images and the values of each, on their device.
        values: Of all images, (N, ...), on the CPU.
    """
    if not chosen.any():
        return images
    if chosen.all():
        return change(images, *(value.to(images.device) for value in values))
    places = chosen.nonzero()[:, 0].to(images.device)
    return images.index_copy(0, places, change(images[places], *(value[chosen].to(images.device) for value in values)))
