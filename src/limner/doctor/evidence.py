"""All that the checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.data.lookalikes import Lookalike
    from limner.data.problems import Problem
    from limner.data.splits import Leak
    from limner.doctor.examination import Examination, ImageFacts, MaskFacts


@dataclass(frozen=True)
class Evidence:
    """What is known of a data set once every picture was read.

    Attributes:
        examinations: One for each pair, sorted by key.
        problems: What pairing has left out.
        lookalikes: Pairs of images that are one picture, or nearly.
        leaks: What a split has in two of its parts; empty without a split.
        val_drawn: Whether that split names no validation part, and one was drawn from its train part.
        input_size: Side of the square that training resizes to.
        declared: Whether the user has said what is foreground.
    """

    examinations: tuple[Examination, ...]
    problems: tuple[Problem, ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()
    leaks: tuple[Leak, ...] = ()
    val_drawn: bool = False
    input_size: int = 256
    declared: bool = False

    def images(self) -> Iterator[tuple[Examination, ImageFacts]]:
        """The pairs whose image was read."""
        return ((one, one.image) for one in self.examinations if one.image is not None)

    def masks(self) -> Iterator[tuple[Examination, MaskFacts]]:
        """The pairs whose mask was read."""
        return ((one, one.mask) for one in self.examinations if one.mask is not None)
