"""Predict with a model file. This is the one inference path: evaluation, thresholds, reports and the command line all come through here."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from limner.errors import DataError
from limner.imaging.read import read_image
from limner.runtime.model_file import ModelFile, open_model
from limner.runtime.tiled import predict_tiles
from limner.types import ImageArray, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from limner.runtime.format import ModelMetadata
    from limner.types import ProbArray, Sample

ImageInput: TypeAlias = ImageArray | str | Path

_BATCH = 8  # images per run of the session at most
_BATCH_PIXELS = 4_000_000  # and pixels: above about two full-HD images a larger batch costs memory and gains nothing


class Predictor:
    """A model, ready to predict. Any number of threads may share one: it holds no state that a prediction changes.

    Args:
        model: From `open_model`.
    """

    def __init__(self, model: ModelFile) -> None:
        self._model = model

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says about itself."""
        return self._model.metadata

    @property
    def threshold(self) -> float:
        """A pixel is foreground where its probability is at least this."""
        return self._model.metadata.threshold

    @property
    def path(self) -> Path:
        """The model file."""
        return self._model.path

    @property
    def has_probs(self) -> bool:
        """It gives probabilities, not masks alone."""
        return True

    def predict_sample(self, sample: Sample, /) -> Prediction:
        """Predict the image of a sample; its mask is not looked at."""
        return self.predict(sample.image)

    # A str is a path here, though to the type system it is a sequence of str too.
    @overload
    def predict(self, image: ImageInput) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, image: Sequence[ImageInput]) -> list[Prediction]: ...
    def predict(self, image: ImageInput | Sequence[ImageInput]) -> Prediction | list[Prediction]:
        """Predict one image, or each of a list.

        Args:
            image: uint8 RGB (H, W, 3) of any size, or the path of an image file; or a list or tuple of those, of mixed sizes if need be.

        Returns:
            A prediction at the image's own size; for a list, a list in the same order.

        Raises:
            DataError: An array is not an image as above, or a file cannot be read as one.
        """
        if isinstance(image, (list, tuple)):
            return list(self.stream(image))
        return next(self.stream([image]))  # type: ignore[list-item]  # whatever else it is, `_as_image` judges it

    def stream(self, images: Iterable[ImageInput]) -> Iterator[Prediction]:
        """Predict any number of images, one after the other, with a few of them in memory at a time.

        Neighbours of equal size are run as one batch.
        """
        waiting = iter(images)
        while window := [_as_image(image) for image in islice(waiting, _BATCH)]:
            yield from self._window(window)

    def _window(self, images: list[ImageArray]) -> list[Prediction]:
        if self.metadata.sampling == "patches":
            return [self._tiled(image) for image in images]
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            groups.setdefault(image.shape, []).append(index)
        predictions: dict[int, Prediction] = {}
        for (height, width, _), indices in groups.items():
            step = max(1, _BATCH_PIXELS // (height * width))
            for batch in (indices[start : start + step] for start in range(0, len(indices), step)):
                predictions.update(zip(batch, self._run(np.stack([images[index] for index in batch])), strict=True))
        return [predictions[index] for index in range(len(images))]

    def _tiled(self, image: ImageArray) -> Prediction:
        probs = predict_tiles(lambda tiles: self._outputs(tiles)[0], image, self.metadata.input_size)
        return Prediction(probs, probs >= np.float32(self.threshold), self.threshold)

    def _run(self, batch: ImageArray) -> list[Prediction]:
        """Run images (N, H, W, 3) of one size through the model."""
        probs, masks = self._outputs(batch)
        return [Prediction(prob, mask.astype(bool), self.threshold) for prob, mask in zip(probs, masks, strict=True)]

    def _outputs(self, batch: ImageArray) -> tuple[ProbArray, NDArray[np.uint8]]:
        """Probabilities and masks (N, H, W) of images (N, H, W, 3)."""
        try:
            probs, masks = self._model.session.run(["probs", "mask"], {"image": batch})
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            height, width = batch.shape[1:3]
            fix = "free memory, or give a smaller image"
            raise DataError(f"the model cannot run on an image of {height} x {width} pixels: {error}", fix=fix) from None
        return np.minimum(probs, 1, out=probs), masks  # files of an older limner may give a rounding step more


def load(place: str | Path, *, threads: int | None = None) -> Predictor:
    """Load a model for prediction.

    Args:
        place: An `.onnx` file, a run folder, or a shipped model's name.
        threads: Processor threads per prediction; by default as many as there are physical cores.

    Raises:
        ModelFileError: There is no such model, or its file is damaged, not limner's, or of a newer format.
    """
    return Predictor(open_model(place, threads=threads))


def _as_image(image: object) -> ImageArray:
    if isinstance(image, (str, Path)):
        return _read(Path(image))
    if not isinstance(image, np.ndarray):
        fix = "give a NumPy array, such as np.asarray(picture.convert('RGB')) of a Pillow image, or the path of a file"
        raise DataError(f"an image is a NumPy array or a path; this is a {type(image).__name__}", fix=fix)
    if advice := _advice(image):
        found = f"{image.dtype} of shape {image.shape}"
        raise DataError(f"an image is a uint8 array of shape (height, width, 3) in RGB order; this is {found}", fix=advice)
    return image


def _advice(array: np.ndarray[Any, Any]) -> str | None:
    """How to make an image of an array that is not one, or None if it is one."""
    advices = [
        (array.size == 0, "give an image with at least one pixel"),
        (array.dtype != np.uint8, "scale it to 0..255 and convert it with .astype(np.uint8)"),
        (array.ndim == 2, "repeat the grey channel: np.stack([image] * 3, axis=-1)"),
        (array.ndim == 4, "give several images as a list: predict(list(images))"),
        (array.shape[2:] == (4,), "keep the three colour channels: image[..., :3]"),
        (array.shape[2:] != (3,) and array.shape[:1] == (3,), "put the channels last: image.transpose(1, 2, 0)"),
        (array.shape[2:] != (3,), "give height, width and three channels, in this order"),
    ]
    return next((advice for applies, advice in advices if applies), None)


def _read(path: Path) -> ImageArray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"the image cannot be read: {error.strerror}", where=path, fix="check the path") from None
    return read_image(data, name=str(path))
