"""A key for each image: its stem, with its folder before it where stems repeat."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from limner.data.names import normal

if TYPE_CHECKING:
    from limner.data.roles import RoledFile


def give_keys(images: list[RoledFile]) -> dict[str, str]:
    """A unique key for each image's name, no longer than it takes."""
    level = {file.name: 0 for file in images}
    while True:
        keys = {file.name: _key(file, level[file.name]) for file in images}
        count = Counter(keys.values())
        repeated = [name for name, key in keys.items() if count[key] > 1]
        if not repeated:
            return keys
        for name in repeated:
            level[name] += 1


def _key(file: RoledFile, level: int) -> str:
    """The stem; with the folder before it; with the suffix behind it; the whole name, which nothing else has."""
    own = (file.stem,) if file.identity or not file.root else ()
    placed = normal("/".join((*file.root, *own)))
    return (placed.rsplit("/", 1)[-1], placed, placed + PurePosixPath(file.name).suffix, file.name)[min(level, 3)]
