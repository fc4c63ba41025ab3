"""A source that lies in memory, for tests that read thousands of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.data.folders import image_bytes, mask_bytes
from tests.data.formats import writers

from limner.data.formats import read_annotations
from limner.data.options import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.data.formats import Annotated

SIZE = (8, 10)


class MemoryStore:
    """Files by name."""

    place = Path("memory")

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def names(self) -> list[str]:
        return list(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name]

    def display(self, name: str) -> str:
        return f"memory/{name}"


IMAGES = {"a.png": image_bytes(1, SIZE), "b.png": image_bytes(2, SIZE), "a_mask.png": mask_bytes(3, SIZE)}


def read(name: str, data: bytes, options: SourceOptions | None = None) -> Annotated:
    """What one annotation file says of two small images."""
    store = MemoryStore({**IMAGES, name: data})
    return read_annotations((name,), store, store.names(), options or SourceOptions())


def read_value(value: object, name: str = "notes.json") -> Annotated:
    return read(name, writers.dumped(value))


def use(found: Annotated) -> int:
    """Read everything that items can be asked for; how many pixels are foreground."""
    pixels = 0
    for item in found.items:
        assert item.mask is not None
        mask, labels = item.load().mask, item.load_instances()
        assert mask.shape == labels.shape
        assert mask.dtype == bool
        assert (mask == (labels > 0)).all()
        pixels += int(mask.sum())
        assert len(item.mask.digest()) == 64
    assert all(str(problem) for problem in found.problems)
    return pixels
