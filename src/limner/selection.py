"""Which images of a source an evaluation is of, and whether the model was trained on any of them."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from limner.data import load_split
from limner.data.split_lists import read_list
from limner.data.splits import PARTS
from limner.errors import DataError, LimnerWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.data import Dataset

PartChoice: TypeAlias = Literal["all", "train", "val", "test"]
SplitChoice: TypeAlias = "Mapping[str, Path] | Path | None"


class SeenInTrainingWarning(LimnerWarning):
    """A model is evaluated on images that it was trained on, or on which it was chosen."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The images to evaluate, and which part of their source they are."""

    dataset: Dataset
    part: PartChoice


def select(dataset: Dataset, *, split: SplitChoice, part: PartChoice | None, model: Path) -> Selection:
    """Choose the images to evaluate a model on.

    Without a split and a part: the test part, if the model lies in the folder of a run that was made of this data, and all images if not.

    Args:
        dataset: Where to choose from.
        split: A split.json, or lists of ids by part.
        part: The part that is wanted; by default the test part of a split.
        model: The model file; the run's split.json is looked for beside it.

    Raises:
        DataError: There is no such part.

    Warns:
        SeenInTrainingWarning: Some of the images are in the train or val part of the model's run, by their hashes.
    """
    hashes = _run_hashes(model)
    selection = _select(dataset, split, part, model, hashes)
    _warn_if_seen(selection, hashes)
    return selection


def _select(dataset: Dataset, split: SplitChoice, part: PartChoice | None, model: Path, hashes: _Hashes) -> Selection:
    if part == "all":
        return Selection(dataset, "all")
    if split is not None:
        wanted = part or "test"
        return Selection(dataset.subset(_keys_of(dataset, split, wanted)), wanted)
    own = _is_own(dataset, hashes)
    if own and (part or hashes["test"]):
        wanted = part or "test"
        return Selection(dataset.subset(_nonempty(hashes[wanted], wanted, model.parent / "split.json")), wanted)
    if part is not None:
        raise DataError(
            f"nothing says which images are the {part} part",
            where=dataset.place,
            fix=f"add --split {part}=FILE or --split split.json, or evaluate all images with --part all",
        )
    return Selection(dataset, "all")


def _keys_of(dataset: Dataset, split: Mapping[str, Path] | Path, part: PartChoice) -> tuple[str, ...]:
    if isinstance(split, PathLike):
        return _nonempty(load_split(Path(split)).part(part), part, Path(split))
    if part not in split:
        given = ", ".join(split)
        raise DataError(
            f"the split has no list for the {part} part, only for: {given}", fix=f"give {part}=FILE, or say which --part is meant"
        )
    return read_list(split[part], dataset.keys(), part)


def _nonempty(keys: Mapping[str, str] | tuple[str, ...], part: str, where: Path) -> tuple[str, ...]:
    if not keys:
        raise DataError(f"the {part} part is empty", where=where, fix="choose another part with --part")
    return tuple(keys)


_Hashes: TypeAlias = "dict[str, dict[str, str]]"  # part -> key -> SHA-256 of the image file


def _run_hashes(model: Path) -> _Hashes:
    """Hashes of the images that the model's run was made of; empty when the model does not lie in a run folder."""
    file = model.parent / "split.json"
    if model.name != "model.onnx" or not file.is_file():
        return {part: {} for part in PARTS}
    load_split(file)  # a damaged file is an error that says so
    values = json.loads(file.read_text(encoding="utf-8"))
    return {part: {key: files.get("image", "") for key, files in values.get(part, {}).items()} for part in PARTS}


def _is_own(dataset: Dataset, hashes: _Hashes) -> bool:
    """Whether the run was made of this data: it holds every image of the run's test part (or train part, if there is no test part)."""
    known = hashes["test"] or hashes["train"]
    return bool(known) and all(key in dataset and dataset[key].hashes()["image"] == value for key, value in known.items())


def _warn_if_seen(selection: Selection, hashes: _Hashes) -> None:
    trained = {*hashes["train"].values(), *hashes["val"].values()}
    if not trained:
        return
    seen = sum(item.hashes()["image"] in trained for item in selection.dataset.items)
    if seen:
        warnings.warn(
            f"{seen} of the {len(selection.dataset)} images evaluated were used to train this model or to choose its threshold: "
            "these scores say nothing about new images",
            SeenInTrainingWarning,
            stacklevel=4,
        )
