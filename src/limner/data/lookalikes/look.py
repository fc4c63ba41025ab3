"""What is kept of an image to find others like it: a perceptual hash, a small grey picture, and a digest of its pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.cores import on_all_cores
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from limner.data.items import Item
    from limner.progress import Progress
    from limner.types import ImageArray

THUMBNAIL = 64  # pixels, each side
FREQUENCIES = 12  # of the cosine transform, each way; their signs are the hash
HASH_BITS = FREQUENCIES**2  # 8 x 8, as is usual, proposes three to ten times as many unrelated pairs at the same recall of copies


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How an image looks, in eight kilobytes.

    Attributes:
        size: Height and width in pixels.
        digest: SHA-256 of the decoded pixels and their shape: equal for the same picture in two lossless files.
        hash: Perceptual hash (pHash; Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010): bool, (144,), the
            signs of the lowest 12 x 12 frequencies of the grey image's cosine transform.
        thumbnail: The grey image at 64 x 64, in grey levels: float16.
        contrast: Standard deviation of the thumbnail's grey levels.
    """

    size: tuple[int, int]
    digest: str
    hash: NDArray[np.bool_]
    thumbnail: NDArray[np.float16]
    contrast: float


def look(image: ImageArray) -> Look:
    """How an image looks.

    Args:
        image: uint8 RGB, (H, W, 3).

    Example:
        >>> ramp = np.tile(np.arange(80, dtype=np.uint8)[:, None, None], (1, 90, 3))
        >>> look(ramp).size, look(ramp).digest == look(ramp.copy()).digest
        ((80, 90), True)
    """
    import cv2

    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    small = np.asarray(cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.float32)
    return Look((image.shape[0], image.shape[1]), _digest(image), perceptual_hash(small), small.astype(np.float16), float(small.std()))


def look_at(items: Iterable[Item], *, progress: Progress | None = None) -> dict[str, Look]:
    """How the images of some items look, read on all cores; items whose image cannot be read are left out.

    Args:
        items: Which.
        progress: Called in this thread after each item.

    Returns:
        By key, in the items' order.
    """
    wanted = list(items)
    found = on_all_cores(_look_or_none, wanted, progress=progress)
    return {item.key: seen for item, seen in zip(wanted, found, strict=True) if seen is not None}


def _look_or_none(item: Item) -> Look | None:
    try:
        return look(item.load_image())
    except DataError:
        return None


def _digest(image: ImageArray) -> str:
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def perceptual_hash(small: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The hash of a grey thumbnail.

    Signs, not comparisons with the median as is usual: a mirrored image then has the same bits, those of odd frequencies inverted.
    """
    import cv2

    waves = np.asarray(cv2.dct(small - small.mean()))
    return np.asarray(waves[:FREQUENCIES, :FREQUENCIES] > 0).ravel()
