"""How images come to the network."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from limner.data.options import SourceOptions, source_options
from limner.recipe.schema.base import Part, Positive, Probability, Share

Normalisation = Literal["none", "unit", "minmax", "measured", "imagenet", "half", "zscore"]


class DataPart(Part):
    """How images come to the network.

    Attributes:
        input_size: Height and width in pixels of what the network sees.
        sampling: `resize`: each image whole, resized to that size (bilinear, antialiased). `patches`: pieces of that size at the image's
            own resolution, in training at random places, in prediction as overlapping tiles.
        keep_aspect: Of images resized, whether the aspect ratio is kept; what is left of the input's height or width is black then.
        patch_foreground: Of patches in training, the share that is made to hold foreground, where the image has any.
        val_fraction: Share of the images taken for validation. With a given train list, it is taken out of that list.
        test_fraction: Share of the images held out for the test, when no test list is given.
        stratify: Whether a drawn split balances the size of the foreground between its parts.
        lookalikes: Whether a drawn split keeps near-duplicate images together in one part, besides known groups.
        group: A regular expression; what it finds in an image's key names the patient, sequence or slide that the image is from, and no
            group is divided by a split. Without it, what the catalog knows counts.
        foreground: What is foreground in masks of more than two tones: `nonzero`, `dark`, values, colours or class names.
        observer: Whose masks are used, where several people drew them.
        channels: What of the image the network sees: `rgb`, or one channel: `grey` (luma, ITU-R BT.601) or `green`, in which vessels
            of the retina stand out.
        normalisation: How grey levels from 0 to 255 become the network's input. For all images alike: `none` (as they are), `unit`
            (divided by 255), `imagenet` (ImageNet's mean and standard deviation), `half` (0.5 and 0.5 of the full range), `measured`
            (those of the training part, which the training fills in). For each image by itself, or each patch: `minmax` (its darkest value
            becomes 0, its brightest 1), `zscore` (its mean becomes 0, its standard deviation 1); both over all that the network sees of
            it, all channels together.
        mean: With `measured`, the mean of red, green and blue in grey levels; measured when it is not given. Where the network sees one
            channel, all three numbers that are measured are that channel's.
        std: With `measured`, the standard deviation of each channel, likewise.
    """

    input_size: tuple[int, int] = (256, 256)
    sampling: Literal["resize", "patches"] = "resize"
    keep_aspect: bool = False
    patch_foreground: Probability = 0.5
    val_fraction: Share = 0.1
    test_fraction: Share = 0.1
    stratify: bool = True
    lookalikes: bool = True
    group: str | None = None
    foreground: str | None = None
    observer: Annotated[int, Field(ge=1)] = 1
    channels: Literal["rgb", "grey", "green"] = "rgb"
    normalisation: Normalisation = "imagenet"
    mean: tuple[float, float, float] | None = None
    std: tuple[Positive, Positive, Positive] | None = None

    @property
    def in_channels(self) -> int:
        """How many channels the network sees."""
        return 3 if self.channels == "rgb" else 1

    def source_options(self) -> SourceOptions:
        """How the source is to be read.

        Raises:
            DataError: The foreground cannot be understood.
        """
        return source_options(self.foreground, self.observer, self.group)

    @field_validator("foreground", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """`data.foreground=1` is read as a number, and means the text."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("normalisation", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        """A grid or a Python caller may say None."""
        return "none" if value is None else value

    @field_validator("group")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
        return value

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

    @model_validator(mode="after")
    def _consistent(self) -> DataPart:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction leave nothing to train on")
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together, or neither")
        if self.mean is not None and self.normalisation != "measured":
            raise ValueError("mean and std belong to normalisation=measured")
        if self.keep_aspect and self.sampling == "patches":
            raise ValueError("patches are never resized, so keep_aspect belongs to sampling=resize")
        return self
