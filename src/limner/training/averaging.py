"""The moving average of a network's weights, which often is a better network than the last weights are."""

from __future__ import annotations

from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

if TYPE_CHECKING:
    from torch import Tensor


class AveragedNetwork(nn.Module):
    """Exponential moving average of a network's weights and of its batch statistics (Polyak and Juditsky 1992).

    PyTorch's AveragedModel does the same, but asks the device for its count of updates in every step, and waits for the answer.

    Attributes:
        network: The average, a network of its own that is never trained.
        decay: Weight of the average against the newest weights, in (0, 1). The first updates have less, (1 + n) / (10 + n), so that a
            short training is not held to its initial weights.
        updates: How many there were.

    Args:
        network: What is averaged; its present weights are where the average begins.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.network = deepcopy(network).requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the newest weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        average, newest = _tensors(self.network), _tensors(network)
        floating = [value.is_floating_point() for value in average]
        take_in = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        take_in(_where(floating, average), _where(floating, newest), self.updates)
        for mine, theirs, floats in zip(average, newest, floating, strict=True):
            if not floats:  # a count of batches, which has no average
                mine.copy_(theirs)
        self.updates += 1

    def get_extra_state(self) -> dict[str, Any]:
        """The count goes into checkpoints with the weights."""
        return {"updates": self.updates}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.updates = state["updates"]


def _tensors(network: nn.Module) -> list[Tensor]:
    return [value.detach() for value in chain(network.parameters(), network.buffers())]


def _where(chosen: list[bool], values: list[Tensor]) -> list[Tensor]:
    return [value for value, wanted in zip(values, chosen, strict=True) if wanted]
