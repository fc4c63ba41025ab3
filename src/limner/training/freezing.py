"""Which part of a network is a pretrained encoder, and leaving it as it is for the first share of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import RecipeError

if TYPE_CHECKING:
    from torch import nn

    from limner.recipe import Recipe

_ENCODERS = {"encoder", "encoders"}  # what the networks call theirs


def is_of_encoder(name: str) -> bool:
    """Whether the parameter of that name belongs to a pretrained encoder.

    Example:
        >>> is_of_encoder("encoder.conv1.weight"), is_of_encoder("encoders.0.conv1.weight"), is_of_encoder("decoder.0.weight")
        (True, True, False)
    """
    return not _ENCODERS.isdisjoint(name.split("."))


def needs_unused_search(recipe: Recipe) -> bool:
    """Whether some parameters have no gradient in some steps, which DDP must be told of."""
    return recipe.optimiser.freeze_encoder > 0


def check_encoder(recipe: Recipe) -> None:
    """Make sure that there is an encoder where it is to be frozen.

    Raises:
        RecipeError: There is none.
    """
    if recipe.optimiser.freeze_encoder and not hasattr(recipe.network, "encoder_weights"):
        raise _nothing_to_freeze(recipe.network.name)


class EncoderFreeze:
    """Keeps a network's encoder as it is while progress is less than `share`: no gradients, and no statistics of batches either.

    Attributes:
        share: Share of the training, in [0, 1); 0 does nothing.

    Raises:
        RecipeError: The network has no encoder.
    """

    def __init__(self, network: nn.Module, share: float) -> None:
        self.share = share
        self._encoders = [module for name, module in network.named_modules() if name.rpartition(".")[2] in _ENCODERS]
        if share and not self._encoders:
            raise _nothing_to_freeze(type(network).__name__)

    def apply(self, progress: float) -> None:
        """Freeze or thaw. Before each step, since whoever switches the whole network to training switches its encoder too."""
        trained = progress >= self.share
        for encoder in self._encoders if self.share else []:
            if encoder.training != trained:
                encoder.train(trained).requires_grad_(trained)


def _nothing_to_freeze(network: str) -> RecipeError:
    return RecipeError(
        f"the network {network} has no pretrained encoder that could be left as it is",
        where="optimiser.freeze_encoder",
        fix="set it to 0, or choose a network with an encoder, for example network=unet-resnet34",
    )
