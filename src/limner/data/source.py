"""A source of data: a folder, an archive or a catalog name -> its items, paired by key."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.data import archive
from limner.data.catalog import catalog_entry, catalog_names, locate, recognise, see_through
from limner.data.formats import annotation_names, find_annotations, is_annotation_file, read_annotations
from limner.data.formats.kinds import KINDS
from limner.data.items import Dataset, Item
from limner.data.masks import PictureMask
from limner.data.options import DEFAULT_OPTIONS, SourceOptions
from limner.data.pairing import Pair, Pairing, image_names, pair_names
from limner.data.store import FileRef, FileStore, FolderStore, Store
from limner.data.wording import counted
from limner.errors import DataError, nearest
from limner.files import expand_home

if TYPE_CHECKING:
    from limner.data.catalog import CatalogEntry


def open_source(source: str | Path, *, masks: bool = True, options: SourceOptions = DEFAULT_OPTIONS) -> Dataset:
    """Find the items of a source; no picture is read.

    Args:
        source: A folder, an archive (.zip, .tar, .tar.gz, .tgz), an annotation file (see `limner.data.formats`), or a catalog name
            (see `limner.data.catalog`). Without masks also one image file. A path that exists goes before a catalog name.
        masks: Whether pairs are wanted, or images only.
        options: How it is to be read, where its files alone do not say.

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
    dataset = survey(source, masks=masks, options=options)
    if not dataset.items:
        raise _nothing(dataset, masks=masks)
    return dataset


def survey(source: str | Path, *, masks: bool = True, options: SourceOptions = DEFAULT_OPTIONS) -> Dataset:
    """As `open_source`, but a source in which nothing usable is found is no error; its problems say why.

    Raises:
        DataError: There is no such source, or it cannot be read.
    """
    path, name = find_source(source)
    store, names = open_place(path)
    entry = catalog_entry(name) if name in catalog_names() and not expand_home(source).exists() else recognise(path, names)
    if masks and (annotations := find_annotations(path, store, names)):
        found = read_annotations(annotations, store, names, options)
        items, problems = found.items, found.problems
    else:
        pairing = _pair(names, entry, options) if masks else image_names(names)
        items, problems = tuple(_item(pair, store, options) for pair in pairing.pairs), pairing.problems
    return Dataset(name, str(path), tuple(_grouped(item, entry, options) for item in items), problems, entry)


def _pair(names: list[str], entry: CatalogEntry | None, options: SourceOptions) -> Pairing:
    return pair_names(names, observer=options.observer) if entry is None else entry.pair(names, observer=options.observer)


def _item(pair: Pair, store: Store, options: SourceOptions) -> Item:
    masks = tuple(FileRef(name, store) for name in pair.masks)
    return Item(
        pair.key,
        FileRef(pair.image, store),
        PictureMask(masks, options.foreground) if masks else None,
        FileRef(pair.fov, store) if pair.fov else None,
    )


def _grouped(item: Item, entry: CatalogEntry | None, options: SourceOptions) -> Item:
    """The item with its group: by the user's pattern, else as an annotation file or the catalog says."""
    if options.group is None:
        return replace(item, group=item.group or (entry.group_of(item.key) if entry else None))
    found = re.search(options.group, item.key)
    return replace(item, group=(found[1] if found.re.groups else found[0]) or None if found else None)


def find_source(source: str | Path) -> tuple[Path, str]:
    """The path and the short name of a source.

    Raises:
        DataError: There is no such source.
    """
    path = expand_home(source)
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
    if is_annotation_file(path):
        return path.stem
    name = path.resolve().name
    ending = next((suffix for suffix in archive.SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(ending)] or name


def open_place(path: Path) -> tuple[Store, list[str]]:
    """What holds the files at a path, and their names. An annotation file stands for the folder that it lies in.

    Raises:
        DataError: It cannot be read.
    """
    if path.is_dir() or is_annotation_file(path):
        store: Store = FolderStore(path if path.is_dir() else path.parent)
    elif archive.is_other_archive(path):
        raise DataError("archives of this kind are not read", where=path, fix=archive.REPACK)
    else:
        store = archive.open_archive(path) if archive.is_archive(path) else FileStore(path)
    store = see_through(store)
    return store, store.names()


def _nothing(dataset: Dataset, *, masks: bool) -> DataError:
    path = Path(dataset.place)
    names = open_place(path)[1]
    found = pair_names(names)
    if not masks or not (found.images or found.masks):
        return _no_images(path, names)
    if not found.masks:
        what = f"{counted(found.images, 'image')} without any mask"
    elif not found.images:
        what = f"{counted(found.masks, 'mask')} without any image"
    else:
        what = f"{counted(found.images, 'image')} and {counted(found.masks, 'mask')}, but no two that belong together"
    example = f"; for example {dataset.problems[0]}" if dataset.problems else ""
    fix = "name them alike, images/NAME.jpg with masks/NAME.png or NAME.jpg with NAME_mask.png; `limner doctor` lists what is in the way"
    if not found.masks and (unread := annotation_names(names)):
        fix = f"{unread[0]} is of no kind that is read as annotations, which are {KINDS}; else {fix}"
    return DataError(f"no pair of image and mask was found, only {what}{example}", where=path, fix=fix)


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
    return "name a folder or archive of PNG, JPEG, TIFF, BMP, GIF, WebP, PPM, JPEG 2000 or DICOM files"
