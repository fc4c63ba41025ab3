"""Changes that move pixels: flips, which are exact, and all others, composed into one grid and sampled once."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from limner.training.augment.draws import GEOMETRIC, Draws, change_some

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import AugmentationPart


def flip(images: Tensor, masks: Tensor, part: AugmentationPart, draws: Draws) -> tuple[Tensor, Tensor]:
    """Mirror some images left to right, some top to bottom."""
    for name, axis in (("horizontal_flip", 3), ("vertical_flip", 2)):
        if chance := getattr(part, name):
            chosen, mirror = draws.happens(name, chance), partial(torch.flip, dims=(axis,))
            images, masks = change_some(images, chosen, mirror), change_some(masks, chosen, mirror)
    return images, masks


def move(images: Tensor, masks: Tensor, part: AugmentationPart, draws: Draws) -> tuple[Tensor, Tensor]:
    """Turn, scale, shift, shear, tilt and deform some images."""
    if not any(getattr(part, kind) for kind in GEOMETRIC):
        return images, masks
    chosen = draws.happens("geometry", part.probability)
    if not chosen.any():
        return images, masks
    size = (images.shape[2], images.shape[3])
    grid = projected(draw_homographies(part, draws, size)[chosen].to(images.device), size)
    if part.elastic:
        grid += displacements(draw_knots(part, draws)[chosen].to(images.device), size)
    return (
        change_some(images, chosen, lambda some: sample(some, grid, "bilinear")),
        change_some(masks, chosen, lambda some: sample(some, grid, "nearest")),
    )


def draw_homographies(part: AugmentationPart, draws: Draws, size: tuple[int, int]) -> Tensor:
    """Random homographies (N, 3, 3) from places in the output to places in the input.

    Places are (x, y, 1) in grid_sample's coordinates, in which the image reaches from -1 to 1 in either direction; turns, shears and
    changes of scale are those of its pixels, which are square.
    """
    aspect = size[1] / size[0]
    linear = _turns(draws.either_way("rotate", math.radians(part.rotate))) @ _shears(part, draws)
    linear = linear / draws.factor("zoom", part.zoom)[:, None, None]
    matrix = torch.eye(3).repeat(draws.count, 1, 1)
    matrix[:, :2, :2] = linear * torch.tensor([[1.0, 1.0 / aspect], [aspect, 1.0]])
    matrix[:, :2, 2] = 2.0 * draws.either_way("shift", part.shift, 2)
    tilt, side = draws.upto("warp", part.warp), draws.uniform("warp") * (2.0 * math.pi)
    matrix[:, 2, :2] = torch.stack([tilt * side.cos(), tilt * side.sin()], dim=1)
    return matrix


def draw_knots(part: AugmentationPart, draws: Draws) -> Tensor:
    """Displacements (N, G + 2, G + 2, 2) at the knots of the elastic deformation, as a share of the height, of one length in an image."""
    side = part.elastic_grid + 2
    length = draws.upto("elastic", part.elastic)[:, None, None]
    angle = draws.uniform("elastic", side, side) * (2.0 * math.pi)
    return torch.stack([length * angle.cos(), length * angle.sin()], dim=3)


def projected(homographies: Tensor, size: tuple[int, int]) -> Tensor:
    """For each pixel of the output its place in the input, (N, H, W, 2)."""
    (height, width), device = size, homographies.device
    matrix = homographies.transpose(1, 2)[:, :, None]
    rows = _centres(height, device)[:, None] * matrix[:, 1] + matrix[:, 2]
    columns = _centres(width, device)[:, None] * matrix[:, 0]
    warped = rows[:, :, None, 2:] + columns[:, None, :, 2:]
    return (rows[:, :, None, :2] + columns[:, None, :, :2]).div_(warped)


def displacements(knots: Tensor, size: tuple[int, int]) -> Tensor:
    """A smooth field (N, H, W, 2), in grid_sample's coordinates, that is nowhere longer than the longest of its knots.

    Knots (N, G + 2, G + 2, 2) are the control points of uniform cubic B-splines, the outermost beyond the image: each displacement is a
    weighted mean of the sixteen knots around it.
    """
    (height, width), inner = size, knots.shape[1] - 2
    to_grid = torch.tensor([2.0 * height / width, 2.0], device=knots.device)
    along = torch.einsum("wk,ngkc->ngwc", _splines(width, inner, knots.device), knots * to_grid)
    return (_splines(height, inner, knots.device) @ along.flatten(2)).view(-1, height, width, 2)


def sample(images: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Sample images (N, C, H, W) at the places of a grid (N, H, W, 2); what lies outside is the image mirrored at its edges."""
    if images.device.type == "mps":  # it knows no reflection
        return F.grid_sample(images, folded(grid, (images.shape[2], images.shape[3])), mode=mode, padding_mode="zeros", align_corners=False)
    return F.grid_sample(images, grid, mode=mode, padding_mode="reflection", align_corners=False)


def folded(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """The grid with all places outside the image mirrored into it, none nearer to an edge than the centres of the pixels there."""
    furthest = 1.0 - 1.0 / torch.tensor([size[1], size[0]], device=grid.device)
    inside = ((grid + 1.0).remainder(4.0) - 2.0).abs().neg() + 1.0
    return torch.maximum(torch.minimum(inside, furthest), -furthest)


def _turns(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)


def _shears(part: AugmentationPart, draws: Draws) -> Tensor:
    """Shears (N, 2, 2), of the rows or of the columns: both at once would turn an image inside out at 45 degrees."""
    slope = draws.either_way("shear", math.radians(part.shear)).tan()
    of_rows = draws.uniform("shear") < 0.5
    one, zero = torch.ones_like(slope), torch.zeros_like(slope)
    return torch.stack([one, torch.where(of_rows, slope, zero), torch.where(of_rows, zero, slope), one], dim=1).view(-1, 2, 2)


def _centres(count: int, device: torch.device) -> Tensor:
    """Centres of `count` pixels in coordinates from -1 to 1."""
    return (torch.arange(count, device=device) * 2 + 1) / count - 1


def _splines(count: int, inner: int, device: torch.device) -> Tensor:
    """Weights (count, inner + 2) of knots for pixels, of which `inner` are spread from the first edge to the last; each row sums to 1."""
    place = (_centres(count, device) + 1.0) / 2.0 * (inner - 1) + 1.0
    far = (place[:, None] - torch.arange(inner + 2, device=device)).abs()
    near = 2.0 / 3.0 - far**2 + far**3 / 2.0
    return torch.where(far < 1.0, near, (2.0 - far).clamp_min(0.0) ** 3 / 6.0)
