"""What the catalog says of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limner.data.catalog.layout import Fit, Layout, fit_layout
from limner.data.names import is_picture
from limner.data.pairing import pair_names
from limner.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from limner.data.catalog.official import OfficialSplit
    from limner.data.pairing import Pairing

_LEAST_SHARE = 0.5  # of the pictures; below it, a layout is more likely met by chance


@dataclass(frozen=True, slots=True)
class Download:
    """One file of the official download.

    Attributes:
        file: Its name.
        url: Where it is; None where one has to register, or to press a button.
        size: In bytes; None where nobody publishes it.
        sha256: None where nobody publishes it.
        md5: None where nobody publishes it.
    """

    file: str
    url: str | None = None
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """The facts of one data set.

    Attributes:
        name: As given on the command line.
        title: As its authors call it.
        task: What its masks outline, in the singular.
        modality: What its pictures are, in the plural.
        pairs: How many pairs of image and mask it holds.
        image_size: In pixels, width x height, in a phrase.
        year: Of its publication.
        address: Official page.
        licence: In a phrase.
        citation: The paper to cite.
        notes: What one has to know of it.
        archives: File names of the official download, and how else it is often named; the first is the official one.
        folder: The name of the folder that the archive unpacks to.
        aliases: More names under which copies are passed around, beside name, title, folder and archives.
        downloads: The files of the official download; those without address have to be fetched by hand.
        registration: What one has to do by hand to get it; None where `downloads` has all addresses.
        layouts: How its files are named, the official layout first.
        group_noun: What images of one group share, in the singular; None where groups are not known.
        group: From a key to its group; None where groups are not known.
        splits: Published splits.
    """

    name: str
    title: str
    task: str
    modality: str
    pairs: int
    image_size: str
    year: int
    address: str
    licence: str
    citation: str
    notes: str
    archives: tuple[str, ...]
    folder: str
    layouts: tuple[Layout, ...]
    aliases: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    registration: str | None = None
    group_noun: str | None = None
    group: Callable[[str], str | None] | None = None
    splits: tuple[OfficialSplit, ...] = ()

    @property
    def size(self) -> int | None:
        """Bytes of the whole download; None unless all are known."""
        sizes = [download.size for download in self.downloads]
        return sum(size for size in sizes if size is not None) if sizes and None not in sizes else None

    @property
    def is_open(self) -> bool:
        """Whether every file of the download has an address that needs no registration."""
        return bool(self.downloads) and all(download.url for download in self.downloads)

    @property
    def known_as(self) -> tuple[str, ...]:
        """All names under which folders and archives of it go."""
        return (self.name, self.title, self.folder, *self.archives, *self.aliases)

    @property
    def observers(self) -> int:
        """How many people's masks it holds."""
        return max(len(layout.masks) for layout in self.layouts)

    def pair(self, names: Iterable[str], *, observer: int = 1) -> Pairing:
        """Pair the names of a copy of this data set, in any layout in which it is passed around.

        Names in a layout that is not known are paired by the words in them, as those of a user's own data.

        Args:
            names: Relative posix names.
            observer: Whose masks, where several people drew them: 1 for the first.

        Raises:
            DataError: There is no such observer.
        """
        if not 1 <= observer <= self.observers:
            told = "one observer" if self.observers == 1 else f"{self.observers} observers"
            raise DataError(f"{self.title} has masks by {told}, so none by observer {observer}", fix="leave data.observer at 1")
        held = list(names)
        best = self.fit(held, observer=observer)
        return best.pairing if best else pair_names(held, observer=observer)

    def fit(self, names: Collection[str], *, observer: int = 1) -> Fit | None:
        """The layout that makes the most pairs of some names, and these; None where none explains half of the pictures."""
        pictures = [name for name in names if is_picture(name)]
        best: Fit | None = None
        for layout in self.layouts:
            fit = fit_layout(layout, pictures, observer=observer)
            if fit.share >= _LEAST_SHARE and fit.pairing.pairs and (best is None or fit.rank > best.rank):
                best = fit
            if best and best.is_perfect:  # the others could but do as well
                break
        return best

    def group_of(self, key: str) -> str | None:
        """The patient, sequence or eye pair that an image is from; None where that is not known."""
        return self.group(key) if self.group else None

    def split_names(self) -> list[str]:
        """Names of the published splits, sorted."""
        return sorted(split.name for split in self.splits)

    def split(self, name: str, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The keys of each part of a published split.

        Args:
            name: One of `split_names()`.
            keys: All keys of the copy at hand.

        Returns:
            Sorted keys by part: `train`, `test`, and `val` where the split has one.

        Raises:
            DataError: There is no such split, or the keys are not those that it was published for.
        """
        known = {split.name: split for split in self.splits}
        if name not in known:
            fix = nearest(name, known) if known else "leave the split out to have one drawn, or give your own lists"
            raise DataError(f"{self.title} has no split '{name}'", fix=fix)
        return known[name].parts_of(keys)

    def places(self, folder: Path) -> list[Path]:
        """Where below the data folder it may lie, most likely first: archives before what they unpack to."""
        bases = [folder / name for name in dict.fromkeys((self.name, self.name.replace("-", "_"), self.folder))]
        archives = [base / archive for base in (*bases, folder) for archive in self.archives]
        return [*archives, *(base / self.folder for base in bases), *bases]
