"""Predictions that are there already: a folder of masks, or of probabilities as grey levels, by whatever tool made them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import cv2
import numpy as np
from PIL import Image

from limner.data.names import is_picture
from limner.data.source import open_place
from limner.data.store import FileRef
from limner.data.wording import counted
from limner.errors import DataError
from limner.evaluation.naming import Named, match_names
from limner.imaging.decode import decode
from limner.imaging.instances import is_instance_map, renumbered
from limner.imaging.levels import brightness, compact
from limner.imaging.mask_rule import two_levels
from limner.imaging.read import read_mask
from limner.metrics import binarise
from limner.types import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from limner.data import Dataset
    from limner.imaging.decode import Decoded
    from limner.types import LabelArray, MaskArray, ProbArray, Sample

MissingRule: TypeAlias = Literal["error", "skip", "empty"]

_Array = TypeVar("_Array", bound="NDArray[Any]")
_TABLE, _MASKS, _PROBS = "predictions.csv", "masks/", "probs/"  # what `limner predict` writes
_NAMED = 3
_TASK, _NUCLEUS = "object", "nucleus"
_FLOATS_TOP = 1.0
_GIVEN, _AS_THEY_CAME, _CUT = "given by the user", "masks as they came", "grey masks, cut at half of their highest level"
_AS_GREY = "if the pictures hold probabilities, say from which on a pixel is foreground: --threshold 0.5; if not, save masks of two tones"


class _Level(NamedTuple):
    """A grey level as it is stored, as a share of white; shares are what is compared."""

    share: float
    stored: int
    white: int


@dataclass(frozen=True, slots=True)
class FolderMetadata:
    """What is known of predictions of unknown origin: next to nothing.

    Attributes:
        name: The folder's name.
        task: What they outline.
        threshold_origin: Where their threshold comes from.
        recipe: Empty, as are all others that a model file tells of.
    """

    name: str
    task: str
    threshold_origin: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    training_data: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] | None = None


class FolderPredictions:
    """Predictions in a folder, as something that segments: each image's is looked up by its name.

    The folder may be that of `limner predict`: masks are then taken from its `masks/`, probabilities from its `probs/`. Pictures of another
    size than the image are resized, masks by the nearest pixel and probabilities bilinearly, and counted in `resized`.

    Args:
        path: The folder, or an archive.
        threshold: Probability from which on a pixel is foreground, in pictures that hold probabilities as grey levels (white is 1); None
            for pictures that are masks.
        task: What they outline; by default what the catalog says of the data set that they are matched with.

    Raises:
        DataError: There is no picture in it, or no probabilities where a threshold is given.
    """

    def __init__(self, path: Path, threshold: float | None = None, *, task: str | None = None) -> None:
        self._path = path
        self._threshold = threshold
        store, names = open_place(path)
        self._pictures, self._probs = _layout(path, [name for name in names if is_picture(name)], names, threshold)
        self._store = store
        self._files: dict[str, str] = {}
        self.extra: tuple[str, ...] = ()
        self.resized = 0
        self.grey = 0
        self._read_masks = 0
        self._highest: _Level | None = None
        self._by_limner = _TABLE in names
        self._task = task
        self._metadata = FolderMetadata(path.resolve().name, task or _TASK, _AS_THEY_CAME if threshold is None else _GIVEN)

    @property
    def metadata(self) -> FolderMetadata:
        """What is known of them by now: that masks are grey shows only as they are read."""
        if not self.grey:
            return self._metadata
        some = "" if self.grey == self._read_masks else f"{_AS_THEY_CAME}; some are "
        return replace(self._metadata, threshold_origin=some + _CUT)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def threshold(self) -> float | None:
        """Probability from which on a pixel is foreground; None for masks."""
        return self._threshold

    @property
    def has_probs(self) -> bool:
        """Whether there are probabilities, by themselves or beside masks."""
        return self._threshold is not None or bool(self._probs)

    def match(self, dataset: Dataset) -> None:
        """Find the picture of each image of a data set; of all of them, even if only a part is to be evaluated.

        Raises:
            DataError: Two pictures claim one image, or no image has one.
        """
        images = [Named(item.key, item.image.name) for item in dataset.items]
        found = match_names(images, self._pictures, where=str(self._path))
        if not found.files:
            what = f"none of its {counted(len(self._pictures), 'picture')} is named after an image of {dataset.name}"
            fix = f"name them as the images, for example {dataset.items[0].key}.png; there is {self._pictures[0]}"
            raise DataError(what, where=self._path, fix=fix)
        self._files, self.extra = found.files, found.extra
        known = dataset.entry.task if dataset.entry else _TASK
        self._metadata = replace(self._metadata, task=self._task or known)

    def missing(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Those of some images that have no picture."""
        return tuple(key for key in keys if key not in self._files)

    def settle(self, dataset: Dataset, rule: MissingRule) -> Dataset:
        """The images to evaluate, once it is clear what becomes of those without a prediction.

        Args:
            dataset: The images that were asked for, after `match`.
            rule: `error`; `skip` to leave them out; `empty` to take them for images in which nothing was found.

        Raises:
            DataError: Some have none, and the rule is `error`; or there would be no image left.
        """
        missing = self.missing(dataset.keys())
        if rule == "error" and missing:
            more = " ..." if missing[_NAMED:] else ""
            what = f"{len(missing)} of {counted(len(dataset), 'image')} have no prediction: {', '.join(missing[:_NAMED])}{more}"
            fix = "add them, name a part of the images with --split and --part, or say what they mean: --missing skip or --missing empty"
            raise DataError(what, where=self._path, fix=fix)
        if rule != "skip" or not missing:
            return dataset
        left = [key for key in dataset.keys() if key in self._files]  # noqa: SIM118 - a data set iterates over its items
        if not left:
            raise DataError("none of the images has a prediction", where=self._path, fix="check that the folder belongs to these images")
        return dataset.subset(left)

    def predict_sample(self, sample: Sample, /) -> Prediction:
        """The prediction for an image, at the size of its mask.

        Raises:
            DataError: It cannot be read.
        """
        size = (sample.mask.shape[0], sample.mask.shape[1])
        if sample.key not in self._files:
            return _prediction(np.zeros(size, dtype=np.bool_))
        name = self._files[sample.key]
        if self._threshold is not None:
            probs = self._fitted(self._read_grey(self._file(name)), size)
            return Prediction(probs, binarise(probs, self._threshold), self._threshold)
        read = self._read(self._file(name))
        mask, objects = self._fitted_mask(read, size)
        beside = self._probs.get(name)
        if beside is None:
            return _prediction(mask, objects)
        return replace(_prediction(mask, objects), probs=_resized(_read_probs(self._file(beside)), size, self._file(beside).display))

    def check_levels(self) -> None:
        """Make sure, after all pictures were read, that their levels run far enough for the threshold.

        Raises:
            DataError: They hold something, but no pixel of any of them reaches it: most likely they are masks of 0 and 1, or per cent.
        """
        highest, threshold = self._highest, self._threshold
        if self._by_limner or highest is None or threshold is None or not 0 < highest.share < threshold:
            return
        found = f"the highest level of all pictures is {highest.stored}, where white is {highest.white}"
        what = f"no pixel reaches the threshold {threshold:g}: {found}"
        fix = "save probabilities from 0 to 255 (65535 with 16 bits), or as floats from 0 to 1; if they are masks, leave out --threshold"
        raise DataError(what, where=self._path, fix=fix)

    def notices(self, dataset: Dataset, rule: MissingRule) -> list[str]:
        """What must be said beside the scores, after they were computed.

        Args:
            dataset: The images that were asked for, those without a prediction among them.
            rule: What became of those.
        """
        missing, n = len(self.missing(dataset.keys())), len(dataset)
        became = {"skip": "are left out: the scores are of the others", "empty": "count as images in which nothing was found"}
        said = [f"{missing} of the {n} images have no prediction and {became[rule]}"] if missing else []
        if self.resized:
            how = "bilinearly" if self._threshold is not None else "by the nearest pixel"
            said.append(f"{counted(self.resized, 'prediction')} had another size than the mask and were resized to it {how}")
        if self.grey:
            said.append(
                f"{counted(self.grey, 'mask')} had more than two grey levels and were divided at half of the highest; "
                "if they hold probabilities, evaluate them with --threshold"
            )
        return said

    def _file(self, name: str) -> FileRef:
        return FileRef(name, self._store)

    def _read(self, file: FileRef) -> tuple[MaskArray, LabelArray | None]:
        """The mask, and its objects where the picture is a map of instances."""
        data = file.read()
        decoded = _decoded(data, file)
        certain = True
        try:
            mask = read_mask(data, name=file.display)
        except DataError as error:
            certain = self._metadata.task != _NUCLEUS  # whose masks are numbers of objects, be there few or many
            if certain or decoded.lossy or not is_instance_map(decoded.levels, certain=False):
                raise DataError(error.what, where=error.where, fix=_AS_GREY) from None
            mask = np.asarray(decoded.levels != 0)
        objects = _instances(decoded, mask, certain=certain)
        self.grey += objects is None and not decoded.lossy and two_levels(brightness(decoded)) is None
        self._read_masks += 1
        return mask, objects

    def _read_grey(self, file: FileRef) -> ProbArray:
        """Probabilities; the highest level of all that were read is kept, of those whose scale is a guess."""
        decoded = _decoded(file.read(), file)
        probs = _probs(decoded, file)
        white = _white(decoded)
        if white > 1:
            share = float(probs.max())
            self._highest = max(filter(None, [self._highest, _Level(share, round(share * white), int(white))]))
        return probs

    def _fitted(self, probs: ProbArray, size: tuple[int, int]) -> ProbArray:
        self.resized += probs.shape != size
        return _resized(probs, size, str(self._path))

    def _fitted_mask(self, read: tuple[MaskArray, LabelArray | None], size: tuple[int, int]) -> tuple[MaskArray, LabelArray | None]:
        mask, objects = read
        self.resized += mask.shape != size
        _refuse_turned(mask.shape, size, str(self._path))
        return _nearest(mask, size), None if objects is None else _nearest(objects, size)


def _layout(path: Path, pictures: Sequence[str], names: Sequence[str], threshold: float | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The pictures to look through, and for each mask the picture of its probabilities where `limner predict` wrote both."""
    if _TABLE in names and any(name.startswith(_MASKS) for name in pictures):
        probs = {PurePosixPath(name).relative_to(_PROBS).as_posix(): name for name in pictures if name.startswith(_PROBS)}
        if threshold is not None and not probs:
            fix = "predict again with --probs, or leave --threshold away to evaluate the masks"
            raise DataError("there are masks here, but no probabilities to compare with a threshold", where=path, fix=fix)
        if threshold is not None:
            return tuple(probs.values()), {}
        masks = tuple(name for name in pictures if name.startswith(_MASKS))
        beside = {mask: probs[mask.removeprefix(_MASKS)] for mask in masks if mask.removeprefix(_MASKS) in probs}
        return masks, beside if len(beside) == len(masks) else {}
    if not pictures:
        fix = "give the folder of a run, an .onnx file, or a folder with one mask for each image"
        raise DataError("there are no predictions in it: no picture was found", where=path, fix=fix)
    return tuple(pictures), {}


def _prediction(mask: MaskArray, objects: LabelArray | None = None) -> Prediction:
    return Prediction(mask.astype(np.float32), mask, 1.0, objects)


def _decoded(data: bytes, file: FileRef) -> Decoded:
    """The picture, if all its values are numbers: a NaN would be taken for black without a word."""
    decoded = decode(data, name=file.display)
    if decoded.levels.dtype.kind == "f" and not np.isfinite(decoded.levels).all():
        lost = int((~np.isfinite(decoded.levels)).sum())
        fix = "find out why the tool that predicted it gives NaN or infinity, or store 0 there"
        raise DataError(f"{counted(lost, 'value')} in it are NaN or infinite", where=file.display, fix=fix)
    return decoded


def _read_probs(file: FileRef) -> ProbArray:
    return _probs(_decoded(file.read(), file), file)


def _probs(decoded: Decoded, file: FileRef) -> ProbArray:
    """Probabilities from grey levels: white, the highest level of the file's depth, is 1; floats are taken as they are."""
    probs: ProbArray = (brightness(decoded).astype(np.float64) / _white(decoded)).astype(np.float32)
    if not (probs.min() >= 0 and probs.max() <= 1):
        fix = "store probabilities with 8 or 16 bits, where white is 1, or as floats from 0 to 1"
        raise DataError(f"its values run from {probs.min():g} to {probs.max():g}, and are no probabilities", where=file.display, fix=fix)
    return probs


def _white(decoded: Decoded) -> float:
    """The level that is white."""
    if decoded.levels.dtype.kind in "bf":
        return _FLOATS_TOP
    return decoded.top or (255 if decoded.palette is not None or decoded.levels.dtype == np.uint8 else 65535)


def _instances(decoded: Decoded, mask: MaskArray, *, certain: bool) -> LabelArray | None:
    """The objects of a map of instances; None of anything else, whose objects are found as those of any mask."""
    if decoded.lossy or decoded.palette is not None or not is_instance_map(decoded.levels, certain=certain):
        return None
    levels = compact(decoded.levels)
    return None if levels is None else renumbered(levels, mask)


def _resized(probs: ProbArray, size: tuple[int, int], where: str) -> ProbArray:
    """Bilinear, antialiased where it is made smaller."""
    if probs.shape == size:
        return probs
    _refuse_turned(probs.shape, size, where)
    resized = Image.fromarray(probs).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)


def _nearest(array: _Array, size: tuple[int, int]) -> _Array:
    if array.shape == size:
        return array
    kind = array.dtype
    stored = array.view(np.uint8) if kind == np.bool_ else array
    return cv2.resize(stored, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT).astype(kind)  # type: ignore[return-value]


def _refuse_turned(found: tuple[int, ...], size: tuple[int, int], where: str) -> None:
    """Resizing could not mend a picture that lies on its side."""
    if found == size[::-1] and size[0] != size[1]:
        what = f"a prediction is {found[1]}x{found[0]} pixels, but its mask {size[1]}x{size[0]}: one of the two is turned"
        fix = "turn the predictions; most likely the other tool ignored the EXIF orientation of the images"
        raise DataError(what, where=where, fix=fix)
