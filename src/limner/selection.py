"""Which images of a source an evaluation is of, and whether the model was made of any of them.

Images are known by their content, whatever they are called now: a model file holds the hashes of the images it was made of.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

from limner.data import load_split, verify_split
from limner.data.splits import PARTS, load_hashes, names_official, official_parts, read_list
from limner.data.splits.words import some_of
from limner.data.wording import counted
from limner.errors import DataError, LimnerWarning
from limner.files import sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from limner.data import Dataset, Item
    from limner.runtime import ModelMetadata

_T = TypeVar("_T")
PartChoice: TypeAlias = Literal["all", "train", "val", "test"]
SplitChoice: TypeAlias = "Mapping[str, Path] | Path | None"
HASH_DIGITS = 12  # of an image's SHA-256 in a model file: two of a million images are then taken for the same in one of 500 cases


class Model(Protocol):
    """What is asked of a model here; `limner.runtime.Predictor` is one."""

    @property
    def path(self) -> Path:
        """The model file."""

    @property
    def metadata(self) -> ModelMetadata:
        """What it says about itself."""


class SeenInTrainingWarning(LimnerWarning):
    """A model is evaluated on images that it was trained on, or on which it was chosen."""


class SplitChangedWarning(LimnerWarning):
    """Files are not those that a saved split was made of."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The images to evaluate.

    Attributes:
        dataset: The images.
        part: Which part of their source they are.
        seen: How many of them the model was trained on or chosen by, as far as is known.
    """

    dataset: Dataset
    part: PartChoice
    seen: int = 0

    @property
    def notice(self) -> str | None:
        """What must be said beside the scores, if some of the images were seen."""
        if not self.seen:
            return None
        return (
            f"{self.seen} of the {len(self.dataset)} images evaluated were used to train this model or to choose its threshold: "
            "these scores say nothing about new images"
        )


def select(dataset: Dataset, *, split: SplitChoice, part: PartChoice | None, model: Model | None) -> Selection:
    """Choose the images to evaluate a model on.

    Without a split and a part: the test part, if the model was made of this data, and all images if not.

    Args:
        dataset: Where to choose from.
        split: A split.json, lists of ids by part, or the name of an official split.
        part: The part that is wanted; by default the test part of a split.
        model: The model. Its file says which images it was made of; for a file that does not, a split.json beside it may. None for
            predictions of unknown origin, of which nothing says what they were made of.

    Raises:
        DataError: There is no such part.

    Warns:
        SeenInTrainingWarning: Some of the images are in the train or val part of the model's run.
        SplitChangedWarning: Files of the part are not those that the split.json was made of.
    """
    if part == "all":
        chosen = Selection(dataset, "all")
    elif split is not None:
        wanted = part or "test"
        chosen = Selection(dataset.subset(_keys_of(dataset, split, wanted)), wanted)
    else:
        chosen = _own_part(dataset, part, model)
    return chosen if model is None else with_seen(chosen, model)


def with_seen(selection: Selection, model: Model) -> Selection:
    """Count the images of a selection that the model was trained on or chosen by.

    Warns:
        SeenInTrainingWarning: There are some.
    """
    made_of = _made_of(model)
    learnt = made_of["train"] | made_of["val"]
    if learnt:
        selection = replace(selection, seen=sum(_hash(item) in learnt for item in selection.dataset.items))
    if selection.notice:
        warnings.warn(selection.notice, SeenInTrainingWarning, stacklevel=4)
    return selection


def _own_part(dataset: Dataset, part: PartChoice | None, model: Model | None) -> Selection:
    """The part of the model's own data; of other data everything."""
    made_of = _made_of(model) if model else {}
    hashes = {item.key: _hash(item) for item in dataset.items} if any(made_of.values()) else {}
    if model and _is_own(hashes.values(), made_of) and (part or made_of["test"]):
        wanted = part or "test"
        keys = [key for key, value in hashes.items() if value in made_of[wanted]]
        return Selection(dataset.subset(_nonempty(keys, wanted, model.path)), wanted)
    if part is not None:
        raise DataError(
            f"nothing says which images are the {part} part",
            where=dataset.place,
            fix=f"add --split {part}=FILE or --split split.json, or evaluate all images with --part all",
        )
    return Selection(dataset, "all")


def _is_own(hashes: Iterable[str], made_of: _Parts) -> bool:
    """Whether a model was made of this data: it holds every image of its test part (or train part, if there is no test part)."""
    known = made_of["test"] or made_of["train"]
    return bool(known) and known <= set(hashes)


def _keys_of(dataset: Dataset, split: Mapping[str, Path] | Path, part: PartChoice) -> Collection[str]:
    if isinstance(split, PathLike) and names_official(split, dataset):
        return _part_of(official_parts(dataset, str(split)), part)
    if isinstance(split, PathLike):
        keys = _nonempty(load_split(Path(split)).part(part), part, Path(split))
        _warn_if_changed(Path(split), dataset, keys)
        return keys
    return read_list(_part_of(split, part), dataset.keys(), part)


def _part_of(split: Mapping[str, _T], part: str) -> _T:
    if part not in split:
        given = ", ".join(split)
        raise DataError(
            f"the split has nothing for the {part} part, only for: {given}", fix=f"give {part}=FILE, or say which --part is meant"
        )
    return split[part]


def _warn_if_changed(split: Path, dataset: Dataset, keys: Collection[str]) -> None:
    """Compare the files of a part with the hashes in the split; a key that is gone is an error later."""
    if changed := verify_split(split, dataset, {key for key in keys if key in dataset}):
        warnings.warn(
            f"{counted(len(changed), 'file')} changed since {split} was made: {some_of(changed)}", SplitChangedWarning, stacklevel=5
        )


def _nonempty(keys: Collection[str], part: str, where: Path) -> Collection[str]:
    if not keys:
        raise DataError(f"the {part} part is empty", where=where, fix="choose another part with --part")
    return keys


_Parts: TypeAlias = "dict[str, set[str]]"  # part -> hashes of its images, shortened


def _made_of(model: Model) -> _Parts:
    """Hashes of the images that a model was made of; empty where nothing says."""
    parts = model.metadata.training_data.get("hashes") or _hashes_beside(model.path)
    return {part: set(parts.get(part, ())) for part in PARTS}


def _hashes_beside(model: Path) -> dict[str, list[str]]:
    """Those in the run folder, for files written before they held hashes themselves."""
    file = model.parent / "split.json"
    return short_hashes(file) if model.name == "model.onnx" and file.is_file() else {}


def short_hashes(split: Path) -> dict[str, list[str]]:
    """The images of each part of a saved split, by the first `HASH_DIGITS` of their SHA-256: as a model knows what it was made of.

    Raises:
        DataError: The file is no split.
    """
    return {part: [hashes.get("image", "")[:HASH_DIGITS] for hashes in files.values()] for part, files in load_hashes(split).items()}


def _hash(item: Item) -> str:
    return sha256(item.image.read())[:HASH_DIGITS]
