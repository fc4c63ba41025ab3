"""Pairs whose hashes are near each other, out of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.lookalikes.look import HASH_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.progress import Progress

# Of 144. Measured on copies of Kvasir-SEG, CVC-ClinicDB, DSB2018, DRIVE and CHASE_DB1, each in its best view: resizing, JPEG at quality 50,
# blur, mirroring, gamma 0.7 to 1.4 and more light change at most 16 bits, crops of 2 to 5 per cent at most 28, and 31 if mirrored as well.
# The median of unrelated pairs is 34 (DRIVE, where every image is a candidate then) to 66 (DSB2018).
NEAR_BITS = 32
_BLOCK = 2**24  # entries of the distance matrix at once: 64 MB


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two images that may be lookalikes.

    Attributes:
        still: Index of the image that is taken as it is.
        moved: Index of the image that is seen through a view.
        view: Index of the view (see `limner.data.lookalikes.views`) in which the two are nearest.
        bits: How many bits then differ.
    """

    still: int
    moved: int
    view: int
    bits: int


def near_pairs(hashes: NDArray[np.bool_], *, progress: Progress | None = None) -> list[Candidate]:
    """All pairs that differ by at most `NEAR_BITS` in some view of one of the two, each pair once, the nearest first.

    The distances come from matrix products of the bits as -1 and 1, block by block, so memory stays bounded.

    Args:
        hashes: bool, (images, views, bits); the first view shows the image as it is.
        progress: Called after each block with the number of images done.
    """
    signs = hashes.astype(np.float32) * 2 - 1
    still = signs[:, 0].T.copy()
    n = len(signs)
    rows = max(1, _BLOCK // max(n, 1))
    found = []
    for start in range(0, n, rows):
        found.append(_near_in_block(signs[start : start + rows], still, start))
        if progress:
            progress(min(start + rows, n), n)
    return _each_once(np.concatenate(found)) if found else []


def _near_in_block(moved: NDArray[np.float32], still: NDArray[np.float32], start: int) -> NDArray[np.int64]:
    """Rows (bits, lower index, higher index, moved, still, view) of the near pairs of some moved images."""
    parts = []
    for view in range(moved.shape[1]):
        agreement = moved[:, view] @ still  # (bits equal) - (bits different)
        row, column = np.nonzero(agreement >= HASH_BITS - 2 * NEAR_BITS)
        bits = ((HASH_BITS - agreement[row, column]) / 2).astype(np.int64)
        row = row + start
        parts.append(np.stack([bits, np.minimum(row, column), np.maximum(row, column), row, column, np.full_like(row, view)], axis=1))
    pairs = np.concatenate(parts)
    return np.asarray(pairs[pairs[:, 3] != pairs[:, 4]])


def _each_once(pairs: NDArray[np.int64]) -> list[Candidate]:
    """Of each pair its nearest row, those sorted by how near they are."""
    pairs = pairs[np.lexsort(pairs.T[::-1])]  # by bits first, then by each further column
    _, first = np.unique(pairs[:, 1:3], axis=0, return_index=True)
    best = pairs[np.sort(first)]
    return [Candidate(still=int(still), moved=int(moved), view=int(view), bits=int(bits)) for bits, _, _, moved, still, view in best]
