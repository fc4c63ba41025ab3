"""Items and data sets: what a source holds, not yet read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.errors import DataError, nearest
from limner.files import sha256
from limner.imaging.read import read_image, read_mask
from limner.types import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from limner.data.catalog import CatalogEntry
    from limner.data.masks import MaskSource
    from limner.data.problems import Problem
    from limner.data.store import FileRef
    from limner.types import ImageArray, LabelArray, MaskArray


@dataclass(frozen=True, slots=True)
class Item:
    """One image with its mask, where it has one; not yet read.

    Attributes:
        key: Unique in its data set.
        image: The image.
        mask: Where its mask comes from.
        fov: The field-of-view mask, as in fundus photographs; outside it nothing is judged.
        group: The patient, sequence or slide that it is from, where that is known. Items of one group belong into one part of a split.
        columns: What else a manifest says of it, such as its site.
    """

    key: str
    image: FileRef
    mask: MaskSource | None
    fov: FileRef | None = None
    group: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)

    def load(self) -> Sample:
        """Read image and mask.

        Raises:
            DataError: There is no mask, a file cannot be read, or the two differ in size.
        """
        image = self.load_image()
        return Sample(self.key, image, self._mask().load(image.shape[:2]))

    def load_image(self) -> ImageArray:
        """Read the image alone.

        Raises:
            DataError: It cannot be read.
        """
        return read_image(self.image.read(), name=self.image.display)

    def load_instances(self, areas: Callable[[MaskArray], LabelArray] | None = None) -> LabelArray:
        """Read the mask as int32 labels (H, W), one for each object.

        Args:
            areas: From a mask to its objects, where the source does not tell them apart; by default connected areas.

        Raises:
            DataError: As for `load`.
        """
        return self._mask().load_instances(self.load_image().shape[:2], areas)

    def load_fov(self) -> MaskArray | None:
        """Read the field of view as a mask; None where there is none.

        Raises:
            DataError: It cannot be read, or is not of two tones.
        """
        return None if self.fov is None else read_mask(self.fov.read(), name=self.fov.display)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the files: `{"image": ..., "mask": ...}`, without `mask` where there is none."""
        image = {"image": sha256(self.image.read())}
        return image if self.mask is None else image | {"mask": self.mask.digest()}

    def _mask(self) -> MaskSource:
        if self.mask is None:
            raise DataError("the image has no mask", where=self.image.display, fix="open the source with its masks")
        return self.mask


@dataclass(frozen=True)
class Dataset:
    """The items of a source.

    Attributes:
        name: Short, for tables: the catalog's name, or the folder's or archive's without suffix.
        place: The folder or archive.
        items: Sorted by key.
        problems: Files left out and why.
        entry: What the catalog knows of it; None for data of the user's own.
    """

    name: str
    place: str
    items: tuple[Item, ...]
    problems: tuple[Problem, ...] = ()
    entry: CatalogEntry | None = None

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

    def provenance(self) -> dict[str, str]:
        """What a model made of it says of it: its name; of a data set that the catalog knows also title, licence, citation and address."""
        facts = {"name": self.name}
        if self.entry is None:
            return facts
        return facts | {name: getattr(self.entry, name) for name in ("title", "licence", "citation", "address")}

    def say_problems(self) -> str:
        """How many problems there are and the first three of them, in one line; empty when there are none."""
        if not self.problems:
            return ""
        more = "; ..." if self.problems[3:] else ""
        return f"{counted(len(self.problems), 'problem')} in {self.place}: {'; '.join(map(str, self.problems[:3]))}{more}"

    def subset(self, keys: Iterable[str]) -> Dataset:
        """The items of some keys, sorted, each once.

        Raises:
            DataError: A key is not there.
        """
        items = tuple(self[key] for key in sorted(set(keys)))
        return replace(self, items=items)


def _near(key: str, keys: Iterable[str]) -> str:
    hint = nearest(key, keys)
    return hint if hint.startswith("did") else "check the spelling; keys are the images' names without suffix"
