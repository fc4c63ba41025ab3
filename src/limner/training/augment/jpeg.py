"""What JPEG does to a picture, on a batch of tensors: the same losses as in a file, without writing one.

As the encoders of files do it by default (ITU-T T.81 with JFIF's colours): YCbCr with chroma at half the resolution, the discrete cosine
transform of 8x8 blocks, coefficients rounded to multiples of the tables of annex K, which are scaled by the quality as libjpeg does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from limner.training.augment.draws import Draws, change_some

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import AugmentationPart

_BLOCK, _UNIT = 8, 16  # pixels; chroma at half the resolution makes units of two blocks
_TO_YCBCR = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_TO_RGB = torch.tensor([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])
_LUMINANCE = torch.tensor(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61),
        *(12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56),
        *(14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77),
        *(24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101),
        *(72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
_CHROMINANCE = torch.tensor(
    [
        *(17, 18, 24, 47, 99, 99, 99, 99),
        *(18, 21, 26, 66, 99, 99, 99, 99),
        *(24, 26, 56, 99, 99, 99, 99, 99),
        *(47, 66, 99, 99, 99, 99, 99, 99),
        *(32 * (99,)),
    ]
)


def compress(images: Tensor, part: AugmentationPart, draws: Draws) -> Tensor:
    """Leave of some images what a JPEG file would."""
    if not part.jpeg:
        return images
    quality = (100.0 - draws.upto("jpeg", part.jpeg)).round()
    return change_some(images, draws.happens("jpeg", part.probability), as_jpeg, quality)


def as_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Images (N, 3, H, W) as they would come back from JPEG files of the qualities (N,), 1 to 100."""
    n, _, height, width = images.shape
    padded = F.pad(images, (0, -width % _UNIT, 0, -height % _UNIT), mode="replicate")
    size = (padded.shape[2], padded.shape[3])
    planes = (_TO_YCBCR.to(images.device) @ padded.flatten(2)).view(n, 3, *size)
    luma = _quantise(planes[:, :1] - 128.0, _table(_LUMINANCE, quality))
    chroma = _quantise(F.avg_pool2d(planes[:, 1:], 2), _table(_CHROMINANCE, quality))
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    back = _TO_RGB.to(images.device) @ torch.cat([luma + 128.0, chroma], dim=1).flatten(2)
    return back.clamp_(0.0, 255.0).view(n, 3, *size)[:, :, :height, :width]


def _quantise(planes: Tensor, table: Tensor) -> Tensor:
    """Planes (N, C, H, W) about 0 after transform, rounding to multiples of the tables (N, 64), and back."""
    transform = _cosine_transform().to(planes.device)
    n, channels, height, width = planes.shape
    blocks = F.pixel_unshuffle(planes.reshape(n * channels, 1, height, width), _BLOCK).flatten(2)
    step = table.repeat_interleave(channels, dim=0)[:, :, None]
    kept = (transform @ blocks).div_(step).round_().mul_(step)
    blocks = (transform.T @ kept).view(n * channels, _BLOCK**2, height // _BLOCK, width // _BLOCK)
    return F.pixel_shuffle(blocks, _BLOCK).clamp_(-128.0, 127.0).view(planes.shape)


def _table(base: Tensor, quality: Tensor) -> Tensor:
    """Quantisation tables (N, 64) for the qualities (N,)."""
    scale = torch.where(quality < 50, (5000.0 / quality).floor(), 200.0 - 2.0 * quality)
    return ((base.to(quality.device) * scale[:, None] + 50.0) / 100.0).floor().clamp(1.0, 255.0)


def _cosine_transform() -> Tensor:
    """The orthonormal two-dimensional DCT-II of a block whose pixels are listed row by row, (64, 64)."""
    frequency, place = torch.arange(_BLOCK)[:, None], torch.arange(_BLOCK)[None]
    basis = torch.cos((2 * place + 1) * frequency * (math.pi / (2 * _BLOCK))) * math.sqrt(2.0 / _BLOCK)
    basis[0] /= math.sqrt(2.0)
    return torch.kron(basis, basis)
