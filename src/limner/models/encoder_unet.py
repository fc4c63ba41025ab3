"""A U-Net whose contracting path is a pretrained encoder.

Alam et al., "Automatic Polyp Segmentation using U-Net-ResNet50", MediaEval 2020, arXiv:2012.15247: a ResNet-50 encoder; each decoder stage
is a transposed convolution, concatenation with the encoder's feature map of that size, two 3x3 convolutions with batch normalisation
and ReLU; at last a 1x1 convolution. Any encoder of timm that returns feature maps can take the ResNet's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from limner.models.blocks import pad_to_multiple, pointwise_block
from limner.models.decoder import FeatureDecoder
from limner.models.encoders import build_encoder

if TYPE_CHECKING:
    from torch import Tensor

    from limner.recipe.schema import EncoderUNetPart


class EncoderUNet(nn.Module):
    """A timm encoder, and a decoder that doubles the resolution stage by stage back to the input's.

    Attributes:
        encoder: The pretrained part; an optimiser may give it a smaller learning rate.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
        pretrained: Load the weights that the recipe names; False when a checkpoint brings them.

    Raises:
        RecipeError: No such encoder, or a wrong number of decoder channels for it.
        DataError: The weights cannot be had.

    Example:
        >>> import torch
        >>> from limner.recipe.schema import EncoderUNetPart
        >>> network = EncoderUNet(EncoderUNetPart(encoder_name="resnet10t", encoder_weights="none"))
        >>> network(torch.zeros(2, 3, 33, 64)).shape
        torch.Size([2, 1, 33, 64])
    """

    def __init__(self, part: EncoderUNetPart, *, in_channels: int = 3, pretrained: bool = True) -> None:
        super().__init__()
        self.encoder = build_encoder(part.encoder_name, part.encoder_weights, in_channels=in_channels, pretrained=pretrained)
        channels = self.encoder.channels
        self.stride = max(channels)
        self.neck = pointwise_block(channels[self.stride], channels[self.stride]) if part.neck == "conv" else nn.Identity()
        self.dropout = nn.Dropout2d(part.dropout)
        self.decoder = FeatureDecoder(channels, part)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map images (N, C, H, W) to logits (N, 1, H, W), for any height and width; see `limner.models` for deep supervision."""
        features = self.encoder(pad_to_multiple(images, self.stride))
        features[self.stride] = self.dropout(self.neck(features[self.stride]))
        return self.decoder(features, images.shape[-2:])  # type: ignore[no-any-return]
