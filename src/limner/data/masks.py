"""Where masks come from: a picture, several pictures that are merged, or shapes in an annotation file (see `limner.data.formats`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from limner.errors import DataError
from limner.files import sha256
from limner.imaging.read import read_labels, read_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limner.data.store import FileRef
    from limner.imaging.foreground import Foreground
    from limner.types import LabelArray, MaskArray


class MaskSource(Protocol):
    """The mask of one image, not yet read."""

    @property
    def files(self) -> tuple[FileRef, ...]:
        """The files that it is made from."""

    @property
    def display(self) -> str:
        """Its place, for people."""

    def load(self, size: tuple[int, int]) -> MaskArray:
        """The mask: bool, (H, W).

        Args:
            size: Height and width of its image; a mask of another size is an error.

        Raises:
            DataError: A file cannot be read, or the sizes differ.
        """

    def load_instances(self, size: tuple[int, int], areas: Callable[[MaskArray], LabelArray] | None = None) -> LabelArray:
        """One label for each object: int32, (H, W); 0 is the ground.

        Args:
            size: As for `load`.
            areas: From a mask to its objects, where the source does not tell them apart; by default connected areas.

        Raises:
            DataError: As for `load`.
        """

    def digest(self) -> str:
        """SHA-256 of all that the mask depends on."""


@dataclass(frozen=True, slots=True)
class PictureMask:
    """A mask in one picture, or in several that each hold a part of it (as one PNG for each nucleus).

    Attributes:
        files: One or more.
        foreground: What is foreground in them; None for two tones.
    """

    files: tuple[FileRef, ...]
    foreground: Foreground | None = None

    @property
    def display(self) -> str:
        """The first file, and how many more there are."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return self.files[0].display + more

    def load(self, size: tuple[int, int]) -> MaskArray:
        """The union of all pictures."""
        mask = np.zeros(size, dtype=np.bool_)
        for part in self._parts(size):
            mask |= part
        return mask

    def load_instances(self, size: tuple[int, int], areas: Callable[[MaskArray], LabelArray] | None = None) -> LabelArray:
        """The labels of one picture; of several, one label for each picture, the later one where they overlap."""
        if len(self.files) == 1:
            labels = read_labels(self.files[0].read(), name=self.files[0].display, foreground=self.foreground, areas=areas)
            _check_size(self.files[0], labels.shape, size)
            return labels
        labels = np.zeros(size, dtype=np.int32)
        for label, part in enumerate(self._parts(size), start=1):
            labels[part] = label
        return labels

    def digest(self) -> str:
        """Of one file, its own SHA-256; of several, that of their sorted list."""
        digests = sorted(sha256(file.read()) for file in self.files)
        return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode())

    def _parts(self, size: tuple[int, int]) -> Iterator[MaskArray]:
        """The mask of each picture."""
        for file in self.files:
            part = read_mask(file.read(), name=file.display, foreground=self.foreground)
            _check_size(file, part.shape, size)
            yield part


def _check_size(file: FileRef, found: tuple[int, ...], size: tuple[int, int]) -> None:
    if found != size:
        raise sizes_differ(file.display, found, size)


def sizes_differ(where: str, mask: tuple[int, ...], image: tuple[int, int]) -> DataError:
    """The error of a mask that has not its image's height and width."""
    fix = "export both at one size, or leave the pair out; `limner doctor --fix` repairs what can be repaired"
    if mask == image[::-1]:
        fix = (
            "one of the two is turned, most likely by an EXIF orientation tag, which limner applies and other tools ignore: "
            "save the image upright without the tag, or turn the mask like it; `limner doctor --fix` does it"
        )
    what = f"the mask is {mask[1]}x{mask[0]} pixels, but its image {image[1]}x{image[0]}"
    return DataError(what, where=where, fix=fix)
