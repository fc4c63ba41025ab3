"""Masks that are drawn from shapes: small, frozen, and turned into pixels only when they are asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limner.data.formats.brush import fill_brush
from limner.data.formats.entries import Unusable
from limner.data.formats.outlines import Window, fill_rings, length_of
from limner.data.formats.runs import fill_runs, unpack_runs
from limner.data.masks import sizes_differ
from limner.errors import DataError
from limner.files import sha256
from limner.imaging.read import read_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from limner.data.store import FileRef
    from limner.types import LabelArray, MaskArray

_MOST_PIXELS = 400_000_000  # painted for one image, objects that overlap counted anew: a second's work
_LONGEST = 2_000_000  # pixels along one outline
_LONGEST_TOGETHER = 10_000_000
_PNG = b"\x89PNG\r\n\x1a\n"


class Shape(Protocol):
    """A part of an object."""

    def paint(self, size: tuple[int, int]) -> tuple[Window, MaskArray] | None:
        """A window of the image with the pixels in it that belong to the shape; None where there are none.

        Raises:
            Unusable: It is damaged, or not made for an image of this size.
        """

    def length(self) -> float:
        """How far it is along its outline, in pixels; 0 where no outline has to be walked along."""

    def canonical(self) -> list[Any]:
        """What it depends on, as a JSON value."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """An outline and, in any order, the holes in it.

    Attributes:
        rings: For each, x and y of its points one after the other, as little-endian 64-bit floats: a fraction of what tuples take.
    """

    rings: tuple[bytes, ...]

    @classmethod
    def of(cls, *rings: object) -> Polygon:
        """From sequences or arrays of points, (N, 2). Rings of fewer than three points hold no area and are left out.

        Raises:
            Unusable: None is left.
        """
        arrays = [np.asarray(ring, dtype="<f8").reshape(-1, 2) for ring in rings]
        if kept := tuple(array.tobytes() for array in arrays if len(array) > 2):
            return cls(kept)
        raise Unusable("it has fewer than three points, so it holds no area")

    def paint(self, size: tuple[int, int]) -> tuple[Window, MaskArray] | None:
        return fill_rings(self.arrays(), size)

    def length(self) -> float:
        return length_of(self.arrays())

    def canonical(self) -> list[Any]:
        return ["polygon", [array.ravel().tolist() for array in self.arrays()]]

    def arrays(self) -> list[NDArray[np.float64]]:
        """The rings as arrays, (N, 2)."""
        return [np.frombuffer(ring, dtype="<f8").reshape(-1, 2) for ring in self.rings]


@dataclass(frozen=True, slots=True)
class Runs:
    """COCO's run lengths.

    Attributes:
        size: Height and width of the image that they make up.
        counts: The runs, packed as COCO does or as little-endian 64-bit integers.
    """

    size: tuple[int, int]
    counts: str | bytes

    def paint(self, size: tuple[int, int]) -> tuple[Window, MaskArray] | None:
        if self.size != size:
            raise Unusable(f"its run lengths are for an image of {self.size[1]}x{self.size[0]}, but the image is {size[1]}x{size[0]}")
        columns, mask = fill_runs(self._runs(), size)
        return ((slice(0, size[0]), columns), mask) if mask.size else None

    def length(self) -> float:
        return 0.0

    def canonical(self) -> list[Any]:
        return ["runs", self.size, self.counts if isinstance(self.counts, str) else self._runs().tolist()]

    def _runs(self) -> NDArray[np.int64]:
        return unpack_runs(self.counts) if isinstance(self.counts, str) else np.frombuffer(self.counts, dtype="<i8")


@dataclass(frozen=True, slots=True)
class Brush:
    """What was painted in Label Studio, packed as it does."""

    data: bytes

    def paint(self, size: tuple[int, int]) -> tuple[Window, MaskArray]:
        return (slice(0, size[0]), slice(0, size[1])), fill_brush(self.data, size)

    def length(self) -> float:
        return 0.0

    def canonical(self) -> list[Any]:
        return ["brush", sha256(self.data)]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A small PNG of two tones that lies somewhere on the image.

    Attributes:
        data: The PNG.
        left: The column of its first pixel.
        top: The row.
    """

    data: bytes
    left: int
    top: int

    def paint(self, size: tuple[int, int]) -> tuple[Window, MaskArray] | None:
        declared = [int.from_bytes(self.data[at : at + 4], "big") for at in (20, 16)]  # before it is decoded: it could be a bomb
        if not self.data.startswith(_PNG) or declared[0] > size[0] or declared[1] > size[1]:
            raise Unusable("its mask is no PNG, or larger than the image")
        mask = read_mask(self.data, name="the PNG within")
        left, top = max(self.left, 0), max(self.top, 0)
        inside = mask[top - self.top : max(size[0] - self.top, 0), left - self.left : max(size[1] - self.left, 0)]
        if not inside.size:
            return None
        return (slice(top, top + inside.shape[0]), slice(left, left + inside.shape[1])), inside

    def length(self) -> float:
        return 0.0

    def canonical(self) -> list[Any]:
        return ["stamp", self.left, self.top, sha256(self.data)]


@dataclass(frozen=True, slots=True)
class ShapesMask:
    """The mask of one image, drawn from the shapes of an annotation file.

    Attributes:
        files: The annotation file.
        place: Which entry of the file, such as `images[3]`; may be empty.
        size: Height and width that the file says the image has; None where it does not say.
        objects: Each of one or more shapes. An object's pixels are those of any of its shapes, and the mask's those of any object.
    """

    files: tuple[FileRef, ...]
    place: str
    size: tuple[int, int] | None
    objects: tuple[tuple[Shape, ...], ...]

    @property
    def display(self) -> str:
        """File and entry, as `train.json (images[3])`."""
        return f"{self.files[0].display} ({self.place})" if self.place else self.files[0].display

    def load(self, size: tuple[int, int]) -> MaskArray:
        """The union of all objects."""
        mask = np.zeros(size, dtype=np.bool_)
        for _, window, part in self._painted(size):
            mask[window] |= part
        return mask

    def load_instances(self, size: tuple[int, int], areas: Callable[[MaskArray], LabelArray] | None = None) -> LabelArray:
        """One label for each object, in the file's order; the later one where they overlap. Shapes are always told apart."""
        labels = np.zeros(size, dtype=np.int32)
        for label, window, part in self._painted(size):
            labels[window][part] = label
        return labels

    def digest(self) -> str:
        """SHA-256 of the shapes and the size, so that it changes with these alone and not with the rest of the file."""
        content = [self.size, [[shape.canonical() for shape in shapes] for shapes in self.objects]]
        return sha256(json.dumps(content, separators=(",", ":")).encode())

    def _painted(self, size: tuple[int, int]) -> Iterator[tuple[int, Window, MaskArray]]:
        if self.size is not None and self.size != size:
            raise sizes_differ(self.display, self.size, size)
        budget = _Budget()
        try:
            for label, shapes in enumerate(self.objects, start=1):
                for shape in shapes:
                    budget.walk(shape.length())
                    if painted := shape.paint(size):
                        budget.fill(painted[1].size)
                        yield label, *painted
        except Unusable as error:
            what = f"an object of the annotations cannot be drawn: {error}"
            raise DataError(what, where=self.display, fix="mend or remove it in the tool that made it, and export again") from None


class _Budget:
    """What one image may cost, so that a file made to do harm ends in an error."""

    def __init__(self) -> None:
        self._length = 0.0
        self._pixels = 0

    def walk(self, length: float) -> None:
        self._length += length
        if length > _LONGEST:
            raise Unusable("its outline is longer than any object's")
        if self._length > _LONGEST_TOGETHER:
            raise Unusable("the outlines together are longer than those of any image")

    def fill(self, pixels: int) -> None:
        self._pixels += pixels
        if self._pixels > _MOST_PIXELS:
            raise Unusable("too many objects cover each other")
