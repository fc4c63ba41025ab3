"""What is done to a mask after the network."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from limner.recipe.schema.base import NotNegative, Part


class PostProcessPart(Part):
    """What is done to a mask after threshold and file; probabilities, and the bare file's own mask, stay as they are.

    Attributes:
        choose: `none`; `tuned` (on the validation part: of all that follows, what raises its scores by more than noise); or `fixed` (what
            follows). Lengths and areas are in pixels as the network sees them.
        opening: Radius of the disc of a morphological opening; 0 for none.
        max_hole: Holes of at most this area are filled; 0 for none.
        min_area: Objects below this area are removed; 0 for none.
        largest_only: Keep the largest object only.
        split_touching: Cut touching objects apart by a watershed, and number them; the mask stays as it is.
    """

    choose: Literal["none", "tuned", "fixed"] = "none"
    opening: NotNegative = 0.0
    max_hole: NotNegative = 0.0
    min_area: NotNegative = 0.0
    largest_only: bool = False
    split_touching: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> PostProcessPart:
        given = [name for name in type(self).model_fields if name != "choose" and getattr(self, name)]
        if given and self.choose != "fixed":
            raise ValueError(f"{given[0]} belongs to postprocess.choose=fixed, and here it is {self.choose}")
        if not given and self.choose == "fixed":
            raise ValueError("choose=fixed needs something that is to be done, such as min_area=64")
        return self
