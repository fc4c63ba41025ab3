"""The U-Net of Ronneberger, Fischer and Brox.

"U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, arXiv:1505.04597. By default with padded convolutions and
batch normalisation, which the paper predates; the preset `unet-2015` is the paper's: convolutions without padding, no normalisation,
initial weights from a Gaussian of variance 2 / N, dropout at the end of the contracting path. Two classes by softmax are one logit here,
and the ReLU after each transposed convolution, which the text does not mention, is that of the authors' network file.

The preset `unet-vessel` is the U-Net of a Keras listing: one convolution of 128, 256, 256, 512 filters with ReLU per level and 1024 at the
bottom, then per level a transposed convolution and a convolution, both with ReLU. The listing contradicts itself and the text around it:
the convolution of 512 filters takes the second level's pooling and so leaves out the third level; the lines of the expanding path repeat
one another, so that most convolutions and the last layer are missing; no line joins the skip connections that text and figure have; and
the first transposed convolution keeps the 1024 channels from below, while the last gives the 128 of its own level. Taken was what the text
says, with the skip connections joined as in the paper, and transposed convolutions that give their own level's channels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from limner.models.blocks import conv_block, mirror, pad_to_multiple
from limner.models.decoder import Decoder, StageOptions

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import UNetPart


class UNet(nn.Module):
    """A contracting path with max pooling, an expanding path, a skip connection at each level; weights start from nothing.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.

    Example:
        >>> import torch
        >>> from limner.recipe.schema import UNetPart
        >>> UNet(UNetPart(filters=(4, 8, 16), padding="valid"))(torch.zeros(1, 3, 20, 33)).shape
        torch.Size([1, 1, 20, 33])
    """

    def __init__(self, part: UNetPart, *, in_channels: int = 3) -> None:
        super().__init__()
        filters = part.widths
        self.stride = 2 ** (len(filters) - 1)
        self.taken = part.convs if part.padding == "valid" else 0  # pixels from each side at each level
        options = StageOptions(part.upsample, part.convs, part.norm, padding=0 if self.taken else 1)
        self.down = nn.ModuleList(
            conv_block(before, after, convs=part.convs, norm=part.norm, padding=options.padding)
            for before, after in pairwise((in_channels, *filters))
        )
        self.dropout = nn.Dropout2d(part.dropout)
        upwards = filters[::-1]
        self.decoder = Decoder(upwards, upwards[1:], options, deep_supervision=part.deep_supervision)
        if part.norm == "none":
            self.apply(_keep_variance)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width; see `limner.models` for deep supervision."""
        x = self._extend(images)
        skips: list[Tensor] = []
        for level, conv in enumerate(self.down):
            x = conv(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        return self.decoder(self.dropout(skips.pop()), skips[::-1], images.shape[-2:])  # type: ignore[no-any-return]

    def _extend(self, images: Tensor) -> Tensor:
        """The image with all around it that the network takes away or needs for its poolings.

        Without padding, each side loses `taken` pixels of every level's own resolution, on the way down, at the bottom and on the way up:
        taken (3 stride - 2) pixels of the image, which are 92 in the paper. What comes out of b pixels at the bottom is
        stride b - taken (4 stride - 2), in the paper 388 out of 32; the image is made that long.
        """
        if not self.taken:
            return pad_to_multiple(images, self.stride)
        border = self.taken * (3 * self.stride - 2)
        height, width = images.shape[-2:]
        bottom, right = ((2 * self.taken - side) % self.stride for side in (height, width))
        return mirror(images, border, border + bottom, border, border + right)


def _keep_variance(module: nn.Module) -> None:
    """The paper's initial weights, variance 2 / N for N incoming numbers: nothing else keeps a signal's size without normalisation."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        # Each pixel of a 2x2 transposed convolution of stride 2 comes from one position.
        incoming = module.in_channels * (1 if isinstance(module, nn.ConvTranspose2d) else module.kernel_size[0] ** 2)
        nn.init.normal_(module.weight, std=(2 / incoming) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
