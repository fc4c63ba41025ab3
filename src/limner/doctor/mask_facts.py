"""Measure a mask: its levels as stored, and where its foreground lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.data.masks import PictureMask
from limner.doctor.examination import Coverage, Fault, MaskFacts, Tones
from limner.doctor.image_facts import is_transparent
from limner.errors import DataError
from limner.imaging.decode import decode
from limner.imaging.describe import describe
from limner.imaging.instances import is_instance_map
from limner.imaging.levels import brightness, levels_in
from limner.imaging.mask_rule import two_levels
from limner.imaging.read import read_mask
from limner.imaging.resize import resize_mask
from limner.imaging.voc import is_voc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.data.masks import MaskSource
    from limner.data.store import FileRef
    from limner.imaging.decode import Decoded
    from limner.imaging.foreground import Foreground
    from limner.types import MaskArray

INPUT_SIZES = (256, 352, 512, 768, 1024)  # that people train at
MOST = 0.5  # of its share of the picture; an object that keeps less has vanished
_NEAR = 1 / 16  # of the range of levels; nearer to its ends lies the noise of compression
_THUMB = 32
_NO_TONES = Tones(levels=1, between=0.0, swell=0.0, lossy=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """One picture of a mask.

    Attributes:
        levels: Its brightness as stored.
        mask: None where they do not tell what is foreground.
        lossy: Whether the format is.
        is_map: Whether its levels are numbers of classes or instances.
        orientation: By its EXIF tag.
        transparent: Whether some pixel is not wholly opaque.
    """

    levels: NDArray[Any]
    mask: MaskArray | None
    lossy: bool
    is_map: bool
    orientation: int
    transparent: bool


def measure_mask(
    source: MaskSource, size: tuple[int, int] | None, grey: NDArray[np.uint8] | None, input_size: int
) -> tuple[MaskFacts | None, list[Fault]]:
    """Read a mask once and measure it.

    Args:
        source: The mask.
        size: Height and width of its image; None where that could not be read.
        grey: The image's grey levels, likewise.
        input_size: Side of the square that training resizes to.

    Returns:
        What was measured (None where nothing could be read), and what went wrong.
    """
    if not isinstance(source, PictureMask):
        return _measure_shapes(source, size, input_size)
    faults: list[Fault] = []
    parts = [part for file in source.files if (part := _read(file, source.foreground, faults)) is not None]
    if not parts:
        return None, faults
    shape = _odd_size(parts, size)
    facts = MaskFacts(
        size=shape,
        orientation=next((part.orientation for part in parts if part.orientation != 1), 1),
        transparent=any(part.transparent for part in parts),
        tones=max((_tones(part) for part in parts), key=lambda tones: (tones.levels, tones.between)),
        coverage=_coverage_of(parts, shape, input_size) if len(parts) == len(source.files) else None,
        likeness=_likeness(parts[0].levels, grey) if len(source.files) == 1 else 0.0,
    )
    return facts, faults


def _measure_shapes(source: MaskSource, size: tuple[int, int] | None, input_size: int) -> tuple[MaskFacts | None, list[Fault]]:
    if size is None:
        return None, []
    try:
        mask = source.load(size)
    except DataError as error:
        return None, [Fault(source.files[0].name, "unreadable", error.what)]
    return MaskFacts(size, coverage=_coverage(mask, input_size)), []


def _read(file: FileRef, foreground: Foreground | None, faults: list[Fault]) -> _Part | None:
    try:
        data = file.read()
        decoded, description = decode(data, name=file.display), describe(data, name=file.display)
    except DataError as error:
        faults.append(Fault(file.name, "unreadable", error.what))
        return None
    levels = brightness(decoded)
    try:
        mask = _foreground(data, decoded, levels, file, foreground)
    except DataError as error:
        faults.append(Fault(file.name, "label-map", error.what))
        mask = None
    is_map = mask is not None and _is_map(decoded)
    return _Part(levels, mask, decoded.lossy, is_map, description.orientation, description.has_alpha and is_transparent(data))


def _foreground(data: bytes, decoded: Decoded, levels: NDArray[Any], file: FileRef, foreground: Foreground | None) -> MaskArray:
    """As training reads it. The plain case is told from the levels, since masks of one picture for each object are many."""
    plain = foreground is None and not decoded.lossy and decoded.palette is None and decoded.levels.ndim == 2
    mask = two_levels(levels) if plain else None
    return read_mask(data, name=file.display, foreground=foreground) if mask is None else mask


def _is_map(decoded: Decoded) -> bool:
    """Whether many levels are no fringes, but classes or instances, of which it is certain what is foreground."""
    if decoded.lossy:
        return False
    if decoded.palette is not None:
        return is_voc(decoded.palette, levels_in(decoded.levels))
    return is_instance_map(decoded.levels)


def _odd_size(parts: list[_Part], size: tuple[int, int] | None) -> tuple[int, int]:
    """The size of the first part that differs from the image's; that of all where none does."""
    shapes = [(part.levels.shape[0], part.levels.shape[1]) for part in parts]
    return next((shape for shape in shapes if shape != size), shapes[0])


def _tones(part: _Part) -> Tones:
    if part.levels.dtype == np.bool_ or part.is_map:
        return _NO_TONES
    found, counts = _count(part.levels)
    if len(found) < 3:
        return Tones(len(found), 0.0, 0.0, part.lossy)
    size = part.levels.size
    low, high = float(found[0]), float(found[-1])
    margin = _NEAR * (high - low)
    between = counts[(found > low + margin) & (found < high - margin)].sum() / size
    object_area = np.count_nonzero(part.mask) if part.mask is not None else 0
    swell = (size - counts[0] - object_area) / object_area if object_area else 0.0
    return Tones(len(found), float(between), float(swell), part.lossy)


def _count(levels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The levels that occur, sorted, and how often each does."""
    if levels.dtype == np.uint8:  # a histogram takes a tenth of the time of sorting
        counts = np.bincount(levels.ravel(), minlength=256)
        found = np.flatnonzero(counts)
        return found, counts[found]
    return np.unique(levels, return_counts=True)


def _coverage_of(parts: list[_Part], shape: tuple[int, int], input_size: int) -> Coverage | None:
    """Of the union of all parts; None where one is not binary, or of another size."""
    masks = [part.mask for part in parts if part.mask is not None and part.mask.shape == shape]
    return _coverage(np.logical_or.reduce(masks), input_size) if len(masks) == len(parts) else None


def _coverage(mask: MaskArray, input_size: int) -> Coverage:
    share = float(mask.mean())
    border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    shrunk = _share_at(mask, input_size)
    needs = None
    if shrunk < MOST * share:
        needs = next((size for size in INPUT_SIZES if size > input_size and _share_at(mask, size) >= MOST * share), None)
    thumb = cv2.resize(mask.astype(np.uint8) * np.uint8(255), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return Coverage(share, float(border.mean()), shrunk, needs, np.asarray(thumb, dtype=np.uint8))


def _share_at(mask: MaskArray, side: int) -> float:
    return float(resize_mask(mask, (side, side)).mean())


def _likeness(levels: NDArray[Any], grey: NDArray[np.uint8] | None) -> float:
    """Correlation of a mask's levels with its image's, which no change of brightness or contrast disturbs."""
    if grey is None or grey.shape != levels.shape:
        return 0.0
    first, second = (values.astype(np.float32).ravel() for values in (np.nan_to_num(levels), grey))
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norm if norm > 0 else 0.0
