"""Does the model file say what the network says? The same images through both, compared pixel by pixel."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn
from torch.nn import functional

from limner.export.exporter import inference_copy
from limner.imaging.resize import Place, fit_inside
from limner.metrics import count, dice
from limner.runtime import load
from limner.runtime.tiled import predict_tiles
from limner.types import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from limner.recipe.schema import DataPart, Recipe
    from limner.types import ImageArray, MaskArray, ProbArray

NETWORK = "the network in PyTorch"


class Parity(BaseModel):
    """How closely a model file agrees with what it was made of.

    Attributes:
        max_prob_difference: Largest difference of a pixel's probability, in [0, 1].
        mask_agreement: Share of an image's pixels whose mask is the same, in [0, 1]; that of the worst image.
        n: Number of images compared.
        mean_prob_difference: Mean difference of a pixel's probability, in [0, 1]; None in files of an older limner.
        dice_lost: 100 times the mean per-image Dice of the reference less that of the file, both at the file's threshold; a negative one is
            a gain. None where no image had a mask.
        dice_n: Number of images with a mask, of which that is.
        reference: What the file was compared with.
    """

    model_config = ConfigDict(frozen=True)

    max_prob_difference: float
    mask_agreement: float
    n: int
    mean_prob_difference: float | None = None
    dice_lost: float | None = None
    dice_n: int = 0
    reference: str = NETWORK


class Tally:
    """Adds up, image by image, how a model file and its reference agree.

    Args:
        threshold: Of the file; it is applied to the reference too.
        reference: What the file is compared with.
    """

    def __init__(self, threshold: float, reference: str) -> None:
        self._threshold, self._reference = np.float32(threshold), reference
        self._largest, self._means, self._agreements = list[float](), list[float](), list[float]()
        self._dice: list[tuple[float, float]] = []  # of the reference, of the file

    def add(self, reference: ProbArray, probs: ProbArray, mask: MaskArray, target: MaskArray | None = None) -> None:
        """One image: the reference's probabilities (H, W), the file's, its mask, and the true mask where it is known."""
        theirs, differences = reference >= self._threshold, np.abs(probs - reference)
        self._largest.append(float(differences.max()))
        self._means.append(float(differences.mean()))
        self._agreements.append(float((mask == theirs).mean()))
        if target is not None:
            self._dice.append((dice(count(theirs, target)), dice(count(mask, target))))

    def parity(self) -> Parity:
        """What was found.

        Raises:
            ValueError: There were no images.
        """
        if not self._largest:
            raise ValueError("parity needs at least one image")
        return Parity(
            max_prob_difference=max(self._largest),
            mask_agreement=min(self._agreements),
            n=len(self._largest),
            mean_prob_difference=fmean(self._means),
            dice_lost=100 * fmean(theirs - own for theirs, own in self._dice) if self._dice else None,
            dice_n=len(self._dice),
            reference=self._reference,
        )


def check_parity(network: nn.Module, recipe: Recipe, model_path: str | Path, images: Iterable[ImageArray | Sample]) -> Parity:
    """Compare a model file with the network it was exported from, at the temperature and the threshold that the file has.

    Args:
        network: (N, C, h, w) float -> logits (N, 1, h, w); it is copied, not changed.
        recipe: The one it was exported with.
        model_path: The model file. Its graph is compared; a post-processing that comes after it is left out.
        images: uint8 RGB (H, W, 3), of any sizes, at least one; or samples, whose masks tell what Dice is lost. A network that sees patches
            is compared on the middle of each.

    Raises:
        ModelFileError: The file cannot be opened.
        ValueError: There are no images.
    """
    frozen, predictor = inference_copy(network), load(model_path, provider="cpu", postprocess=False)
    tally = Tally(predictor.threshold, NETWORK)
    for whole in images:
        image, target = seen_part(whole, recipe.data.sampling, recipe.data.input_size)
        prediction = predictor.predict(image)
        reference = reference_probs(frozen, recipe, image, temperature=predictor.metadata.temperature)
        tally.add(reference, prediction.probs, prediction.mask, target)
    return tally.parity()


def seen_part(whole: ImageArray | Sample, sampling: str, tile: tuple[int, int]) -> tuple[ImageArray, MaskArray | None]:
    """What of an image is compared, and of its mask, where it has one: all, or where a model sees patches, the middle of it.

    As much as a few tiles cover; a whole slide would take long and tell no more.
    """
    image, mask = (whole.image, whole.mask) if isinstance(whole, Sample) else (whole, None)
    if sampling == "patches":
        window = tuple(_middle(side, 2 * length) for side, length in zip(image.shape[:2], tile, strict=True))
        image, mask = image[window], None if mask is None else mask[window]
    return image, mask


def _middle(side: int, length: int) -> slice:
    start = max(0, (side - length) // 2)
    return slice(start, start + length)


@torch.inference_mode()
def reference_probs(network: nn.Module, recipe: Recipe, image: ImageArray, *, temperature: float = 1.0) -> ProbArray:
    """The probabilities of one image by PyTorch alone, written without a look at the graphs in the file.

    Args:
        network: In evaluation mode, float32, on the processor.
        recipe: Its data part says how an image becomes the network's input.
        image: uint8 RGB (H, W, 3).
        temperature: What the logits are divided by.
    """
    data = recipe.data

    def run(images: ImageArray) -> ProbArray:
        pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
        size = images.shape[1], images.shape[2]
        place = fit_inside(size, data.input_size) if data.keep_aspect else Place(*data.input_size, 0, 0)
        canvas = torch.zeros(*pixels.shape[:2], *data.input_size)
        canvas[:, :, *place.window] = _resize(pixels, (place.height, place.width))
        logits = network(_normalise(_channels(canvas.double(), data), data).float())[:, :, *place.window]
        probs: ProbArray = torch.sigmoid(_resize(logits, size) / temperature)[:, 0].numpy()
        return probs

    if data.sampling == "patches":
        return predict_tiles(run, image, data.input_size)
    whole: ProbArray = run(image[None])[0]
    return whole


def _resize(batch: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if size[1] == 1 < size[0]:  # PyTorch 2.15 on the processor is wrong for columns one pixel wide, and right for such rows
        return _resize(batch.mT, (1, size[0])).mT
    return functional.interpolate(batch, list(size), mode="bilinear", antialias=True, align_corners=False)


def _channels(pixels: torch.Tensor, data: DataPart) -> torch.Tensor:
    if data.channels == "rgb":
        return pixels
    if data.channels == "green":
        return pixels[:, 1:2]
    return 0.299 * pixels[:, 0:1] + 0.587 * pixels[:, 1:2] + 0.114 * pixels[:, 2:3]


def _normalise(pixels: torch.Tensor, data: DataPart) -> torch.Tensor:
    """Of float64, so that the reference is the more exact of the two."""
    match data.normalisation:
        case "none":
            return pixels
        case "unit":
            return pixels / 255
        case "half":
            return pixels / 127.5 - 1
        case "imagenet":
            return (pixels / 255 - _numbers((0.485, 0.456, 0.406), data)) / _numbers((0.229, 0.224, 0.225), data)
        case "measured":
            return (pixels - _numbers(data.mean, data)) / _numbers(data.std, data)
        case "minmax" | "zscore":
            return torch.stack([_by_itself(image, data.normalisation) for image in pixels])


def _by_itself(image: torch.Tensor, normalisation: str) -> torch.Tensor:
    if normalisation == "minmax":
        return (image - image.min()) / max(float(image.max() - image.min()), 1.0)
    return (image - image.mean()) / max(float(image.std(correction=0)), 1.0)


def _numbers(rgb: tuple[float, float, float] | None, data: DataPart) -> torch.Tensor:
    """One number for each channel that the network sees, from those of red, green and blue."""
    if rgb is None:
        raise ValueError("the recipe's mean and standard deviation were not measured")
    return _channels(torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1), data)
