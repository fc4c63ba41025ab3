"""What all losses do first: bring logits and target to the precision in which losses are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from limner.types import MaskArray


def working(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and target in float32, or in float64 where the logits are: the eight bits of bf16 cannot hold a sum over pixels.

    Nothing that a loss computes afterwards is among what autocast takes down to bf16 (matrix products and convolutions).

    Raises:
        ValueError: The shapes differ; broadcasting would hide it.
    """
    if logits.shape != target.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and target {tuple(target.shape)} differ in shape")
    dtype = torch.promote_types(logits.dtype, torch.float32)
    return logits.to(dtype), target.to(logits.device, dtype)


def each_mask(measure: Callable[[MaskArray], NDArray[np.float32]], target: Tensor) -> Tensor:
    """What a NumPy function says of each mask (H, W) of a target (N, 1, H, W).

    It runs on the CPU; the result (N, 1, H, W) is of the target's type and on its device.
    """
    masks = target[:, 0].cpu().numpy() >= 0.5
    return torch.from_numpy(np.stack([measure(mask) for mask in masks]))[:, None].to(target)
