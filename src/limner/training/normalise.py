"""From grey levels to what the network is fed. The model file does the same in its graph (`limner.export.stages`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from limner.recipe.normalisation import CHANNEL_WEIGHTS, LEAST_SPREAD, mean_std

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from limner.data.resident import NativeSet, ResidentSet
    from limner.recipe.schema import DataPart, Recipe
    from limner.types import ImageArray

_WHOLE_IMAGE = (1, 2, 3)
_BAND = 2**20  # pixels that are looked at at a time
_DECIMALS = 4  # of a grey level, in the recipe


class Normaliser(nn.Module):
    """The recipe's channels and normalisation: from (N, 3, H, W) float in grey levels, 0 to 255, to (N, `in_channels`, H, W).

    Args:
        data: The recipe's data part.

    Raises:
        RecipeError: With `normalisation=measured`, nothing was measured yet (see `measured`).

    Example:
        >>> from limner.recipe.schema import DataPart
        >>> image = torch.tensor([10.0, 20.0, 110.0]).view(1, 3, 1, 1)
        >>> Normaliser(DataPart(normalisation="minmax"))(image).flatten().tolist()
        [0.0, 0.10000000149011612, 1.0]
    """

    weights: Tensor | None
    mean: Tensor
    std: Tensor

    def __init__(self, data: DataPart) -> None:
        super().__init__()
        self.method = data.normalisation
        weights = None if data.channels == "rgb" else _per_channel(CHANNEL_WEIGHTS[data.channels][0])
        self.register_buffer("weights", weights, persistent=False)
        if self.method not in {"minmax", "zscore"}:
            for name, values in zip(("mean", "std"), mean_std(data), strict=True):
                self.register_buffer(name, _per_channel(values), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Reduce to the channels that the network sees, and normalise."""
        seen = images if self.weights is None else (images * self.weights).sum(dim=1, keepdim=True)
        if self.method == "minmax":
            return _minmax(seen)
        if self.method == "zscore":
            return _zscore(seen)
        return (seen - self.mean) / self.std


def measured(recipe: Recipe, train: ResidentSet | NativeSet) -> Recipe:
    """The recipe with what `normalisation=measured` asks to be measured on the training part, filled in.

    Mean and standard deviation are over all pixels of all images as they are before augmentation, without black bars. Where the network
    sees one channel, all three numbers are that channel's. The deviation is one grey level at least. The same images give the same
    numbers to the last digit, in whatever order.
    """
    data = recipe.data
    if data.normalisation != "measured" or data.mean is not None:
        return recipe
    mean, std = _mean_std(train.contents(), np.array(CHANNEL_WEIGHTS[data.channels]))
    found = {"mean": _three(mean), "std": _three(np.maximum(std, LEAST_SPREAD))}
    return recipe.model_copy(update={"data": data.model_copy(update=found)})


def _per_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, len(values), 1, 1)


def _minmax(images: Tensor) -> Tensor:
    darkest, brightest = (extreme(images, dim=_WHOLE_IMAGE, keepdim=True) for extreme in (torch.amin, torch.amax))
    return (images - darkest) / (brightest - darkest).clamp_min(LEAST_SPREAD)


def _zscore(images: Tensor) -> Tensor:
    centred = images - images.mean(dim=_WHOLE_IMAGE, keepdim=True)
    return centred / centred.square().mean(dim=_WHOLE_IMAGE, keepdim=True).sqrt().clamp_min(LEAST_SPREAD)


def _mean_std(images: Iterable[ImageArray], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of weighted sums of red, green and blue; weights (C, 3).

    They follow from the sums of the colours and of their products, which are whole numbers that float64 holds exactly.
    """
    count, sums, products = 0, np.zeros(3), np.zeros((3, 3))
    for pixels in _bands(images):
        count += len(pixels)
        sums += pixels.sum(axis=0)
        products += pixels.T @ pixels
    mean = weights @ sums / count
    variance = np.einsum("ci,ij,cj->c", weights, products / count, weights) - mean**2
    return mean, np.sqrt(np.maximum(variance, 0))


def _bands(images: Iterable[ImageArray]) -> Iterator[NDArray[np.float64]]:
    """The pixels of images (H, W, 3) as (n, 3), some rows at a time: as float64 a whole slide would not fit into memory."""
    for image in images:
        step = max(1, _BAND // image.shape[1])
        for start in range(0, len(image), step):
            yield image[start : start + step].reshape(-1, 3).astype(np.float64)


def _three(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), _DECIMALS) for value in np.broadcast_to(values, 3))
