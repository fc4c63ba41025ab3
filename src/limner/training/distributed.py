"""Several processes that train one network: who this one is, what its part is, and what they tell each other.

Alone, a process is number 0 of 1, has everything, and nothing is said. The processes know of each other from the moment at which Lightning
connects them, so what is asked here may change when training begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

Sliced = TypeVar("Sliced", "Tensor", list[Any])


def rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if _connected() else 0


def world_size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if _connected() else 1


def part_of_batch(batch: Sliced) -> Sliced:
    """This process's part of a batch, whose length is a multiple of `world_size()`: as many images as each of the others has."""
    each = len(batch) // world_size()
    return batch[rank() * each : (rank() + 1) * each]


def every_other(values: Sliced) -> Sliced:
    """This process's part of a list that is shared by all, each value once; some processes may have one more than others."""
    return values[rank() :: world_size()]


def gathered(values: Tensor) -> Tensor:
    """The values (..., N) of all processes, one after the other along the last axis; each may have another N."""
    if world_size() == 1:
        return values
    device, here = values.device, values.to(_talking_device())
    lengths = [torch.zeros(1, dtype=torch.long, device=here.device) for _ in range(world_size())]
    distributed.all_gather(lengths, torch.tensor([here.shape[-1]], device=here.device))
    longest = max(int(length) for length in lengths)
    padded = torch.nn.functional.pad(here, (0, longest - here.shape[-1])).contiguous()
    found = [torch.empty_like(padded) for _ in lengths]
    distributed.all_gather(found, padded)
    return torch.cat([part[..., : int(length)] for part, length in zip(found, lengths, strict=True)], dim=-1).to(device)


def agreed(value: float) -> float:
    """The value of process 0, in all processes."""
    if world_size() == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64, device=_talking_device())
    distributed.broadcast(told, src=0)
    return float(told)


def average(tensors: Iterable[Tensor]) -> None:
    """Replace floating-point tensors by their mean over all processes, in place."""
    if world_size() == 1:
        return
    for tensor in tensors:
        if tensor.is_floating_point():
            distributed.all_reduce(tensor)
            tensor.div_(world_size())


def _connected() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _talking_device() -> torch.device:
    """Where a tensor must be to be sent."""
    return torch.device("cuda", torch.cuda.current_device()) if distributed.get_backend() == "nccl" else torch.device("cpu")
