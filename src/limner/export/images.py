"""The images that a model was made of, found again in a source by their content: some to calibrate on, others to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.wording import counted
from limner.errors import DataError
from limner.export.parity import seen_part
from limner.files import sha256
from limner.imaging.tiles import mirrored
from limner.selection import HASH_DIGITS
from limner.types import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.data import Dataset, Item
    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray

CALIBRATED = 64  # images; ranges hardly change with more
_FEWEST = 8
_MEASURED = 100
_MOST_PIXELS = 60_000_000  # of all images measured together: their probabilities are kept in memory
_SEED = 0


@dataclass(frozen=True)
class OwnImages:
    """Images of a model.

    Attributes:
        calibration: Training images, drawn at random once and for all.
        measured: Items that the model was chosen by, but not trained on; of an ensemble, which was trained on all, others than those above.
        said: How many the latter are, and what, in words.
        training: How many training images there are.
    """

    calibration: tuple[Item, ...]
    measured: tuple[Item, ...]
    said: str
    training: int


def own_images(metadata: ModelMetadata, dataset: Dataset) -> OwnImages:
    """Find a model's own images in a data set, whatever they are called now. There may be none."""
    hashes = metadata.training_data.get("hashes") or {}
    by_hash = {sha256(item.image.read())[:HASH_DIGITS]: item for item in dataset.items}
    train, val = ([by_hash[known] for known in hashes.get(part, ()) if known in by_hash] for part in ("train", "val"))
    order = [train[index] for index in np.random.default_rng(_SEED).permutation(len(train))]
    calibration = order[: CALIBRATED if val else min(CALIBRATED, len(order) // 2)]
    others = order[len(calibration) :]
    said = counted(len(val), "validation image") if val else f"{counted(len(others), 'training image')} that it was not calibrated on"
    return OwnImages(tuple(calibration), tuple(val or others), said, len(train))


def require_calibration(images: OwnImages, metadata: ModelMetadata, dataset: Dataset) -> None:
    """Make sure that there are images enough to calibrate on.

    Raises:
        DataError: The model does not say what it was trained on, or too few of its images are here.
    """
    if len(images.calibration) >= _FEWEST:
        return
    known = len((metadata.training_data.get("hashes") or {}).get("train", ()))
    if not known:
        fix = "train the model again with this limner; it then knows its images"
        raise DataError("the model does not say which images it was trained on", where=dataset.place, fix=fix)
    what = f"only {images.training} of the {known} images that the model was trained on are here, and {_FEWEST} are needed to calibrate on"
    raise DataError(what, where=dataset.place, fix="name the data that it was trained on with --source (in Python: source=...)")


def load_measured(images: OwnImages, metadata: ModelMetadata) -> list[Sample]:
    """As many of the images to measure on as fit into memory beside what is predicted of them; of patches, the middle of each.

    Raises:
        DataError: One cannot be read, or has no mask.
    """
    samples: list[Sample] = []
    pixels = 0
    for item in images.measured[:_MEASURED]:
        whole = item.load()
        image, mask = seen_part(whole, metadata.sampling, metadata.input_size)
        assert mask is not None  # a sample has one
        pixels += mask.size
        if samples and pixels > _MOST_PIXELS:
            break
        samples.append(Sample(whole.key, image.copy(), mask.copy()))
    return samples


def batches(items: Sequence[Item], metadata: ModelMetadata) -> Iterator[ImageArray]:
    """Images as a model takes them, uint8 RGB (N, H, W, 3): each whole, or the four tiles of its middle.

    Raises:
        DataError: One cannot be read.
    """
    for item in items:
        image, _ = seen_part(item.load_image(), metadata.sampling, metadata.input_size)
        yield _tiles(image, metadata.input_size) if metadata.sampling == "patches" else image[None]


def _tiles(image: ImageArray, tile: tuple[int, int]) -> ImageArray:
    padded = mirrored(image, (0, 0), (2 * tile[0], 2 * tile[1]))
    return np.stack([padded[row : row + tile[0], column : column + tile[1]] for row in (0, tile[0]) for column in (0, tile[1])])
