"""A source of data: a folder, an archive or a catalog name -> its items, paired by key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from limner.data import archive
from limner.data.catalog import catalog_names, locate
from limner.data.pairing import Pairing, image_names, pair_names
from limner.data.store import FileStore, FolderStore, Store
from limner.data.wording import counted
from limner.errors import DataError, nearest
from limner.files import sha256
from limner.imaging.read import read_image, read_mask
from limner.types import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file in a folder or an archive, not yet read.

    Attributes:
        name: Its relative posix name within the source; never absolute, never with `..`.
        store: The folder or archive.
    """

    name: str
    store: Store

    @property
    def display(self) -> str:
        """The file's place, for people: a path, or `a.zip:images/x.jpg`."""
        return self.store.display(self.name)

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            DataError: It cannot be read.
        """
        return self.store.read(self.name)


@dataclass(frozen=True, slots=True)
class Item:
    """One image with its mask, where it has one; not yet read."""

    key: str
    image: FileRef
    mask: FileRef | None

    def load(self) -> Sample:
        """Read image and mask.

        Raises:
            DataError: There is no mask, a file cannot be read, or the two differ in size.
        """
        if self.mask is None:
            raise DataError("the image has no mask", where=self.image.display, fix="open the source with its masks")
        image = read_image(self.image.read(), name=self.image.display)
        mask = read_mask(self.mask.read(), name=self.mask.display)
        if image.shape[:2] != mask.shape:
            raise _sizes_differ(self.image.display, image.shape[:2], self.mask.name, mask.shape)
        return Sample(self.key, image, mask)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the files: `{"image": ..., "mask": ...}`, without `mask` where there is none."""
        files = {"image": self.image, "mask": self.mask}
        return {role: sha256(file.read()) for role, file in files.items() if file is not None}


def _sizes_differ(where: str, image: tuple[int, ...], mask_name: str, mask: tuple[int, ...]) -> DataError:
    fix = "export both at one size, or leave the pair out"
    if image == mask[::-1]:
        fix = (
            "one of the two is turned, most likely by an EXIF orientation tag, which limner applies and other tools ignore: "
            "save the image upright without the tag, or turn the mask like it"
        )
    what = f"the image is {image[1]}x{image[0]} pixels, but its mask {mask_name} {mask[1]}x{mask[0]}"
    return DataError(what, where=where, fix=fix)


@dataclass(frozen=True)
class Dataset:
    """The items of a source.

    Attributes:
        name: Short, for tables: the catalog's name, or the folder's or archive's without suffix.
        place: The folder or archive.
        items: Sorted by key.
        problems: Files left out and why, one sentence each.
    """

    name: str
    place: str
    items: tuple[Item, ...]
    problems: tuple[str, ...] = ()

    @cached_property
    def _by_key(self) -> dict[str, Item]:
        return {item.key: item for item in self.items}

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def __getitem__(self, key: str) -> Item:
        """The item of a key.

        Raises:
            DataError: There is none.
        """
        try:
            return self._by_key[key]
        except KeyError:
            raise DataError(f"there is no item '{key}'", where=self.place, fix=_near(key, self._by_key)) from None

    def keys(self) -> tuple[str, ...]:
        """All keys, sorted."""
        return tuple(self._by_key)

    def say_problems(self) -> str:
        """How many problems there are and the first three of them, in one line; empty when there are none."""
        if not self.problems:
            return ""
        more = "; ..." if self.problems[3:] else ""
        return f"{counted(len(self.problems), 'problem')} in {self.place}: {'; '.join(self.problems[:3])}{more}"

    def subset(self, keys: Iterable[str]) -> Dataset:
        """The items of some keys, sorted, each once.

        Raises:
            DataError: A key is not there.
        """
        items = tuple(self[key] for key in sorted(set(keys)))
        return Dataset(self.name, self.place, items, self.problems)


def open_source(source: str | Path, *, masks: bool = True) -> Dataset:
    """Find the items of a source; nothing but names is read.

    Args:
        source: A folder, an archive (.zip, .tar, .tar.gz, .tgz), or a catalog name (see `limner.data.catalog`). Without masks also one
            image file. A path that exists goes before a catalog name.
        masks: Whether pairs are wanted, or images only.

    Raises:
        DataError: There is no such source, it cannot be read, or nothing usable is in it.

    Example:
        >>> import tempfile, numpy as np
        >>> from limner.imaging import write_image, write_mask
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_image(folder / "images" / "a.png", np.zeros((4, 4, 3), np.uint8))
        >>> write_mask(folder / "masks" / "a.png", np.ones((4, 4), bool))
        >>> data = open_source(folder)
        >>> data.keys(), data["a"].load().mask.all()
        (('a',), np.True_)
    """
    path, name = _find(source)
    store = _open(path)
    names = store.names()
    found = pair_names(names) if masks else image_names(names)
    if not found.pairs:
        raise _nothing(path, names, found) if masks else _no_images(path, names)
    items = tuple(
        Item(pair.key, FileRef(pair.image, store), None if pair.mask is None else FileRef(pair.mask, store)) for pair in found.pairs
    )
    return Dataset(name, str(path), items, found.problems)


def _find(source: str | Path) -> tuple[Path, str]:
    path = Path(source).expanduser()
    if path.exists():
        return path, _short(path)
    if str(source) in catalog_names():
        return locate(str(source)), str(source)
    raise DataError(
        "there is no such folder, archive or data set",
        where=source,
        fix=f"check the path, or name a data set of the catalog ({nearest(str(source), catalog_names())})",
    )


def _short(path: Path) -> str:
    name = path.resolve().name
    ending = next((suffix for suffix in archive.SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(ending)] or name


def _open(path: Path) -> Store:
    if path.is_dir():
        return FolderStore(path)
    if archive.is_other_archive(path):
        raise DataError("archives of this kind are not read", where=path, fix=archive.REPACK)
    return archive.open_archive(path) if archive.is_archive(path) else FileStore(path)


def _nothing(path: Path, names: list[str], found: Pairing) -> DataError:
    if not found.images and not found.masks:
        return _no_images(path, names)
    if not found.masks:
        what = f"{counted(found.images, 'image')} without any mask"
    elif not found.images:
        what = f"{counted(found.masks, 'mask')} without any image"
    else:
        what = f"{counted(found.images, 'image')} and {counted(found.masks, 'mask')}, but no two that belong together"
    example = f"; for example {found.problems[0]}" if found.problems else ""
    return DataError(
        f"no pair of image and mask was found, only {what}{example}",
        where=path,
        fix="name them alike, images/NAME.jpg with masks/NAME.png or NAME.jpg with NAME_mask.png, and keep one folder of masks",
    )


def _no_images(path: Path, names: list[str]) -> DataError:
    several = path.is_dir() or archive.is_archive(path)
    what = f"there are no pictures among its {counted(len(names), 'file')}" if several else "it is no picture"
    return DataError(what, where=path, fix=_hint(sorted(names)))


def _hint(names: list[str]) -> str:
    """What to name instead of a source that holds no pictures."""
    if packed := [name for name in names if archive.is_archive(Path(name))]:
        return f"it holds {packed[0]}: name that file itself"
    if other := [name for name in names if archive.is_other_archive(Path(name))]:
        return f"it holds {other[0]}: {archive.REPACK}"
    return "name a folder or archive of PNG, JPEG, TIFF, BMP, GIF or WebP files"


def _near(key: str, keys: Iterable[str]) -> str:
    hint = nearest(key, keys)
    return hint if hint.startswith("did") else "check the spelling; keys are the images' names without suffix"
