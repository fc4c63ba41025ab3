"""What a data set is like, in numbers: all that a plan is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from limner.planner.reason import percent

if TYPE_CHECKING:
    from collections.abc import Iterable


class Facts(BaseModel):
    """Base of everything measured: immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(Facts):
    """How a number is spread over images or objects: its 10th percentile, its median and its 90th percentile."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of some values; 0 where there are none.

        Example:
            >>> Spread.of(range(11)).high
            9.0
        """
        found = list(values) or [0.0]
        low, middle, high = (float(f"{value:.4g}") for value in np.percentile(found, [10, 50, 90]))
        return cls(low=low, middle=middle, high=high)


class Survival(Facts):
    """What is left of the masks when they are resized to a size, and back to that of their image.

    Attributes:
        size: Height and width in pixels.
        dice: Mean Dice of the masks that come back with the original ones: what a perfect network would score at that size.
        lines: Mean share of the foreground's centre lines that come back: what is left of thin structures.
        objects: Share of the objects of which more than half comes back.
    """

    size: tuple[int, int]
    dice: float
    lines: float
    objects: float

    def words(self) -> str:
        """All of it in a line."""
        kept = f"{100 * self.lines:.0f} % of the centre lines and {100 * self.objects:.0f} % of the objects are left"
        return f"at {self.size[1]}x{self.size[0]}: a perfect mask scores Dice {self.dice:.3f}; {kept}"


class Fingerprint(Facts):
    """A data set in numbers. Lengths are in pixels of the stored images, shares in [0, 1].

    Attributes:
        name: The data set's name.
        task: What its masks outline, where the catalog knows it; else `object`.
        images: Number of images.
        measured: Number of images that were read for the rest.
        unreadable: How many of the sampled could not be read, and are left out.
        groups: Number of patients or sequences; 0 where they are not known.
        height: Of the images.
        width: Of the images.
        long_side: The longer of the two.
        sizes: Number of different sizes.
        spacing_um: Micrometres that a pixel covers (median), where files say so.
        mean: Mean grey level of red, green and blue, 0 to 255.
        std: Standard deviation of the grey levels over all pixels, likewise.
        grey: Share of the images without colour.
        dark: Share of the images with a dark ground (median grey level below 40).
        layout: Standard deviation, in grey levels, of the mean of all images: how much they share one arrangement.
        upside_down: Correlation of the mean of all images with itself upside down; 1 where up and down do not differ.
        foreground: Share of the foreground in each image.
        empty: Share of the images without any foreground.
        objects: Number of objects in each image that has foreground.
        diameter: Equivalent diameter of each object (that of a disc of its area).
        thickness: Width of the foreground along its centre lines.
        slenderness: Of each image, the diameter of its largest object over its median thickness: near 1 for discs, 10 and more for vessels.
        survival: What resizing would leave of the masks, by size, smallest first; empty where no image has foreground.
    """

    name: str
    task: str
    images: int
    measured: int
    unreadable: int
    groups: int
    height: Spread
    width: Spread
    long_side: Spread
    sizes: int
    spacing_um: float | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    grey: float
    dark: float
    layout: float
    upside_down: float
    foreground: Spread
    empty: float
    objects: Spread
    diameter: Spread
    thickness: Spread
    slenderness: float
    survival: tuple[Survival, ...]

    @property
    def is_thin(self) -> bool:
        """Whether the foreground is a net of lines rather than areas."""
        return self.slenderness >= 5

    @property
    def is_colour(self) -> bool:
        """Whether most images have colour."""
        return self.grey < 0.5

    @property
    def is_mixed(self) -> bool:
        """Whether images with and without colour are mixed."""
        return 0.05 < self.grey < 0.95

    def lines(self) -> list[str]:
        """The fingerprint for people, in a few lines."""
        failed = f", {self.unreadable} could not be" if self.unreadable else ""
        read = "" if self.measured == self.images else f" ({self.measured} were read{failed})"
        groups = f", {self.groups} groups" if self.groups else ""
        spacing = f", {self.spacing_um:g} µm a pixel" if self.spacing_um else ""
        colour = "mixed" if self.is_mixed else "colour" if self.is_colour else "grey"
        shape = f"thin, {self.thickness.middle:.0f} px" if self.is_thin else f"{self.diameter.middle:.0f} px across"
        objects = f"{_range(self.objects)} object{'' if _range(self.objects) == '1' else 's'}"
        return [
            f"images:  {self.images}{read}{groups}; {_range(self.width)} x {_range(self.height)} px{spacing}; {colour}"
            + (", most with a dark ground" if self.dark >= 0.5 else ""),
            f"masks:   foreground {percent(self.foreground.middle)} of an image; {objects} each, {shape}"
            + (f"; {percent(self.empty)} of the images have none" if self.empty else ""),
            *(left.words() for left in self.survival),
        ]

    def what_is_left_at(self, size: tuple[int, int]) -> Survival | None:
        """The survival at a size, if it was measured."""
        return next((found for found in self.survival if found.size == size), None)


def _range(spread: Spread) -> str:
    """From the 10th to the 90th percentile.

    Example:
        >>> _range(Spread(low=3, middle=3, high=3)), _range(Spread(low=1, middle=2, high=9.4))
        ('3', '1-9')
    """
    return f"{spread.low:.0f}" if round(spread.low) == round(spread.high) else f"{spread.low:.0f}-{spread.high:.0f}"
