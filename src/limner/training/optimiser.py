"""The optimiser, with its parameters in groups."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn
from torch.optim import Optimizer

from limner.errors import RecipeError, nearest
from limner.training.freezing import is_of_encoder

if TYPE_CHECKING:
    from limner.recipe.schema import OptimiserPart

# fastai's epsilon: at a learning rate of 1e-2, as in S2, the usual 1e-8 lets parameters with tiny gradients jump.
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "Adam": {"eps": 1e-5, "fused": True},
    "AdamW": {"eps": 1e-5, "fused": True},
    "NAdam": {"eps": 1e-5},
}
_UNUSABLE: Final = {
    "LBFGS": "evaluates the loss several times within each step",
    "SparseAdam": "takes sparse gradients only",
    "Muon": "takes matrices only, and a network of convolutions has none",
}
_KEYS_OF_THEIR_OWN: Final = {"lr": "optimiser.learning_rate", "weight_decay": "optimiser.weight_decay", "params": "the network"}


def build_optimiser(part: OptimiserPart, network: nn.Module) -> Optimizer:
    """The optimiser that a recipe names.

    Up to four groups: a pretrained encoder, if there is one, with its own learning rate, and the rest; in each, biases and
    normalisation layers without weight decay. Each group keeps its peak learning rate under `peak_lr`.

    Raises:
        RecipeError: torch.optim has no such class, or the class cannot be used here or does not take the options.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((is_of_encoder(name), parameter.ndim > 1), []).append(parameter)
    return _create(part, [_group(part, *kind, parameters) for kind, parameters in groups.items()])


def check_optimiser(part: OptimiserPart) -> Optimizer:
    """The optimiser of one lone weight: whatever is wrong with the recipe's part is told before there is a network.

    Raises:
        RecipeError: As `build_optimiser`.
    """
    return _create(part, [_group(part, False, True, [nn.Parameter(torch.zeros(1, 1))])])


def current_rate(optimiser: Optimizer) -> float:
    """The learning rate at present, which is that of everything but a pretrained encoder."""
    return float(max(group["lr"] for group in optimiser.param_groups))


def _group(part: OptimiserPart, in_encoder: bool, decays: bool, parameters: list[nn.Parameter]) -> dict[str, Any]:
    peak = part.learning_rate * (part.encoder_scale if in_encoder else 1.0)
    decay = {"weight_decay": part.weight_decay if decays else 0.0} if "weight_decay" in _arguments(_find(part.name)) else {}
    return {"params": parameters, "lr": peak, "peak_lr": peak, **decay}


def _create(part: OptimiserPart, groups: list[dict[str, Any]]) -> Optimizer:
    kind = _find(part.name)
    _check_options(part, kind)
    try:
        return kind(groups, **{**_defaults(part, kind), **part.options})
    except (TypeError, ValueError, RuntimeError) as error:
        raise RecipeError(
            f"{kind.__name__} does not take these settings: {error}",
            where="optimiser.options",
            fix=f"see torch.optim.{kind.__name__} for what it takes",
        ) from None


def _defaults(part: OptimiserPart, kind: type[Optimizer]) -> dict[str, Any]:
    """What the class is given beside the groups, unless the recipe's options say otherwise."""
    if kind is torch.optim.SGD:
        return {"momentum": part.momentum, "nesterov": part.momentum > 0}
    return _DEFAULTS.get(kind.__name__, {})


def _check_options(part: OptimiserPart, kind: type[Optimizer]) -> None:
    keys = {**_KEYS_OF_THEIR_OWN, **({"momentum": "optimiser.momentum"} if kind is torch.optim.SGD else {})}
    allowed = _arguments(kind) - set(keys)
    for name in part.options:
        if name not in allowed:
            fix = f"set {keys[name]}" if name in keys else nearest(name, allowed)
            raise RecipeError(f"'{name}' is not an option of {kind.__name__}", where=f"optimiser.options.{name}", fix=fix)
    if part.weight_decay and "weight_decay" not in _arguments(kind):
        raise RecipeError(f"{kind.__name__} has no weight decay", where="optimiser.weight_decay", fix="set it to 0, or choose adamw")


def _arguments(kind: type[Optimizer]) -> set[str]:
    return set(signature(kind).parameters)


def _find(name: str) -> type[Optimizer]:
    """The class of torch.optim of that name, in whatever case it is written."""
    classes = {key.lower(): value for key, value in vars(torch.optim).items() if isinstance(value, type) and issubclass(value, Optimizer)}
    del classes["optimizer"]  # their base
    unusable = {key.lower(): reason for key, reason in _UNUSABLE.items()}
    if reason := unusable.get(name.lower()):
        raise RecipeError(f"{classes[name.lower()].__name__} cannot train here: it {reason}", where="optimiser.name", fix="choose adamw")
    if name.lower() not in classes:
        fix = nearest(name.lower(), classes.keys() - unusable.keys())
        raise RecipeError(f"torch.optim has no optimiser named '{name}'", where="optimiser.name", fix=fix)
    return classes[name.lower()]
