"""Read a camera of this machine, through OpenCV."""

from __future__ import annotations

import time
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, count
from typing import TYPE_CHECKING

import cv2

from limner.errors import DataError
from limner.imaging.video import Frame, Video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.types import ImageArray

_USUAL_FPS = 30.0


def open_webcam(number: int) -> Video:
    """Open a camera. Its frames are timed when they come: one that is read slowly gives fewer of them, not slower motion.

    Args:
        number: 0 is the first camera.

    Raises:
        DataError: There is no such camera, or it cannot be used. `Video.frames` raises it when the camera stops.
    """
    name = f"webcam:{number}"
    with _silent():
        camera = cv2.VideoCapture(number)
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver knows it: else the next frame would be some frames old
    images = _images(camera, name)
    first = next(images, None)
    if first is None:
        camera.release()
        fix = "check that it is connected, that no other program uses it, and that you may; webcam:1 is the second camera"
        raise DataError("the camera cannot be used", where=name, fix=fix)
    fps = camera.get(cv2.CAP_PROP_FPS)
    return Video(
        name=name,
        size=(first.shape[0], first.shape[1]),
        fps=Fraction(fps if 1 <= fps <= 1000 else _USUAL_FPS).limit_denominator(1001),
        time_base=Fraction(1, 90_000),
        aspect=Fraction(1),
        expected=None,
        duration=None,
        live=True,
        frames=_timed(chain([first], images)),
        close=camera.release,
    )


def _images(camera: cv2.VideoCapture, name: str) -> Iterator[ImageArray]:
    for index in count():
        there, image = camera.read()
        if not there and not index:
            return
        if not there:
            raise DataError(f"the camera gave no frame {index}", where=name, fix="check that it is still connected")
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[misc]  # of bytes it makes bytes


def _timed(images: Iterator[ImageArray]) -> Iterator[Frame]:
    start = None
    for index, image in enumerate(images):
        now = time.monotonic_ns()
        start = now if start is None else start
        yield Frame(index, Fraction(now - start, 1_000_000_000), image)


@contextmanager
def _silent() -> Iterator[None]:
    """OpenCV tells on standard error of each way in which it did not find a camera; our error says it once."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
