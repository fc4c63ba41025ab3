"""Tiny films, written with PyAV itself, so that what limner reads and writes is judged by another hand."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from limner.types import ImageArray

TICK = Fraction(1, 12_800)
STEP = 512  # ticks: 25 frames a second


def scene(index: int, size: tuple[int, int] = (48, 64)) -> ImageArray:
    """A picture whose four quarters differ, and whose first says which frame it is."""
    image = np.zeros((*size, 3), np.uint8)
    half = (size[0] // 2, size[1] // 2)
    image[: half[0], : half[1]] = 40 + 8 * index
    image[: half[0], half[1] :] = (220, 30, 30)
    image[half[0] :, : half[1]] = (30, 200, 30)
    image[half[0] :, half[1] :] = (30, 30, 210)
    return image


def noise(index: int, size: tuple[int, int] = (48, 64)) -> ImageArray:
    """A picture that no other frame foretells, so that its bytes are its own."""
    blocks = np.random.default_rng(index).integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


def write_film(
    path: Path,
    images: Iterable[ImageArray],
    *,
    ticks: Sequence[int] | None = None,
    faststart: bool = False,
    prepare: Callable[[Any], object] = lambda _stream: None,
    colours: dict[str, Any] | None = None,
) -> Path:
    """H.264 of images.

    Args:
        path: The file; its suffix is the container.
        images: uint8 RGB, of one even size.
        ticks: When each is shown, in `TICK`.
        faststart: The table of contents comes first.
        prepare: Called with the stream before anything is encoded.
        colours: Passed to `VideoFrame.reformat`.
    """
    with av.open(str(path), "w", options={"movflags": "+faststart"} if faststart else {}) as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5", "bf": "0", "preset": "ultrafast"})
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK if path.suffix != ".avi" else Fraction(1, 25)
        for index, image in enumerate(images):
            if not index:
                stream.height, stream.width = image.shape[:2]
                prepare(stream)
            frame = av.VideoFrame.from_ndarray(image).reformat(format="yuv420p", **(colours or {}))
            frame.pts, frame.time_base = ticks[index] if ticks else index * STEP, TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_film(path: Path) -> tuple[list[ImageArray], list[Fraction]]:
    """All frames of a film, and when they are shown."""
    images, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            images.append(frame.to_ndarray(format="rgb24"))
            times.append(frame.pts * frame.time_base)
    return images, times
