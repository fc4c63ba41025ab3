"""Predict with a model file, or several. The one inference path: evaluation, thresholds, reports and the command line come through here."""

from __future__ import annotations

from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from limner.errors import DataError
from limner.files import sha256
from limner.imaging.read import read_image
from limner.runtime import postprocess as post
from limner.runtime.format import read_model
from limner.runtime.members import Side, joint_metadata, open_members
from limner.runtime.views import Spread, combine_views
from limner.types import ImageArray, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from limner.runtime.format import ModelMetadata
    from limner.runtime.members import Member
    from limner.types import ProbArray, Sample

ImageInput: TypeAlias = ImageArray | str | Path

_BATCH = 8  # images per run of the engine at most
_BATCH_PIXELS = 4_000_000  # and pixels: above about two full-HD images a larger batch costs memory and gains nothing


class Predictor:
    """A model, or the mean of several, ready to predict. Any number of threads may share one: it holds no state that a prediction changes.

    Args:
        members: From `limner.runtime.members.open_members`.
        views: Names of the test-time views whose mean is taken (see `limner.runtime.views`).
        postprocess: Do to the masks what the model asks for.
    """

    def __init__(self, members: Sequence[Member], *, views: Sequence[str] = (), postprocess: bool = True) -> None:
        self._members, self._view_names = tuple(members), tuple(views)
        self._views = combine_views(views)
        self._metadata = joint_metadata([member.model for member in members])
        self._postprocess = self._metadata.postprocess if postprocess else None

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says about itself; of an ensemble, what its files say together."""
        return self._metadata

    @property
    def threshold(self) -> float:
        """A pixel is foreground where its probability is at least this."""
        return self._metadata.threshold

    @property
    def postprocess(self) -> post.PostProcess | None:
        """What is done to the masks after the graph; None for nothing."""
        return self._postprocess

    @property
    def path(self) -> Path:
        """The model file; of an ensemble, the first."""
        return self._members[0].model.path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All model files."""
        return tuple(member.model.path for member in self._members)

    @property
    def provider(self) -> str:
        """What really runs the model, such as `cpu`; of an ensemble, all that do."""
        return " + ".join(dict.fromkeys(member.model.engine.name for member in self._members))

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the test-time views whose mean is taken."""
        return self._view_names

    @property
    def has_probs(self) -> bool:
        """It gives probabilities, not masks alone."""
        return True

    @cached_property
    def label(self) -> str:
        """Name and checksum, by which tables know whose a prediction is: the same for the same files, views and tiles only."""
        digests = [sha256(read_model(path)) for path in self.paths]
        checksum = digests[0] if len(digests) == 1 else sha256("".join(digests).encode())
        tiles = "" if self._own_tiles else "tiles-" + "+".join(f"{one.tile}-{one.overlap}".replace(" ", "") for one in self._members)
        raw = "raw" if self._postprocess != self._metadata.postprocess else ""
        return " ".join(filter(None, [self._metadata.name, checksum[:12], *self._view_names, tiles, raw]))

    @property
    def tile_size(self) -> tuple[int, int] | None:
        """Height and width of the tiles by which the model sees images; None where it sees them whole, or its parts in several ways."""
        return self._common_tile[0]

    @property
    def overlap(self) -> tuple[int, int]:
        """How much neighbouring tiles share at least, down and across; nothing where there are none."""
        return self._common_tile[1]

    def run_tiles(self, tiles: ImageArray) -> ProbArray:
        """The probabilities (N, h, w) of tiles uint8 (N, h, w, 3), in all views and by all models: for whoever cuts an image himself.

        Args:
            tiles: Of the size `tile_size`.

        Raises:
            DataError: The views are not possible within a tile, or the model cannot run.
        """
        self._check_views_of_tiles()
        spread = Spread()
        for member, view in product(self._members, self._views):
            spread.add(view.undo(member.run(np.ascontiguousarray(view.apply(tiles)))))
        return spread.result()[0]

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

    def decide(self, probs: ProbArray, disagreement: ProbArray | None = None) -> Prediction:
        """What follows from the probabilities of an image: the mask, post-processed as in every prediction.

        Args:
            probs: At the image's size, (H, W).
            disagreement: How far several views or models differ, (H, W), which is passed on.
        """
        found = Prediction(probs, probs >= np.float32(self.threshold), self.threshold, disagreement=disagreement)
        if self._postprocess is None:
            return found
        return post.apply(found, self._postprocess, scale=self._metadata.scale_of(self.tile_size or probs.shape))

    def _window(self, images: list[ImageArray]) -> list[Prediction]:
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            groups.setdefault(image.shape, []).append(index)
        predictions: dict[int, Prediction] = {}
        for (height, width, _), indices in groups.items():
            step = max(1, _BATCH_PIXELS // (height * width))
            for batch in (indices[start : start + step] for start in range(0, len(indices), step)):
                predictions.update(zip(batch, self._run(_stacked([images[index] for index in batch])), strict=True))
        return [predictions[index] for index in range(len(images))]

    def _run(self, batch: ImageArray) -> list[Prediction]:
        """Predict images (N, H, W, 3) of one size."""
        spread = Spread()
        for member, view in product(self._members, self._views):
            spread.add(view.undo(member.probs(np.ascontiguousarray(view.apply(batch)), view.scale)))
        probs, disagreement = spread.result()
        return [self.decide(prob, None if disagreement is None else disagreement[place]) for place, prob in enumerate(probs)]

    @property
    def _common_tile(self) -> tuple[tuple[int, int] | None, tuple[int, int]]:
        """Tile and overlap of all members, if they have the same."""
        kinds = {(member.tile, member.overlap) for member in self._members}
        return kinds.pop() if len(kinds) == 1 else (None, (0, 0))

    @property
    def _own_tiles(self) -> bool:
        """Whether no member was told to see images in other tiles than its own."""
        return all(member.as_exported for member in self._members)

    def _check_views_of_tiles(self) -> None:
        """A tile can be turned, but to see it smaller its surroundings would be needed."""
        if self.tile_size is None:
            fix = "give a tile size, or predict the image whole"
            raise DataError("the model sees images whole, not in tiles", where=self.path, fix=fix)
        if any(view.scale != 1 for view in self._views):
            raise DataError("a tile cannot be seen at several scales", where=self.path, fix="leave the views 'scales' away for slides")
        height, width = self.tile_size
        if height != width and any(view.transposes for view in self._views):
            fix = "leave the views 'rotations' away for slides"
            raise DataError(f"tiles of {height} x {width} pixels cannot be turned by 90 degrees", where=self.path, fix=fix)


def load(
    models: str | Path | Sequence[str | Path],
    *,
    threads: int | None = None,
    provider: str = "auto",
    views: Sequence[str] = (),
    postprocess: bool = True,
    tile_size: Side | None = None,
    overlap: Side | None = None,
) -> Predictor:
    """Load a model for prediction, or several whose mean is taken.

    The model is run once, so that the first prediction takes no longer than the later ones.

    Args:
        models: An `.onnx` file, a run folder, or a shipped model's name; or several of them, an ensemble: the mean of their probabilities,
            and of their thresholds.
        threads: Processor threads per prediction; by default as many as there are physical cores.
        provider: What runs the model: `auto`, or `cpu`, `cuda`, `tensorrt`, `openvino`, `coreml`, `directml`.
        views: Test-time views of each image, whose mean is taken: `flips`, `rotations`, `scales`, in any combination.
        postprocess: Do to the masks what the model asks for.
        tile_size: Side, or height and width, of tiles in pixels, for a model that would see images whole.
        overlap: How much neighbouring tiles share at least, in pixels, down and across; by default a quarter of a tile's sides.

    Raises:
        ModelFileError: There is no such model, or its file is damaged, not limner's, or of a newer format.
        LimnerError: The provider is not there, or the options do not fit the model.

    Warns:
        LimnerWarning: A provider does not work, and the processor is used instead; or the models outline different things.
    """
    places = [models] if isinstance(models, (str, Path)) else list(models)
    views = [views] if isinstance(views, str) else views
    combine_views(views)  # a wrong name should be found before a model is opened
    members = open_members(places, threads=threads, provider=provider, tile_size=tile_size, overlap=overlap)
    return Predictor(members, views=views, postprocess=postprocess)


def _stacked(images: list[ImageArray]) -> ImageArray:
    return images[0][None] if len(images) == 1 else np.stack(images)  # a single one may be huge, and is not copied


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
