"""The two clocks.

`network` counts as the efficiency task of Medico 2020 does (Jha et al., "Medico Multimedia Task at MediaEval 2020: Automatic Polyp
Segmentation", CEUR-WS 2882, paper 1, with the skeleton that the organisers gave to the participants): the time begins when a decoded image
of the network's size lies in memory and ends with the prediction, one image at a time; reading, resizing to that size and writing are
outside. `file` is what a user waits for: from the encoded file to the written mask, through the very code that `limner predict` runs.
"""

from __future__ import annotations

from itertools import cycle, islice
from time import perf_counter
from typing import TYPE_CHECKING

from limner.batch import Job, Layout, predict_many
from limner.errors import DataError
from limner.imaging.resize import fit_inside, resize_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from limner.data import FileRef
    from limner.runtime import Predictor
    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray

    Timer = Callable[[], float]

LEAST = 2  # predictions in a round, however slow the model


def as_seen(image: ImageArray, metadata: ModelMetadata) -> ImageArray:
    """An image (H, W, 3) at the size that the network sees; a model of patches sees images as they are.

    Example:
        >>> import numpy as np
        >>> from limner.runtime.format import ModelMetadata
        >>> metadata = ModelMetadata(name="toy", task="polyp", input_size=(64, 64), created="2026-01-01T00:00:00+00:00")
        >>> as_seen(np.zeros((90, 120, 3), np.uint8), metadata).shape
        (64, 64, 3)
    """
    if metadata.sampling == "patches":
        return image
    if metadata.keep_aspect:
        height, width, *_ = fit_inside((image.shape[0], image.shape[1]), metadata.input_size)
        return resize_image(image, (height, width))
    return resize_image(image, metadata.input_size)


def time_network(
    predictor: Predictor, images: Sequence[ImageArray], *, seconds: float, batch: int = 1, timer: Timer = perf_counter
) -> list[float]:
    """Seconds of each prediction, of `batch` images; the images are taken again and again until `seconds` have been spent on them.

    Args:
        predictor: The model.
        images: Decoded, at the network's size.
        seconds: The sum of the times comes to this, or to what `LEAST` predictions take.
        batch: Images predicted at once.
        timer: Seconds from any beginning on.
    """
    waiting, taken, spent = cycle(images), list[float](), 0.0
    while spent < seconds or len(taken) < LEAST:
        at_once = list(islice(waiting, batch))
        start = timer()
        predictor.predict(at_once if batch > 1 else at_once[0])
        taken.append(timer() - start)
        spent += taken[-1]
    return taken


def time_files(predictor: Predictor, files: Sequence[FileRef], out: Path, *, count: int, timer: Timer = perf_counter) -> float:
    """Seconds that `count` images take from encoded file to written mask; the files are taken again and again.

    Args:
        predictor: The model.
        files: Encoded images.
        out: Masks and their table are written here, and are left there.
        count: Number of images.
        timer: Seconds from any beginning on.

    Raises:
        DataError: An image cannot be read or predicted.
    """
    jobs = [Job(file, f"{number:05d}") for number, file in enumerate(islice(cycle(files), count))]
    start = timer()
    done = predict_many(predictor, jobs, Layout(out, outputs=frozenset({"masks"})))
    taken = timer() - start
    if done.failures:
        failure = done.failures[0]
        raise DataError(f"an image cannot be predicted: {failure.reason}", where=failure.file, fix="leave it out, or repair it")
    return taken
