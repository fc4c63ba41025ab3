"""The optimiser, with its parameters in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import nn

    from limner.recipe.schema import OptimiserPart


def build_optimiser(part: OptimiserPart, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser that a recipe names.

    Up to four groups: the encoder (`network.encoder`, if there is one) with its own learning rate, and the rest; in each, biases and
    normalisation layers without weight decay. Each group keeps its peak learning rate under `peak_lr`.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    options: list[dict[str, Any]] = []
    for (in_encoder, decays), parameters in groups.items():
        peak = part.learning_rate * (part.encoder_scale if in_encoder else 1.0)
        options.append({"params": parameters, "lr": peak, "peak_lr": peak, "weight_decay": part.weight_decay if decays else 0.0})
    if part.name == "sgd":
        return torch.optim.SGD(options, momentum=0.9, nesterov=True)
    # fastai's epsilon: at S2's learning rate of 1e-2 the usual 1e-8 lets parameters with tiny gradients jump.
    kind = torch.optim.AdamW if part.name == "adamw" else torch.optim.Adam
    return kind(options, eps=1e-5, fused=True)
