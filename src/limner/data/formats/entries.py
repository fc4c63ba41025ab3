"""What the readers of all formats hand over: which image, and what is drawn on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from limner.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.data.formats.shapes import Shape
    from limner.data.store import FileRef


class Unusable(Exception):  # noqa: N818 - a reason more than an error: it never leaves the package
    """Why an entry is left out; a sentence without its subject's name."""


class NoImage(Unusable):
    """The entry's image is not there."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One object.

    Attributes:
        classes: What it is said to be; one name but where a tool allows several.
        shapes: What makes it up, together.
    """

    classes: tuple[str, ...]
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One image as an annotation file describes it.

    Attributes:
        file: The annotation file.
        place: Which entry of the file, such as `images[3]`; empty where there is but one.
        image: The image.
        size: Height and width that the file says it has.
        drawn: Its objects; none on an image without any.
        pictures: Its masks, where these are pictures; then nothing is drawn.
        key: Its key, where the file gives one.
        fov: Its field-of-view mask.
        group: Its patient, sequence or slide.
        columns: What else the file says of it, by column.
    """

    file: FileRef
    place: str
    image: FileRef
    size: tuple[int, int] | None = None
    drawn: tuple[Drawn, ...] = ()
    pictures: tuple[FileRef, ...] = ()
    key: str | None = None
    fov: FileRef | None = None
    group: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass
class Reading:
    """What one file says.

    Attributes:
        file: The file.
        entries: Its images that can be used.
        problems: What of it cannot be used, and why.
        missing: Names of images that are not there.
        classes: All classes that it names, used or not, by every name that a user may call them: their own and their ids.
    """

    file: FileRef
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)

    def leave_out(self, place: str, reason: object) -> None:
        """Add the problem of an entry or an object that cannot be used; of the whole file where the place is empty."""
        what = f"{self.file.name}: {place}" if place else self.file.name
        self.problems.append(Problem("annotation", (self.file.name,), f"{what} is left out: {reason}"))
