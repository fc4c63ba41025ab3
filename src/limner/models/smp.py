"""Every architecture of segmentation_models.pytorch, kept to the contract of the other networks: any height and width, logits.

The library is the extra `smp`; it brings Unet, UnetPlusPlus, MAnet, Linknet, FPN, PSPNet, PAN, DeepLabV3, DeepLabV3Plus, UPerNet, Segformer
and DPT. Its encoders are its own, or any of timm as `tu-NAME`.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING

import timm
from timm.models import adapt_input_conv

from limner.errors import DataError, MissingExtraError, RecipeError, nearest
from limner.models.blocks import pad_to_multiple
from limner.models.weights import read_weights, weights_file

if TYPE_CHECKING:
    from types import ModuleType

    from torch import Tensor, nn

    from limner.recipe.schema import SMPPart

_OURS = ("self", "kwargs", "encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params")
_TIMM = "tu-"
# What a side must be a multiple of, and its least length, both in strides of the encoder, after which these go on halving.
_SIDES = {"DPT": (2, 2), "PAN": (1, 8)}


def build_smp(part: SMPPart, *, in_channels: int = 3, pretrained: bool = True) -> nn.Module:
    """Build a network of segmentation_models.pytorch.

    Args:
        part: The network's part of a recipe.
        in_channels: Channels of the input image.
        pretrained: Load the weights that the recipe names; False when a checkpoint brings them.

    Returns:
        The library's network, with its encoder as `encoder`, for images of any height and width.

    Raises:
        MissingExtraError: The library is not installed.
        RecipeError: It has no such architecture, encoder or option, or they do not go together.
        DataError: The weights cannot be had, or are another encoder's.
    """
    smp = _library(part)
    architecture = _architecture(smp, part)
    _check_encoder(smp, part)
    _check_options(architecture, part)
    if not pretrained or part.encoder_weights == "none":
        return _checked(architecture, part, in_channels)
    if part.encoder_weights == "imagenet":
        return _from_library(smp, architecture, part, in_channels)
    return _from_file(architecture, part, in_channels)


def any_size(architecture: type[nn.Module]) -> type[nn.Module]:
    """The class of the library, made to take images of any height and width, and batches of one in training."""
    multiple, smallest = _SIDES.get(architecture.__name__, (1, 1))

    class AnySize(architecture):  # type: ignore[valid-type,misc]
        def forward(self, images: Tensor) -> Tensor:
            """Map images (N, C, H, W) to logits (N, 1, H, W)."""
            number, _, height, width = images.shape
            if self.training and number == 1:  # architectures that pool to one pixel cannot normalise a batch of a single value
                images = images.expand(2, -1, -1, -1)
            stride: int = self.encoder.output_stride
            fits = min(height, width) >= stride * smallest
            logits: Tensor = super().forward(pad_to_multiple(images, stride * (multiple if fits else smallest)))
            return logits[:number, :, :height, :width]

    AnySize.__name__ = AnySize.__qualname__ = architecture.__name__
    return AnySize


def _library(part: SMPPart) -> ModuleType:
    try:
        return import_module("segmentation_models_pytorch")
    except ModuleNotFoundError:
        raise MissingExtraError("smp", needed_for=f"the network smp:{part.architecture}") from None


def _architecture(smp: ModuleType, part: SMPPart) -> type[nn.Module]:
    base: type[nn.Module] = smp.base.SegmentationModel
    known = {name: kind for name, kind in vars(smp).items() if isinstance(kind, type) and issubclass(kind, base)}
    if part.architecture not in known:
        raise RecipeError(
            f"segmentation_models.pytorch has no architecture named '{part.architecture}'",
            where="network.architecture",
            fix=nearest(part.architecture, known),
        )
    return any_size(known[part.architecture])


def _check_encoder(smp: ModuleType, part: SMPPart) -> None:
    name = part.encoder_name
    own = smp.encoders.get_encoder_names()
    if name in own or (name.startswith(_TIMM) and timm.is_model(name.removeprefix(_TIMM))):
        return
    hint = nearest(name, [_TIMM + model for model in timm.list_models()] if name.startswith(_TIMM) else own)
    raise RecipeError(
        f"segmentation_models.pytorch has no encoder named '{name}'",
        where="network.encoder_name",
        fix=hint if hint.startswith("did you mean") else "choose one of its own, for example resnet34, or one of timm's as tu-NAME",
    )


def _check_options(architecture: type[nn.Module], part: SMPPart) -> None:
    """Encoders of the library itself pass over what they do not know without a word; those of timm take more options than can be listed."""
    known = [name for name in inspect.signature(architecture.__init__).parameters if name not in _OURS]
    for name in part.options:
        if name in _OURS or (name not in known and not part.encoder_name.startswith(_TIMM)):
            raise RecipeError(f"'{name}' is no option of smp:{part.architecture}", where="network.options", fix=nearest(name, known))


def _checked(architecture: type[nn.Module], part: SMPPart, in_channels: int) -> nn.Module:
    """The network without weights, or what is wrong with it."""
    try:
        return _create(architecture, part, in_channels)
    except Exception as error:  # the library, timm and PyTorch each refuse in ways of their own
        raise RecipeError(
            f"smp:{part.architecture} cannot be built with the encoder '{part.encoder_name}' and these options: {error}",
            where="network",
            fix="choose another encoder (for DPT one like tu-vit_base_patch16_224), or correct network.options",
        ) from error


def _create(architecture: type[nn.Module], part: SMPPart, in_channels: int, weights: str | bool | None = None) -> nn.Module:
    return architecture(encoder_name=part.encoder_name, encoder_weights=weights, in_channels=in_channels, classes=1, **part.options)


def _from_library(smp: ModuleType, architecture: type[nn.Module], part: SMPPart, in_channels: int) -> nn.Module:
    _checked(architecture, part, in_channels)  # what is wrong with the network itself is told apart from a net that is down
    name = part.encoder_name
    if not _has_imagenet(smp, name):
        raise RecipeError(
            f"segmentation_models.pytorch has no ImageNet weights of '{name}'",
            where="network.encoder_weights",
            fix="choose another encoder, give a file of weights, or set it to none",
        )
    try:
        return _create(architecture, part, in_channels, name.startswith(_TIMM) or "imagenet")
    except Exception as error:  # the library and its hub raise many kinds, all of which mean the same here
        raise DataError(
            f"the ImageNet weights of '{name}' could not be fetched ({type(error).__name__})",
            where="network.encoder_weights",
            fix="connect to the net, or give a local file: --set network.encoder_weights=FILE.safetensors (or =none to start from nothing)",
        ) from error


def _has_imagenet(smp: ModuleType, name: str) -> bool:
    if name.startswith(_TIMM):
        return bool(timm.is_model_pretrained(name.removeprefix(_TIMM)))
    return "imagenet" in smp.encoders.encoders[name]["pretrained_settings"]


def _from_file(architecture: type[nn.Module], part: SMPPart, in_channels: int) -> nn.Module:
    """With the weights of a file; a first layer for other than three channels is made from the file's."""
    network = _checked(architecture, part, in_channels)
    coloured = network if in_channels == 3 else _create(architecture, part, 3)
    wanted = _encoder(coloured).state_dict()
    path = weights_file(part.encoder_name.removeprefix(_TIMM), part.encoder_weights)
    own = _encoder(network).state_dict()
    for key, value in read_weights(path, wanted, part.encoder_name).items():
        adapts = value.shape != own[key].shape  # read_weights has seen to it that this is the first layer, and for its channels
        own[key].copy_(adapt_input_conv(in_channels, value.float()) if adapts else value)
    return network


def _encoder(network: nn.Module) -> nn.Module:
    return network.get_submodule("encoder")
