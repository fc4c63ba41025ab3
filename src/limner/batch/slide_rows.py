"""What a model says of a slide, row by row: by tiles, or of a smaller copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.errors import DataError
from limner.imaging.resize import longer_side_at
from limner.imaging.slide_enlarge import enlarged_rows
from limner.metrics.objects import label_objects
from limner.runtime.rows import blended_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.batch.slide_objects import Cut
    from limner.imaging.slide import Slide
    from limner.runtime import Predictor
    from limner.runtime.postprocess import PostProcess
    from limner.types import LabelArray, MaskArray, Prediction, ProbArray

_WHOLE = 4096  # longer side at which a model that sees images whole gets a slide


@dataclass(frozen=True, slots=True)
class SlideRows:
    """A slide's prediction, and what is still to be done to it.

    Attributes:
        rows: Probabilities and mask, (h, W) each, from the top down.
        postprocess: What changes the mask; None for nothing, or if it is done.
        scale: By which its lengths are multiplied.
        cut: Tells touching objects apart; None for nothing.
    """

    rows: Iterator[tuple[ProbArray, MaskArray]]
    postprocess: PostProcess | None = None
    scale: float = 1.0
    cut: Cut | None = None


def predicted_rows(predictor: Predictor, slide: Slide) -> SlideRows:
    """Predict a slide: most of it as the rows are asked for.

    Raises:
        DataError: Several models see it in tiles of different sizes; or it cannot be read.
    """
    return _by_tiles(predictor, slide, predictor.tile_size) if predictor.tile_size else _of_smaller_copy(predictor, slide)


def _by_tiles(predictor: Predictor, slide: Slide, tile: tuple[int, int]) -> SlideRows:
    at, settings = np.float32(predictor.threshold), predictor.postprocess
    probs = blended_rows(slide.read, slide.size, predictor.run_tiles, tile, predictor.overlap, read_ahead=True)
    rows = ((part, part >= at) for _, part in probs)
    if settings is None:
        return SlideRows(rows)
    scale = predictor.metadata.scale_of(tile)
    return SlideRows(rows, settings, scale, _watershed if settings.split_touching else None)


def _watershed(mask: MaskArray, _top: int, _left: int) -> LabelArray:
    return label_objects(mask, split_touching=True)


def _of_smaller_copy(predictor: Predictor, slide: Slide) -> SlideRows:
    """One prediction of the slide shrunk, with all that is done afterwards, enlarged."""
    if predictor.metadata.sampling == "patches":
        what = "the models see images in pieces of different sizes, and cannot predict a slide together"
        raise DataError(what, where=predictor.path, fix="predict with one of them, or with models of one size")
    small = slide.shrunk(longer_side_at(min(_WHOLE, max(slide.size)), slide.size))
    seen = predictor.predict(small)
    cut = None if seen.objects is None else _Numbers(seen.objects, slide.size)
    return SlideRows(_enlarged(seen, slide.size, np.float32(predictor.threshold)), cut=cut)


def _enlarged(seen: Prediction, size: tuple[int, int], at: np.float32) -> Iterator[tuple[ProbArray, MaskArray]]:
    if np.array_equal(seen.mask, seen.probs >= at):
        for probs in enlarged_rows(seen.probs, size):
            yield probs, probs >= at
    else:  # it was post-processed
        both = zip(enlarged_rows(seen.probs, size), enlarged_rows(seen.mask.astype(np.float32), size), strict=True)
        for probs, mask in both:
            yield probs, mask >= np.float32(0.5)


class _Numbers:
    """Numbers of objects on a smaller copy of a slide, by which an object on the slide is cut."""

    def __init__(self, objects: LabelArray, size: tuple[int, int]) -> None:
        self._objects, self._size = objects, size

    def __call__(self, mask: MaskArray, top: int, left: int) -> LabelArray:
        rows, columns = (
            np.minimum((np.arange(start, start + count) + 0.5) * (small / whole), small - 1).astype(np.intp)
            for start, count, small, whole in zip((top, left), mask.shape, self._objects.shape, self._size, strict=True)
        )
        near = self._objects[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        places = np.ix_(rows - rows[0], columns - columns[0])
        near = _spread(np.where(np.isin(near, near[places][mask]), near, 0))  # others are neighbours, and none of this one's
        labels = np.zeros(mask.shape, np.int32)
        labels[mask] = np.unique(near[places][mask], return_inverse=True)[1] + 1
        return labels


def _spread(objects: LabelArray) -> LabelArray:
    """In each pixel the number of the nearest object: the enlarged mask may go a little further than the objects do."""
    from scipy.ndimage import distance_transform_edt

    if not objects.any():
        return objects
    nearest = distance_transform_edt(objects == 0, return_distances=False, return_indices=True)
    return np.asarray(objects[tuple(nearest)])
