"""Confirm that two thumbnails show one picture: align them, and compare their local structure everywhere.

Many images of one kind resemble each other as a whole: fundus photographs share a disc, fluorescence images a dark ground. So smooth
light and contrast are removed first, and the score is not how well the whole agrees but how well the tenth part that agrees least does.
A copy has only noise left there; a neighbouring frame has moved structure; another image has other structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.lookalikes.look import THUMBNAIL
from limner.data.lookalikes.views import mirror, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.data.lookalikes.views import View

_NOISE = (
    0.6  # pixels of 64: what is finer is lost when a crop is resampled; 0 lowers crops from 0.96 to 0.90, 0.9 lifts unrelated fundi to 0.79
)
_DETAIL = 3.5  # pixels of 64: what is smoother is light; with 5 the rims of two fundi agree more
_SHARE_OF_CONTRAST = 0.15  # structure below this share of the image's contrast counts less
_GREY_LEVELS = 1.0  # and so does structure below this: dark grounds hold the noise of compression
_WINDOW = 3.0  # pixels, of the local correlation
_FLAT = 0.05  # local variance of normalised structure that counts as none: two flat places agree
_WORST = 10  # per cent of the area

_WORTH_ALIGNING = 0.45  # correlation before alignment: copies have 0.5 and more, half of the pairs across sequences of CVC-ClinicDB less
_STAGES = ((6, 0.65), (40, 0.75))  # steps of alignment, and the correlation that is worth going on; no lookalike found has less than 0.8
_LARGEST_STRETCH = 1.25
_LEAST_OVERLAP = 0.6


@dataclass(frozen=True, slots=True)
class Match:
    """How well two thumbnails agree after alignment.

    Attributes:
        worst: Local correlation that 90 % of the area exceed, in [-1, 1].
        shift: By how many pixels of 64 a corner had to move, at most.
    """

    worst: float
    shift: float


@dataclass(frozen=True, slots=True)
class Face:
    """A thumbnail and its structure, both float16 to save memory, (64, 64)."""

    thumbnail: NDArray[np.float16]
    structure: NDArray[np.float16]


def face(thumbnail: NDArray[np.float16]) -> Face:
    """A thumbnail, ready to be compared."""
    return Face(thumbnail, structure(thumbnail.astype(np.float32)).astype(np.float16))


def structure(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    """A thumbnail without smooth light, its contrast evened out: float32, about -3 to 3."""
    clean = _blur(thumbnail, _NOISE)
    detail = clean - _blur(clean, _DETAIL)
    floor = (_SHARE_OF_CONTRAST * float(clean.std())) ** 2 + _GREY_LEVELS**2
    return np.asarray(detail / np.sqrt(_blur(detail * detail, _DETAIL) + floor), dtype=np.float32)


def match(still: Face, moved: Face, view: View) -> Match | None:
    """Align one thumbnail with another and compare them; None where they are too unlike to be aligned.

    Args:
        still: One.
        moved: Another, which is mirrored as `view` says, and aligned starting from its crop.
        view: The start.
    """
    wanted, start = still.structure.astype(np.float32), mirror(moved.structure.astype(np.float32), view)
    if _correlation(wanted, warp(start, view.matrix) if view.is_crop else start, _INSIDE) < _WORTH_ALIGNING:
        return None
    matrix = _aligned(wanted, start, view.matrix)
    inside = None if matrix is None else _overlap(matrix)
    if matrix is None or inside is None:
        return None
    found = structure(warp(mirror(moved.thumbnail.astype(np.float32), view), matrix))
    local = _local_correlation(wanted, found, inside)[inside]
    return Match(float(np.percentile(local, _WORST)), _corner_shift(matrix))


def _aligned(still: NDArray[np.float32], moved: NDArray[np.float32], start: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The affine map that aligns two structures (Evangelidis and Psarakis, IEEE TPAMI 2008); None where there is none nearby."""
    import cv2

    found = start.copy()
    try:
        for steps, least in _STAGES:
            criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-4)
            agreement, found = cv2.findTransformECC(still, moved, found, cv2.MOTION_AFFINE, criteria, None, 3)  # type: ignore[call-overload]
            if agreement < least:
                return None
    except cv2.error:  # it did not converge
        return None
    stretch = np.linalg.svd(found[:, :2], compute_uv=False)
    return np.asarray(found, dtype=np.float32) if stretch.max() < _LARGEST_STRETCH and stretch.min() > 1 / _LARGEST_STRETCH else None


def _overlap(matrix: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Where the moved image covers the still one, without the edge: bool, (64, 64); None where that is too little."""
    y, x = np.mgrid[:THUMBNAIL, :THUMBNAIL]
    there = np.tensordot(matrix, np.stack([x, y, np.ones_like(x)]), axes=1)
    inside = np.asarray(((there >= 1) & (there <= THUMBNAIL - 2)).all(axis=0) & _INSIDE)
    return inside if inside.mean() >= _LEAST_OVERLAP else None


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    a, b = one[inside], other[inside]
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b) + 1e-9))


def _local_correlation(one: NDArray[np.float32], other: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    weight = inside.astype(np.float32)
    total = _blur(weight, _WINDOW) + 1e-6

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(_blur(values * weight, _WINDOW) / total)

    mean_one, mean_other = mean(one), mean(other)
    both = mean(one * other) - mean_one * mean_other + _FLAT
    return np.asarray(both / np.sqrt((mean(one * one) - mean_one**2 + _FLAT) * (mean(other * other) - mean_other**2 + _FLAT)))


def _corner_shift(matrix: NDArray[np.float32]) -> float:
    last = THUMBNAIL - 1
    corners = np.array([[0, last, 0, last], [0, 0, last, last], [1, 1, 1, 1]], dtype=np.float32)
    return float(np.abs(matrix @ corners - corners[:2]).max())


def _blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), dtype=np.float32)


_INSIDE = np.zeros((THUMBNAIL, THUMBNAIL), dtype=np.bool_)
_INSIDE[2:-2, 2:-2] = True
