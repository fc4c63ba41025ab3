"""Views of an image at test time: turned, mirrored, larger or smaller. What a model says of each is turned back, and the mean is taken.

Test-time augmentation; how much the views disagree is a measure of uncertainty (Wang et al., Aleatoric uncertainty estimation with
test-time augmentation for medical image segmentation with convolutional neural networks, Neurocomputing 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from limner.errors import LimnerError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from limner.types import ProbArray

    Values = TypeVar("Values", bound=NDArray[Any])


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at an image.

    Attributes:
        mirrored: Left and right are exchanged first.
        turns: Then it is turned so many times by 90° against the clock, 0 to 3.
        scale: So many times as large as otherwise the network sees it.

    Example:
        >>> view, image = View(mirrored=True, turns=1), np.arange(6).reshape(1, 2, 3)
        >>> view.apply(image)[0].tolist()
        [[0, 3], [1, 4], [2, 5]]
        >>> bool((view.undo(view.apply(image)) == image).all())
        True
    """

    mirrored: bool = False
    turns: int = 0
    scale: float = 1.0

    @property
    def transposes(self) -> bool:
        """Whether height and width are exchanged."""
        return self.turns % 2 == 1

    def apply(self, images: Values) -> Values:
        """The images (N, H, W, ...) turned as this view sees them, whatever its scale."""
        mirrored = images[:, :, ::-1] if self.mirrored else images
        return cast("Values", np.rot90(mirrored, self.turns, axes=(1, 2)))

    def undo(self, maps: Values) -> Values:
        """Maps (N, H', W') of turned images, turned back to (N, H, W)."""
        turned = np.rot90(maps, -self.turns, axes=(1, 2))
        return cast("Values", turned[:, :, ::-1] if self.mirrored else turned)

    def then(self, other: View) -> View:
        """This view, and another one of what it shows."""
        turns = (other.turns - self.turns if other.mirrored else other.turns + self.turns) % 4
        return View(self.mirrored != other.mirrored, turns, self.scale * other.scale)


VIEWS: dict[str, tuple[View, ...]] = {
    "flips": (View(), View(mirrored=True), View(mirrored=True, turns=2), View(turns=2)),
    "rotations": tuple(View(turns=turns) for turns in range(4)),
    "scales": tuple(View(scale=scale) for scale in (1.0, 0.8, 1.25)),
}


def combine_views(names: Sequence[str]) -> tuple[View, ...]:
    """All combinations of some sets of views, each once; the image as it is comes first.

    Args:
        names: Keys of `VIEWS`; none for the image as it is alone.

    Raises:
        LimnerError: There is no such set.

    Example:
        >>> [len(combine_views(names)) for names in ([], ["flips"], ["flips", "rotations"], ["flips", "rotations", "scales"])]
        [1, 4, 8, 24]
    """
    for name in names:
        if name not in VIEWS:
            raise LimnerError(f"there are no test-time views '{name}'", fix=nearest(name, VIEWS))
    product = reduce(lambda found, name: [one.then(other) for one in found for other in VIEWS[name]], dict.fromkeys(names), [View()])
    return tuple(dict.fromkeys(product))


class Spread:
    """Mean and standard deviation of maps that come one after the other, none of which is kept (Welford, Technometrics 1962).

    Example:
        >>> spread = Spread()
        >>> for value in (0.2, 0.4, 0.6):
        ...     spread.add(np.full((1, 2, 2), value, np.float32))
        >>> mean, deviation = spread.result()
        >>> mean.round(2).max(), deviation.round(4).max()
        (np.float32(0.4), np.float32(0.1633))
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = self._squares = np.zeros((), np.float32)

    def add(self, maps: ProbArray) -> None:
        """Take in one more map, whose array may be changed."""
        self._count += 1
        if self._count == 1:
            self._mean = maps
            return
        away = maps - self._mean
        self._mean += away / np.float32(self._count)
        self._squares = self._squares + away * (maps - self._mean)

    def result(self) -> tuple[ProbArray, ProbArray | None]:
        """The mean, and the standard deviation (of all of them, not of a sample); of a single map there is none."""
        if self._count == 1:
            return self._mean, None
        return self._mean.clip(0, 1), np.sqrt(self._squares / np.float32(self._count))
