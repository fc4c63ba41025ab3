"""The recipe: everything that decides how a model is trained, as one validated object.

Each part that can be exchanged (network, loss, optimiser, schedule) is a small class here, chosen by its `name`. The code that
builds the part lives with the part (`models`, `losses`, `training`); this package never imports PyTorch.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from limner.data.options import SourceOptions, source_options

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class Part(BaseModel):
    """Base of every part of a recipe: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(Part):
    """How images come to the network.

    Attributes:
        input_size: Height and width in pixels of what the network sees.
        sampling: `resize`: each image whole, resized to that size (bilinear, antialiased; the aspect ratio is not kept). `patches`: pieces
            of that size at the image's own resolution, in training at random places, in prediction as overlapping tiles.
        patch_foreground: Of patches in training, the share that is made to hold foreground, where the image has any.
        val_fraction: Share of the images taken for validation. With a given train list, it is taken out of that list.
        test_fraction: Share of the images held out for the test, when no test list is given.
        stratify: Whether a drawn split balances the size of the foreground between its parts.
        lookalikes: Whether a drawn split keeps near-duplicate images together in one part, besides known groups.
        group: A regular expression; what it finds in an image's key names the patient, sequence or slide that the image is from, and no
            group is divided by a split. Without it, what the catalog knows counts.
        foreground: What is foreground in masks of more than two tones: `nonzero`, `dark`, values, colours or class names.
        observer: Whose masks are used, where several people drew them.
        normalisation: `none` (0 to 255), `unit` (divided by 255), `imagenet` (unit, then ImageNet's mean and standard deviation),
            `half` (unit, then mean 0.5 and standard deviation 0.5).
    """

    input_size: tuple[int, int] = (256, 256)
    sampling: Literal["resize", "patches"] = "resize"
    patch_foreground: Probability = 0.5
    val_fraction: Share = 0.1
    test_fraction: Share = 0.1
    stratify: bool = True
    lookalikes: bool = True
    group: str | None = None
    foreground: str | None = None
    observer: Annotated[int, Field(ge=1)] = 1
    normalisation: Literal["none", "unit", "imagenet", "half"] = "imagenet"

    @field_validator("foreground", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """`data.foreground=1` is read as a number, and means the text."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("group")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _some_left(self) -> DataPart:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction leave nothing to train on")
        return self

    def source_options(self) -> SourceOptions:
        """How the source is to be read.

        Raises:
            DataError: The foreground cannot be understood.
        """
        return source_options(self.foreground, self.observer, self.group)

    @field_validator("input_size", mode="before")
    @classmethod
    def _square(cls, value: object) -> object:
        return (value, value) if isinstance(value, int) else value

    @field_validator("input_size")
    @classmethod
    def _sane(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not all(16 <= side <= 4096 for side in value):
            raise ValueError("each side must lie between 16 and 4096 pixels")
        return value


class EncoderUNetPart(Part):
    """A U-Net whose contracting path is an encoder from timm (see `limner.models.encoder_unet`).

    Attributes:
        encoder_name: Any timm model that can return feature maps.
        encoder_weights: `imagenet` (timm's own, downloaded or from its cache), `none`, or a path: a .safetensors file in timm's keys,
            or a folder that holds one whose name starts with the encoder's.
        decoder_channels: Channels after each decoder stage, deepest first; one per level of the encoder.
        upsample: `transposed` (2x2 transposed convolution, as in S2) or `nearest` (interpolation).
        in_channels: Channels of the input image.
    """

    name: Literal["encoder_unet"] = "encoder_unet"
    encoder_name: str = "resnet50"
    encoder_weights: str = "imagenet"
    decoder_channels: tuple[int, ...] = (256, 128, 64, 32, 16)
    upsample: Literal["transposed", "nearest"] = "transposed"
    in_channels: Annotated[int, Field(ge=1)] = 3


class UNetPart(Part):
    """The U-Net of Ronneberger et al. 2015, padded, of any number of levels (see `limner.models.unet`).

    Attributes:
        filters: Channels per level, from the input's resolution down to the bottom; poolings are one fewer.
        upsample: `transposed` (2x2 transposed convolution) or `nearest` (interpolation).
        norm: `batch` or `none`.
        in_channels: Channels of the input image.
    """

    name: Literal["unet"] = "unet"
    filters: Annotated[tuple[int, ...], Field(min_length=2, max_length=7)] = (64, 128, 256, 512, 1024)
    upsample: Literal["transposed", "nearest"] = "transposed"
    norm: Literal["batch", "none"] = "batch"
    in_channels: Annotated[int, Field(ge=1)] = 3


NetworkPart = Annotated[EncoderUNetPart | UNetPart, Field(discriminator="name")]


class BCEPart(Part):
    """Binary cross-entropy on logits."""

    name: Literal["bce"] = "bce"


class DicePart(Part):
    """Soft Dice loss, one image at a time."""

    name: Literal["dice"] = "dice"


class DiceBCEPart(Part):
    """Dice loss plus binary cross-entropy.

    Attributes:
        bce_weight: Weight of the cross-entropy; the Dice loss has weight 1.
    """

    name: Literal["dice_bce"] = "dice_bce"
    bce_weight: Positive = 1.0


LossPart = Annotated[BCEPart | DicePart | DiceBCEPart, Field(discriminator="name")]


class OptimiserPart(Part):
    """The optimiser.

    Attributes:
        name: `adam`, `adamw` or `sgd` (with momentum 0.9).
        learning_rate: Peak learning rate of everything but a pretrained encoder.
        encoder_scale: The encoder's learning rate as a share of `learning_rate` (discriminative learning rates).
        weight_decay: Weight decay; not applied to biases and normalisation layers.
        clip_norm: Gradients are scaled down to at most this norm; 0 switches it off.
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Positive = 1e-3
    encoder_scale: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    clip_norm: Annotated[float, Field(ge=0.0)] = 0.0


class OneCyclePart(Part):
    """One-cycle policy (Smith and Topin 2019): cosine up to the peak, cosine down to almost nothing.

    Attributes:
        warmup: Share of the training in which the learning rate rises.
        start_div: The peak over the learning rate at the start.
        end_div: The peak over the learning rate at the end.
    """

    name: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.25
    start_div: Positive = 25.0
    end_div: Positive = 1e5


class ConstantPart(Part):
    """A constant learning rate."""

    name: Literal["constant"] = "constant"


SchedulePart = Annotated[OneCyclePart | ConstantPart, Field(discriminator="name")]


class AugmentationPart(Part):
    """Random changes of each training image; geometric ones are composed into one resampling.

    Attributes:
        probability: Chance that an image is changed by the geometric group, and again by the photometric one; flips are not counted in.
        horizontal_flip: Chance of a flip left to right.
        vertical_flip: Chance of a flip top to bottom.
        rotate: Largest rotation, in degrees, to either side.
        zoom: Largest change of scale: 0.2 means between 1/1.2 and 1.2 times.
        shift: Largest shift in either direction, as a share of the height.
        warp: Largest perspective warp: how much nearer one edge comes than the middle, as a share of its distance.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest change of contrast: 0.2 means a factor between 1/1.2 and 1.2.
        saturation: Largest change of saturation, likewise.
        hue: Largest rotation of the hue, in degrees.
    """

    probability: Probability = 0.75
    horizontal_flip: Probability = 0.5
    vertical_flip: Probability = 0.0
    rotate: Annotated[float, Field(ge=0.0, le=180.0)] = 10.0
    zoom: Annotated[float, Field(ge=0.0, le=4.0)] = 0.1
    shift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    warp: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    brightness: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    contrast: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    saturation: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    hue: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0


class ThresholdPart(Part):
    """How the threshold is chosen; always on the validation part.

    Attributes:
        choose: `dice` (best mean per-image Dice) or `fixed`.
        value: The threshold when fixed, and the one used for the validation Dice of each epoch.
    """

    choose: Literal["dice", "fixed"] = "dice"
    value: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5


class Recipe(Part):
    """Everything that decides how a model is trained. One object <-> one YAML file.

    Attributes:
        name: The recipe's name; shipped ones are listed by `limner recipes`.
        task: What is outlined, for titles and the model file ("polyp", "nucleus", "vessel" or any other word).
        description: One line for the list of recipes.
        source: The paper or report that the recipe reproduces.
        seed: Seed of the split, the initial weights, the order of images and the augmentation.
        epochs: Passes over the training part.
        batch_size: Images per step.
        precision: `bf16` (autocast), `float32`, or `auto`: bf16 where the processor has it in hardware.
        channels_last: Memory layout of the network; `auto` is on wherever bf16 is.
    """

    name: str
    task: str = "object"
    description: str = ""
    source: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Annotated[int, Field(ge=1)] = 50
    batch_size: Annotated[int, Field(ge=1)] = 8
    precision: Literal["auto", "bf16", "float32"] = "auto"
    channels_last: Literal["auto", "on", "off"] = "auto"
    data: DataPart = DataPart()
    network: NetworkPart = EncoderUNetPart()
    loss: LossPart = BCEPart()
    optimiser: OptimiserPart = OptimiserPart()
    schedule: SchedulePart = OneCyclePart()
    augmentation: AugmentationPart = AugmentationPart()
    threshold: ThresholdPart = ThresholdPart()
