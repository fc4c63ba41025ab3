"""What covers a picture: rectangles of other images of the batch, and grey ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import AugmentationPart
    from limner.training.augment.draws import Draws

_GREY = 127.5
_MOST = 8  # rectangles of dropout in an image


def cutmix(images: Tensor, masks: Tensor, part: AugmentationPart, draws: Draws) -> tuple[Tensor, Tensor]:
    """Replace a rectangle of some images and of their masks by the same one of another image of the batch.

    CutMix as in Yun et al. 2019: the rectangle has the image's proportions, its share of the area is uniform between 0 and 1, its centre
    is anywhere, and what would lie outside is cut off. The labels are mixed pixel by pixel, with the masks.
    """
    n = len(images)
    if not part.cutmix or n < 2:
        return images, masks
    chosen = draws.happens("cutmix", part.cutmix)
    if not chosen.any():
        return images, masks
    sides = draws.uniform("cutmix").sqrt()
    partner = (torch.arange(n) + 1 + (draws.uniform("cutmix") * (n - 1)).long()) % n
    centre = draws.uniform("cutmix", 2)
    start, end = centre - sides[:, None] / 2, centre + sides[:, None] / 2
    size = torch.tensor(images.shape[2:])
    start, end = (start.clamp_min(0.0) * size).round().long(), (end.clamp_max(1.0) * size).round().long()
    box = covered(start[:, None], end[:, None] * chosen[:, None, None], (images.shape[2], images.shape[3]), images.device)
    partner = partner.to(images.device)
    return torch.where(box, images[partner], images), torch.where(box, masks[partner], masks)


def drop(images: Tensor, part: AugmentationPart, draws: Draws) -> Tensor:
    """Cover some images with grey rectangles; their masks stay."""
    if not part.dropout:
        return images
    chosen = draws.happens("dropout", part.probability)
    if not chosen.any():
        return images
    size = (images.shape[2], images.shape[3])
    start, end = draw_rectangles(part.dropout, draws, size)
    return images.masked_fill(covered(start, end * chosen[:, None, None], size, images.device), _GREY)


def draw_rectangles(limit: float, draws: Draws, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """First and last pixels, exclusive, of one to eight rectangles per image: two tensors (N, 8, 2) of rows and columns.

    Together they never cover more than the limit: sides are rounded down, and an overlap only makes it less.
    """
    count = 1 + (draws.uniform("dropout") * _MOST).long()
    area = draws.upto("dropout", limit) / count
    sides = area.sqrt()[:, None, None] * torch.ones(draws.count, _MOST, 2)
    stretch = 2.0 ** (draws.uniform("dropout", _MOST) - 0.5)
    sides = torch.stack([sides[..., 0] * stretch, sides[..., 1] / stretch], dim=2).clamp_max(1.0)
    whole = torch.tensor(size)
    pixels = (sides * whole).long() * (torch.arange(_MOST) < count[:, None])[..., None]
    start = (draws.uniform("dropout", _MOST, 2) * (whole - pixels + 1)).long()
    return start, start + pixels


def covered(start: Tensor, end: Tensor, size: tuple[int, int], device: torch.device) -> Tensor:
    """Where any of K rectangles is, (N, 1, H, W) bool; starts and ends (N, K, 2) are of rows and columns, ends exclusive."""
    start, end = start.to(device)[..., None], end.to(device)[..., None]
    rows, columns = (
        (torch.arange(count, device=device) >= start[:, :, axis]) & (torch.arange(count, device=device) < end[:, :, axis])
        for axis, count in enumerate(size)
    )
    return (rows.float().transpose(1, 2) @ columns.float())[:, None] > 0
