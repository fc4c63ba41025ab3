"""Which images there are to predict, and what their outputs are called."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from limner.data.store import FileRef, FolderStore
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Job:
    """One image and what its outputs are called.

    Attributes:
        image: The image file.
        name: Relative name of the outputs, without a suffix.
        kind: A `slide` is read and written by tiles; an `image` is held in memory whole.
    """

    image: FileRef
    name: str
    kind: Literal["image", "slide"] = "image"

    @property
    def path(self) -> Path | None:
        """The image's place on disk; None within an archive."""
        return self.image.store.place / self.image.name if isinstance(self.image.store, FolderStore) else None


@dataclass(frozen=True, slots=True)
class Clip:
    """One video and what its outputs are called.

    Attributes:
        source: A file, `webcam`, or the address of a stream.
        name: Relative name of the outputs, without a suffix.
    """

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do.

    Attributes:
        images: Pictures and slides.
        clips: Videos.
        left_out: What was left out of the inputs as not meant, such as masks beside their images, in sentences.
    """

    images: tuple[Job, ...]
    clips: tuple[Clip, ...] = ()
    left_out: tuple[str, ...] = ()


def output_names(files: Sequence[tuple[str, str]]) -> list[str]:
    """Name the outputs of files, each given as (last folders of its input, its relative path in it); all names differ.

    A name is the relative path without its suffix; where that is taken twice, the input's own name comes before it; where that does not
    help, the folder that the input is in as well; and where even that does not, the suffix stays on.

    Raises:
        DataError: Two files cannot be told apart even so.

    Example:
        >>> output_names([("day1", "a.jpg"), ("day2", "a.jpg"), ("day2", "b.png"), ("day2", "b.jpg")])
        ['day1/a', 'day2/a', 'day2/b.png', 'day2/b.jpg']
    """
    level = [0] * len(files)
    for _ in _FORMS:
        names = [_FORMS[step](*file) for step, file in zip(level, files, strict=True)]
        taken = Counter(names)
        if len(taken) == len(names):
            return names
        level = [min(step + (taken[name] > 1), len(_FORMS) - 1) for step, name in zip(level, names, strict=True)]
    twice = next(name for name, times in taken.items() if times > 1)
    fix = "predict the inputs one by one, each with an --out of its own"
    raise DataError("two images would be written to the same name", where=twice, fix=fix)


_FORMS: tuple[Callable[[str, str], str], ...] = (
    lambda _root, path: _stem(path),
    lambda root, path: str(PurePosixPath(PurePosixPath(root).name, _stem(path))),
    lambda root, path: str(PurePosixPath(root, _stem(path))),
    lambda root, path: str(PurePosixPath(root, path)),
)


def _stem(path: str) -> str:
    return str(PurePosixPath(path).parent / PurePosixPath(path).stem)
