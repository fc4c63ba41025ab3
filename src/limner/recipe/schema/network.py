"""The networks that a recipe can name, and the presets among them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from limner.recipe.schema.base import Part, Share

Filters = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=7)]
Upsample = Literal["transposed", "nearest", "bilinear"]
_DEFAULT_LEVELS: Final = 4


class EncoderUNetPart(Part):
    """A U-Net whose contracting path is an encoder from timm (see `limner.models.encoder_unet`).

    Attributes:
        encoder_name: Any timm model that can return feature maps.
        encoder_weights: `imagenet` (timm's own, downloaded or from its cache), `none`, or a path: a .safetensors file in timm's keys,
            or a folder that holds one whose name starts with the encoder's.
        decoder_channels: Channels after each decoder stage, deepest first, one per level of the encoder; by default the last of
            256, 128, 64, 32, 16.
        upsample: `transposed` (2x2 transposed convolution, as in S2), `nearest` or `bilinear` (interpolation).
        neck: What joins encoder and decoder: `none`, or `conv` (a 1x1 convolution that fuses the deepest features, as in S1).
        attention: `none`, or `scse` (Roy et al. 2018) in every decoder stage.
        deep_supervision: Whether the loss sees the coarser decoder stages too.
        dropout: Chance of a feature map of the deepest level to be left out of a training step.
    """

    name: Literal["encoder_unet"] = "encoder_unet"
    encoder_name: str = "resnet50"
    encoder_weights: str = "imagenet"
    decoder_channels: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    upsample: Upsample = "transposed"
    neck: Literal["none", "conv"] = "none"
    attention: Literal["none", "scse"] = "none"
    deep_supervision: bool = False
    dropout: Share = 0.0


class FusionUNetPart(Part):
    """A U-Net with several pretrained encoders side by side, whose feature maps are fused level by level (`limner.models.fusion_unet`).

    Attributes:
        encoder_names: Timm models.
        encoder_weights: For all encoders, as in `encoder_unet`; a path is a folder that holds a file for each.
        fusion: `concat` (concatenated, then a 1x1 convolution) or `sum` (1x1 convolutions to equal channels, then added).
        decoder_channels: As in `encoder_unet`.
        upsample: As in `encoder_unet`.
        attention: As in `encoder_unet`.
        deep_supervision: As in `encoder_unet`.
        dropout: As in `encoder_unet`.
    """

    name: Literal["fusion_unet"] = "fusion_unet"
    encoder_names: Annotated[tuple[str, ...], Field(min_length=2)] = ("resnet50", "mobilenetv2_100")
    encoder_weights: str = "imagenet"
    fusion: Literal["concat", "sum"] = "concat"
    decoder_channels: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    upsample: Upsample = "transposed"
    attention: Literal["none", "scse"] = "none"
    deep_supervision: bool = False
    dropout: Share = 0.0


class UNetPart(Part):
    """The U-Net of Ronneberger et al. 2015, of any number of levels (see `limner.models.unet`).

    Attributes:
        levels: Poolings, and so skip connections; by default as many as `filters` has, or 4.
        base_filters: Channels at the input's resolution, doubled at each level, where `filters` does not say.
        filters: Channels per level, from the input's resolution down to the bottom, which comes after the last pooling. With fewer
            `levels` than there are, the first ones count.
        convs: 3x3 convolutions per level and path; 2 in the paper, 1 in the vessel system.
        upsample: `transposed` (2x2 transposed convolution), `nearest` or `bilinear` (interpolation).
        norm: After each convolution: `batch`, `instance`, `group` (of 8 channels or fewer) or `none`, as in the paper.
        padding: `same`: convolutions are padded by zeros. `valid`: they are not, as in the paper; the image is mirrored around instead, by
            as much as the network takes away.
        deep_supervision: Whether the loss sees the coarser decoder stages too.
        dropout: Chance of a feature map at the bottom to be left out of a training step.
    """

    name: Literal["unet"] = "unet"
    levels: Annotated[int, Field(ge=1, le=6)] | None = None
    base_filters: Annotated[int, Field(ge=1)] = 64
    filters: Filters | None = None
    convs: Annotated[int, Field(ge=1, le=4)] = 2
    upsample: Upsample = "transposed"
    norm: Literal["batch", "instance", "group", "none"] = "batch"
    padding: Literal["same", "valid"] = "same"
    deep_supervision: bool = False
    dropout: Share = 0.0

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels per level, from the input's resolution down to the bottom; one more than there are levels."""
        if self.filters is None:
            return tuple(self.base_filters * 2**level for level in range((self.levels or _DEFAULT_LEVELS) + 1))
        return self.filters if self.levels is None else self.filters[: self.levels + 1]

    @model_validator(mode="after")
    def _enough(self) -> UNetPart:
        if self.filters is not None and self.levels is not None and len(self.filters) <= self.levels:
            raise ValueError(f"{self.levels} levels need {self.levels + 1} filters, and {len(self.filters)} are given")
        return self


class ResUNetPart(Part):
    """ResUNet of Zhang et al. 2018 (see `limner.models.resunet`).

    Attributes:
        filters: Channels per level, from the input's resolution down to the bridge.
    """

    name: Literal["resunet"] = "resunet"
    filters: Filters = (64, 128, 256, 512)


class ResUNetPlusPlusPart(Part):
    """ResUNet++ of Jha et al. 2019 (see `limner.models.resunet_plusplus`).

    Attributes:
        filters: Channels of the stem and of the encoder units, and last of the bridge.
    """

    name: Literal["resunet_plusplus"] = "resunet_plusplus"
    filters: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=5, max_length=5)] = (32, 64, 128, 256, 512)


class SMPPart(Part):
    """An architecture of segmentation_models.pytorch; `smp:NAME` for short (see `limner.models.smp`).

    Attributes:
        architecture: Its class there: Unet, UnetPlusPlus, FPN, DeepLabV3Plus, Segformer ...
        encoder_name: An encoder that it knows.
        encoder_weights: `imagenet` (downloaded by it), `none`, or a .safetensors file in its encoder's keys.
        options: Further arguments of the class.
    """

    name: Literal["smp"] = "smp"
    architecture: str = "Unet"
    encoder_name: str = "resnet34"
    encoder_weights: str = "imagenet"
    options: dict[str, Any] = Field(default_factory=dict)


NetworkPart = Annotated[
    EncoderUNetPart | FusionUNetPart | UNetPart | ResUNetPart | ResUNetPlusPlusPart | SMPPart, Field(discriminator="name")
]

NETWORK_PRESETS: Final[dict[str, dict[str, Any]]] = {
    "unet-2015": {"name": "unet", "levels": 4, "base_filters": 64, "norm": "none", "padding": "valid", "dropout": 0.5},
    "unet-vessel": {"name": "unet", "filters": (128, 256, 256, 512, 1024), "convs": 1, "norm": "none"},
    "unet-resnet34": {"name": "encoder_unet", "encoder_name": "resnet34"},
    "unet-resnet50": {"name": "encoder_unet", "encoder_name": "resnet50"},
    "unet-resnet152": {"name": "encoder_unet", "encoder_name": "resnet152", "neck": "conv", "upsample": "nearest"},
}
_SMP = "smp:"


def resolve_network(value: object) -> object:
    """What a recipe says of its network, with a preset's name or `smp:NAME` replaced by what they stand for.

    Example:
        >>> resolve_network({"name": "smp:FPN", "encoder_name": "resnet18"})
        {'name': 'smp', 'architecture': 'FPN', 'encoder_name': 'resnet18'}
    """
    if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
        return value
    rest = {key: setting for key, setting in value.items() if key != "name"}
    if name.startswith(_SMP):
        return {"name": "smp", "architecture": name.removeprefix(_SMP), **rest}
    return {**NETWORK_PRESETS[name], **rest} if name in NETWORK_PRESETS else value
