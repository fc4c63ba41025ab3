"""Scores of each image of a batch while training, by the same rules as `limner.metrics`, on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def count_pixels(logits: Tensor, target: Tensor, threshold: float) -> Tensor:
    """Pixels of each image, (3, N) int64: in both masks, in the prediction, in the target.

    Args:
        logits: (N, 1, H, W).
        target: (N, 1, H, W), in [0, 1].
        threshold: From which probability a pixel is foreground.
    """
    preds = (logits.detach().float().sigmoid() >= threshold).flatten(1)
    truth = (target >= 0.5).flatten(1)
    return torch.stack([(preds & truth).sum(1), preds.sum(1), truth.sum(1)])


def sum_by_image(image: Tensor, pixels: Tensor) -> Tensor:
    """The pixels (3, M) of an image's pieces added up: (3, number of images). `image` (M,) says which image each piece is of."""
    names, number = image.unique(return_inverse=True)  # type: ignore[no-untyped-call]
    return pixels.new_zeros(len(pixels), len(names)).index_add_(1, number, pixels)


def score_images(pixels: Tensor) -> dict[str, Tensor]:
    """Dice, IoU, precision and recall of each image, (N,) each, from `count_pixels`.

    Both masks empty: the network was right, 1. Only one of them empty: 0.

    Example:
        >>> score_images(torch.tensor([[2, 0, 0], [4, 0, 3], [2, 0, 0]]))["precision"]
        tensor([0.5000, 1.0000, 0.0000])
    """
    overlap, drawn, true = pixels
    both = drawn + true
    shares = {"dice": (2 * overlap, both), "iou": (overlap, both - overlap), "precision": (overlap, drawn), "recall": (overlap, true)}
    return {name: torch.where(both == 0, 1.0, part / whole.clamp_min(1)) for name, (part, whole) in shares.items()}
