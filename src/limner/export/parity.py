"""Does the model file say what the network says? The same images through both, compared pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn
from torch.nn import functional

from limner.export.exporter import inference_copy
from limner.runtime import load
from limner.runtime.tiled import predict_tiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from limner.recipe.schema import Recipe
    from limner.types import ImageArray, ProbArray


class Parity(BaseModel):
    """How closely a model file agrees with its network.

    Attributes:
        max_prob_difference: Largest difference of a pixel's probability, in [0, 1].
        mask_agreement: Share of an image's pixels whose mask is the same, in [0, 1]; that of the worst image.
        n: Number of images compared.
    """

    model_config = ConfigDict(frozen=True)

    max_prob_difference: float
    mask_agreement: float
    n: int


def check_parity(network: nn.Module, recipe: Recipe, model_path: str | Path, images: Iterable[ImageArray]) -> Parity:
    """Compare a model file with the network it was exported from.

    Args:
        network: (N, 3, h, w) float -> logits (N, 1, h, w); it is copied, not changed.
        recipe: The one it was exported with.
        model_path: The model file.
        images: uint8 RGB (H, W, 3), of any sizes; at least one. A network that sees patches is compared on a corner of each.

    Raises:
        ModelFileError: The file cannot be opened.
        ValueError: There are no images.
    """
    frozen, predictor = inference_copy(network), load(model_path)
    differences, agreements = [], []
    for whole in images:
        image = _corner(whole, recipe.data.input_size) if recipe.data.sampling == "patches" else whole
        prediction, reference = predictor.predict(image), reference_probs(frozen, recipe, image)
        differences.append(float(np.abs(prediction.probs - reference).max()))
        agreements.append(float((prediction.mask == (reference >= np.float32(predictor.threshold))).mean()))
    if not differences:
        raise ValueError("parity needs at least one image")
    return Parity(max_prob_difference=max(differences), mask_agreement=min(agreements), n=len(differences))


@torch.inference_mode()
def reference_probs(network: nn.Module, recipe: Recipe, image: ImageArray) -> ProbArray:
    """The probabilities of one image by PyTorch alone, written without a look at the graphs in the file.

    Args:
        network: In evaluation mode, float32, on the processor.
        recipe: Says the input size and the normalisation.
        image: uint8 RGB (H, W, 3).
    """

    def run(images: ImageArray) -> ProbArray:
        pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
        logits = network(_normalise(_resize(pixels, recipe.data.input_size), recipe.data.normalisation))
        probs: ProbArray = torch.sigmoid(_resize(logits, images.shape[1:3]))[:, 0].numpy()
        return probs

    if recipe.data.sampling == "patches":
        return predict_tiles(run, image, recipe.data.input_size)
    whole: ProbArray = run(image[None])[0]
    return whole


def _corner(image: ImageArray, tile: tuple[int, int]) -> ImageArray:
    """As much as a few tiles cover; a whole slide would take long and tell no more."""
    return image[: 2 * tile[0], : 2 * tile[1]]


def _resize(batch: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    return functional.interpolate(batch, list(size), mode="bilinear", antialias=True, align_corners=False)


def _normalise(pixels: torch.Tensor, normalisation: str) -> torch.Tensor:
    if normalisation == "none":
        return pixels
    unit = pixels / 255
    if normalisation == "unit":
        return unit
    if normalisation == "half":
        return (unit - 0.5) / 0.5
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return (unit - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
