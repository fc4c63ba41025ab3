"""Encoders from timm: feature maps by stride, for any size of image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import timm
import torch
from torch import nn

from limner.errors import DataError, RecipeError, nearest
from limner.models.weights import read_weights, weights_file

if TYPE_CHECKING:
    from timm.models import FeatureInfo
    from torch import Tensor

_FIX: Final = "choose another encoder, for example resnet50, convnext_tiny, tf_efficientnet_lite0 or pvt_v2_b1"
# What makes the models that are bound to one size of image take any: nothing; for Swin transformers; for plain vision transformers.
_ANY_SIZE: Final[tuple[dict[str, bool], ...]] = ({}, {"strict_img_size": False}, {"dynamic_img_size": True})


class Encoder(nn.Module):
    """A timm model that gives feature maps by stride; of several with one stride the last.

    Attributes:
        channels: Channels of the map of each stride, such as {2: 64, 4: 256, 8: 512, 16: 1024, 32: 2048}.

    Args:
        body: The model, made with `features_only`.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        info = cast("FeatureInfo", body.feature_info)
        self.places = {stride: place for place, stride in enumerate(info.reduction())}
        self.channels = {stride: info.channels()[place] for stride, place in self.places.items()}
        self.channels_come_last = str(getattr(body, "output_fmt", "")).endswith("NHWC")

    def forward(self, images: Tensor) -> dict[int, Tensor]:
        """Map images (N, C, H, W) to maps (N, channels[stride], H / stride, W / stride), for sides divisible by the largest stride."""
        maps = self.body(images)
        if self.channels_come_last:
            maps = [features.permute(0, 3, 1, 2) for features in maps]
        return {stride: maps[place] for stride, place in self.places.items()}


def build_encoder(
    name: str, weights: str, *, in_channels: int = 3, pretrained: bool = True, where: str = "network.encoder_name"
) -> Encoder:
    """The encoder of that name.

    Args:
        name: A timm model that can return feature maps.
        weights: `imagenet`, `none`, or a path; see `limner.models.weights`.
        in_channels: Channels of the input image. For other than three, the first layer is made from the pretrained one: the sum of its
            filters over the colours for one channel, else the colours repeated and scaled to the same total.
        pretrained: Load the weights; False leaves the encoder untrained, for a checkpoint to fill.
        where: The recipe's key to blame.

    Raises:
        RecipeError: timm has no such model, or it gives no feature maps that fit a U-Net.
        DataError: The weights cannot be had, or are another network's.

    Example:
        >>> encoder = build_encoder("resnet10t", "none", in_channels=1)
        >>> {stride: tuple(maps.shape[1:]) for stride, maps in encoder(torch.zeros(1, 1, 64, 64)).items()}
        {2: (64, 32, 32), 4: (64, 16, 16), 8: (128, 8, 8), 16: (256, 4, 4), 32: (512, 2, 2)}
    """
    if not timm.is_model(name):
        hint = nearest(name, timm.list_models())
        fix = hint if hint.startswith("did you mean") else _FIX  # the other hint names all of more than a thousand
        raise RecipeError(f"timm has no encoder named '{name}'", where=where, fix=fix)
    options = _fitting_options(name, where)
    if not pretrained or weights == "none":
        return Encoder(_create(name, in_chans=in_channels, **options))
    if weights == "imagenet":
        return Encoder(_from_timm(name, in_chans=in_channels, **options))
    return Encoder(_from_file(name, weights, in_channels, options))


def _fitting_options(name: str, where: str) -> dict[str, bool]:
    """What to create the model with, found by trying: on the meta device, where neither weights nor features take time or memory."""
    reasons: list[str] = []
    for options in _ANY_SIZE:
        try:
            with torch.device("meta"):
                _check(Encoder(_create(name, **options)))
            return options
        except Exception as error:  # any model of timm's may fail in its own way  # noqa: BLE001
            reasons.append(str(error).strip().partition("\n")[0] or type(error).__name__)
    raise RecipeError(
        f"'{name}' cannot be the encoder of a U-Net: {reasons[0]}",
        where=where,
        fix=_FIX,
    )


def _check(encoder: Encoder) -> None:
    """Whether the feature maps are what they are said to be, for an image of no usual size."""
    for stride in encoder.channels:
        if stride & (stride - 1):
            raise ValueError(f"it reduces by {stride}, and a U-Net needs powers of two")
    deepest = max(encoder.channels)
    images = torch.zeros(2, 3, 2 * deepest, 3 * deepest)
    for stride, maps in encoder.eval()(images).items():
        expected = (2, encoder.channels[stride], 2 * deepest // stride, 3 * deepest // stride)
        if tuple(maps.shape) != expected:
            raise ValueError(f"its feature map of stride {stride} is {tuple(maps.shape[2:])} where {expected[2:]} was expected")


def _create(name: str, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's options
    return timm.create_model(name, features_only=True, **options)


def _from_timm(name: str, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's options
    if not timm.is_model_pretrained(name):
        raise RecipeError(
            f"timm has no ImageNet weights of '{name}'",
            where="network.encoder_weights",
            fix="choose another encoder, give a file of weights, or set it to none",
        )
    try:
        return _create(name, pretrained=True, **options)
    except Exception as error:  # timm and its hub raise many kinds, all of which mean the same here
        raise DataError(
            f"the ImageNet weights of '{name}' could not be fetched ({type(error).__name__})",
            where="network.encoder_weights",
            fix="connect to the net, or give a local file: --set network.encoder_weights=FILE.safetensors (or =none to start from nothing)",
        ) from error


def _from_file(name: str, weights: str, in_channels: int, options: dict[str, bool]) -> nn.Module:
    path = weights_file(name, weights)
    with torch.device("meta"):
        wanted = _create(name, **options).state_dict()
    body = _create(name, in_chans=in_channels, **options)
    own = body.state_dict()
    for key, value in read_weights(path, wanted, name).items():
        adapts = value.shape != own[key].shape  # read_weights has seen to it that this is the first layer, and for its channels
        own[key].copy_(timm.models.adapt_input_conv(in_channels, value.float()) if adapts else value)
    return body
