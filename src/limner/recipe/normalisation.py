"""Channels and normalisation: the numbers that training, the model file and its check share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limner.errors import RecipeError

if TYPE_CHECKING:
    from limner.recipe.schema import DataPart

Triple = tuple[float, float, float]

# Mean and standard deviation per channel in grey levels (0 to 255); the network sees (image - mean) / std. ImageNet's are torchvision's.
MEAN_STD: Final[dict[str, tuple[Triple, Triple]]] = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "unit": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "half": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}

# A row for each channel that the network sees: the weights of red, green and blue in it. Grey is the luma of ITU-R BT.601.
CHANNEL_WEIGHTS: Final[dict[str, tuple[Triple, ...]]] = {
    "rgb": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "grey": ((0.299, 0.587, 0.114),),
    "green": ((0.0, 1.0, 0.0),),
}

# In grey levels. A measured range or deviation that is smaller counts as this: what is flat stays flat, and its noise is not blown up.
LEAST_SPREAD: Final = 1.0


def mean_std(data: DataPart) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation in grey levels of each channel that the network sees, where they are the same for all images.

    One channel has the mean and deviation of red, green and blue, weighted as the channel itself is.

    Raises:
        RecipeError: They are to be measured on the training part, and have not been.

    Example:
        >>> from limner.recipe.schema import DataPart
        >>> mean_std(DataPart(normalisation="imagenet", channels="green"))
        ((116.28,), (57.12,))
    """
    if data.normalisation != "measured":
        means, stds = MEAN_STD[data.normalisation]
    elif data.mean is None or data.std is None:
        fix = "train with this recipe, which fills them in, or set data.mean and data.std"
        raise RecipeError("normalisation=measured has no mean and standard deviation yet", where="data.mean", fix=fix)
    else:
        means, stds = data.mean, data.std
    weights = CHANNEL_WEIGHTS[data.channels]
    return tuple(_weighted(means, row) for row in weights), tuple(_weighted(stds, row) for row in weights)


def _weighted(values: Triple, weights: Triple) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))
