"""Deep supervision: the loss of a network that gives logits at several resolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
DeepLoss: TypeAlias = Callable[[Tensor | tuple[Tensor, ...], Tensor], Tensor]


def deep_supervision(loss: Loss) -> DeepLoss:
    """A loss that takes a tuple of logits, finest first, as well as logits alone.

    The losses are weighted 1, 1/2, 1/4 ..., from the finest on, and divided by the sum of the weights, as in nnU-Net (Isensee et al.,
    Nature Methods 2021). Coarser logits are interpolated bilinearly to the target's size, because thin vessels would vanish from a
    target that is reduced to theirs.

    Empty masks: as for the loss itself.

    Example:
        >>> from limner.losses import bce
        >>> loss, target = deep_supervision(bce), torch.ones(1, 1, 8, 8)
        >>> right, undecided = torch.full((1, 1, 8, 8), 50.0), torch.zeros(1, 1, 4, 4)
        >>> round(loss((right, undecided), target).item(), 4)  # (0 + log(2) / 2) / (1 + 1/2)
        0.231
        >>> bool(loss(right, target) == bce(right, target))
        True
    """
    return partial(_over_resolutions, loss)


def _over_resolutions(loss: Loss, logits: Tensor | tuple[Tensor, ...], target: Tensor) -> Tensor:
    if isinstance(logits, Tensor):
        return loss(logits, target)
    weights = [0.5**level for level in range(len(logits))]
    losses = [weight * loss(_at_size(level, target), target) for weight, level in zip(weights, logits, strict=True)]
    return torch.stack(losses).sum() / sum(weights)


def _at_size(logits: Tensor, target: Tensor) -> Tensor:
    if logits.shape[2:] == target.shape[2:]:
        return logits
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.interpolate(precise, size=target.shape[2:], mode="bilinear", align_corners=False)
