"""What a predictor is made of: one model or several, each with its own way of seeing an image."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from operator import index
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from limner.errors import DataError, LimnerError, LimnerWarning
from limner.imaging.resize import resize_image
from limner.runtime.model_file import ModelFile, open_model
from limner.runtime.planes import resize_planes
from limner.runtime.postprocess import merge
from limner.runtime.rows import default_overlap
from limner.runtime.tiled import predict_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray, ProbArray

Side = int | tuple[int, int]
Number = TypeVar("Number", int, float)

_LONGEST = 2**20  # of a tile's side, in pixels


@dataclass(frozen=True, slots=True)
class Member:
    """A model, and the tiles by which it sees an image.

    Attributes:
        model: The model.
        tile: Their height and width in pixels; None where it sees images whole.
        overlap: How much neighbouring tiles share at least, down and across.
    """

    model: ModelFile
    tile: tuple[int, int] | None
    overlap: tuple[int, int]

    @property
    def as_exported(self) -> bool:
        """Whether it sees images as its file says."""
        metadata = self.model.metadata
        own = metadata.input_size if metadata.sampling == "patches" else None
        return self.tile == own and self.overlap == (default_overlap(own) if own else (0, 0))

    def probs(self, images: ImageArray, scale: float = 1.0) -> ProbArray:
        """The probabilities (N, H, W) of images (N, H, W, 3), seen so many times as large as otherwise.

        Raises:
            DataError: The model cannot run on images of this size.
        """
        if self.tile is None and scale == 1:
            return self.run(images)
        see = self._whole if self.tile is None else self._tiled
        return np.stack([see(image, scale) for image in images])

    def run(self, images: ImageArray) -> ProbArray:
        """What the graph says of images, or of tiles, as they are.

        Raises:
            DataError: The model cannot run on images of this size.
        """
        try:
            probs = self.model.engine.run(images)
        except Exception as error:  # noqa: BLE001 - the engines' errors have no common base
            height, width = images.shape[1:3]
            fix = "free memory, or give a smaller image"
            raise DataError(f"the model cannot run on an image of {height} x {width} pixels: {error}", fix=fix) from None
        if np.isnan(probs.max()):  # no pixel that is not a number reaches a threshold: the mask would be empty, without a word
            fix = "in float16 a network's values may overflow: take the file in float32"
            raise DataError("the model gives values that are not numbers on this image", fix=fix)
        return np.minimum(probs, 1, out=probs)  # files of an older limner may give a rounding step more

    def _whole(self, image: ImageArray, scale: float) -> ProbArray:
        """The network's input keeps its size: a smaller image has mirrored surroundings in it, of a larger one it holds a part."""
        size = image.shape[:2]
        window = (max(1, round(size[0] / scale)), max(1, round(size[1] / scale)))
        if scale > 1:
            return predict_tiles(self.run, image, window)
        before = [(large - small) // 2 for large, small in zip(window, size, strict=True)]
        after = [large - small - first for large, small, first in zip(window, size, before, strict=True)]
        padded = np.pad(image, [*zip(before, after, strict=True), (0, 0)], mode="symmetric")
        return self.run(padded[None])[0, before[0] : before[0] + size[0], before[1] : before[1] + size[1]]

    def _tiled(self, image: ImageArray, scale: float) -> ProbArray:
        size = image.shape[:2]
        seen = resize_image(image, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
        return resize_planes(predict_tiles(self.run, seen, self.tile or size, self.overlap), size)


def open_members(
    places: Sequence[str | Path], *, threads: int | None, provider: str, tile_size: Side | None, overlap: Side | None
) -> tuple[Member, ...]:
    """Open the models of a predictor.

    Raises:
        ModelFileError: A model cannot be opened.
        LimnerError: The provider, the tiles or the models together are not possible.

    Warns:
        LimnerWarning: The models have different tasks.
    """
    if not places:
        raise LimnerError("there is no model to load", fix="give one model or more")
    members = tuple(_member(open_model(place, threads=threads, provider=provider), tile_size, overlap) for place in places)
    _check_together([member.model for member in members])
    return members


def joint_metadata(models: Sequence[ModelFile]) -> ModelMetadata:
    """What several models together say of themselves; of one, what it says.

    The threshold is the mean of theirs, and post-processing what most of them do, if they see pixels of one size. Scores and the rule for
    review are left out, since they were found for each alone.
    """
    first, *others = [model.metadata for model in models]
    if not others:
        return first
    every = [first, *others]
    thresholds = [metadata.threshold for metadata in every]
    origin = f"the mean of {len(every)} models' thresholds ({min(thresholds):.2f} to {max(thresholds):.2f})"
    return first.model_copy(
        update={
            "name": " + ".join(metadata.name for metadata in every),
            "threshold": fmean(thresholds),
            "threshold_origin": origin,
            "temperature": 1.0,
            "review": None,
            "parity": None,
            "metrics": [],
            "postprocess": merge([one.postprocess for one in every]) if _alike(every) else None,
            "training_data": _joint_data(every),
            "parameters": _total([one.parameters for one in every]),
            "gflops": _total([one.gflops for one in every]),
        }
    )


def _member(model: ModelFile, tile_size: Side | None, overlap: Side | None) -> Member:
    found, own = model.metadata, model.metadata.input_size if model.metadata.sampling == "patches" else None
    tile = own if tile_size is None else _pair(tile_size, "a tile's side", least=1)
    if own is not None and tile != own:
        what = f"the model {found.name} sees images at their own resolution, in pieces of {own[0]} x {own[1]} pixels, and in no others"
        raise LimnerError(what, where=model.path, fix="leave the tile size away")
    if tile is None:
        if overlap is not None:
            fix = "give a tile size too, or leave the overlap away"
            raise LimnerError(f"the model {found.name} sees images whole, not in tiles that overlap", where=model.path, fix=fix)
        return Member(model, None, (0, 0))
    shared = default_overlap(tile) if overlap is None else _pair(overlap, "an overlap", least=0)
    if any(part >= side for part, side in zip(shared, tile, strict=True)):
        what = f"tiles of {tile[0]} x {tile[1]} pixels cannot overlap by {shared[0]} x {shared[1]}"
        raise LimnerError(what, where=model.path, fix=f"give an overlap of at most {min(tile) - 1}")
    return Member(model, tile, shared)


def _pair(sides: Side, name: str, *, least: int) -> tuple[int, int]:
    try:
        given = tuple(index(side) for side in (sides if isinstance(sides, (list, tuple)) else (sides, sides)))
    except TypeError:
        given = ()
    if len(given) != 2 or not least <= min(given) <= max(given) <= _LONGEST:
        raise LimnerError(f"{name} is a number of pixels, or height and width; not {sides}", fix=f"give {least} or more")
    return given[0], given[1]


def _check_together(models: Sequence[ModelFile]) -> None:
    for one, other in combinations(models, 2):
        if one.path.samefile(other.path):
            raise LimnerError("the same model is given twice, and would count twice in the mean", where=one.path, fix="give it once")
    tasks = list(dict.fromkeys(model.metadata.task for model in models))
    if len(tasks) > 1:
        warnings.warn(f"the models of the ensemble outline different things: {', '.join(tasks)}", LimnerWarning, stacklevel=4)


def _total(values: Sequence[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known, type(known[0])()) if known and len(known) == len(values) else None


def _alike(every: Sequence[ModelMetadata]) -> bool:
    """Whether the lengths of their post-processing are in pixels of one size."""
    return len({(one.input_size, one.sampling) for one in every}) == 1


def _joint_data(every: Sequence[ModelMetadata]) -> dict[str, object]:
    """What the models were made of. What one of them was trained on is unseen by none of them."""
    names = dict.fromkeys(str(one.training_data["name"]) for one in every if one.training_data.get("name"))
    joint: dict[str, object] = {"name": " + ".join(names)} if names else {}
    known = [one.training_data["hashes"] for one in every if one.training_data.get("hashes")]
    seen: set[str] = set()
    hashes = {}
    for part in ("train", "val", "test"):
        hashes[part] = sorted({hash_ for parts in known for hash_ in parts.get(part, ())} - seen)
        seen.update(hashes[part])
    return joint | ({"hashes": hashes} if known else {})
