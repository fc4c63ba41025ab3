"""The ways in which a copy may have been turned or cropped: mirrored, or a few per cent cut from its edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.lookalikes.look import FREQUENCIES, THUMBNAIL, perceptual_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CUT = 0.04  # of each side: one step finds crops of 2 to 6 per cent, since a hash bears about 2 per cent of misfit


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a thumbnail.

    Attributes:
        flip_rows: Whether it is mirrored top to bottom.
        flip_columns: Whether it is mirrored left to right.
        cut: Shares cut away on the left, top, right and bottom; the rest is stretched to the full size.
    """

    flip_rows: bool = False
    flip_columns: bool = False
    cut: tuple[float, float, float, float] = (0, 0, 0, 0)

    @property
    def is_crop(self) -> bool:
        """Whether anything is cut away."""
        return any(self.cut)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """The affine map (2, 3) from pixels of the view to pixels of the mirrored thumbnail."""
        left, top, right, bottom = self.cut
        return np.array([[1 - left - right, 0, left * THUMBNAIL], [0, 1 - top - bottom, top * THUMBNAIL]], dtype=np.float32)


VIEWS = (
    View(),
    View(flip_columns=True),
    View(flip_rows=True),
    View(flip_rows=True, flip_columns=True),
    *(
        View(cut=(left * _CUT, top * _CUT, right * _CUT, bottom * _CUT))
        for left, top, right, bottom in ((1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 1, 1))
    ),
)


def view_hashes(thumbnail: NDArray[np.float16]) -> NDArray[np.bool_]:
    """The hash of a thumbnail in each view: bool, (views, bits)."""
    grey = thumbnail.astype(np.float32)
    whole = perceptual_hash(grey)
    return np.stack([perceptual_hash(warp(grey, view.matrix)) if view.is_crop else _mirrored(whole, view) for view in VIEWS])


def mirror(thumbnail: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """The thumbnail, mirrored as the view says."""
    rows, columns = (slice(None, None, -1 if flip else 1) for flip in (view.flip_rows, view.flip_columns))
    return np.ascontiguousarray(thumbnail[rows, columns])


def warp(thumbnail: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The thumbnail seen through an affine map from new pixels to old ones; beyond its edges they are repeated."""
    import cv2

    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (THUMBNAIL, THUMBNAIL)
    return np.asarray(cv2.warpAffine(thumbnail, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def _mirrored(bits: NDArray[np.bool_], view: View) -> NDArray[np.bool_]:
    """Mirroring changes the sign of every wave with an odd number of half periods in that direction."""
    odd = np.arange(FREQUENCIES) % 2 == 1
    turned = (odd & view.flip_rows)[:, None] ^ (odd & view.flip_columns)[None, :]
    return np.asarray(bits ^ turned.ravel())
