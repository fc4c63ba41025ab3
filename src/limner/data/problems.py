"""What is wrong with the names in a source: files that are left out, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ProblemKind: TypeAlias = Literal[
    "orphan-image",  # an image without a mask
    "orphan-mask",  # a mask without an image
    "collision",  # several files lay claim to one key
    "rival-masks",  # several folders look like the masks of the same images
    "copied-folder",  # two folders hold images of the same names
    "left-out",  # files that are not wanted here: masks among images to predict, second observers
    "annotation",  # an entry of an annotation file that cannot be used
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a source that its user should know.

    Attributes:
        kind: What sort it is.
        files: Names of the files (or folders, which end in `/`) within the source that it is about, sorted.
        text: One sentence that names them and says why.
    """

    kind: ProblemKind
    files: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text
