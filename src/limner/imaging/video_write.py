"""Write moving pictures as H.264, which every browser, player and presentation shows."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from limner.errors import DataError
from limner.files import atomic_path
from limner.imaging.refusal import one_line
from limner.imaging.video import is_high_definition, require_av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av import VideoFrame
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from limner.types import ImageArray

# What each container is told. "faststart" moves the table of contents to the front, so that a browser shows the first frame at once.
_CONTAINERS: Final[dict[str, dict[str, str]]] = {
    ".mp4": {"movflags": "+faststart"},
    ".mkv": {},
    ".mov": {"movflags": "+faststart"},
    ".avi": {},
}
# The eye sees no loss at a constant quality of 20. "veryfast" takes half the time of the default for files no larger here, and without
# B-frames each frame's duration is written right for a variable rate.
_CODEC: Final = {"preset": "veryfast", "crf": "20", "bf": "0"}
_THREADS = 2  # each keeps frames in memory, and the network wants the cores
_KEY_FRAME_S = 2  # so often there is a frame to which a player can jump
_BT709, _BT601, _LIMITED = 1, 6, 1  # ITU-T H.273; range 1 is that of television, as players expect


def check_suffix(path: Path) -> None:
    """Make sure that a video can be written under this name.

    Raises:
        DataError: Its suffix is none that limner writes; the error lists them.
    """
    if path.suffix.lower() not in _CONTAINERS:
        raise DataError("no video format is known for this suffix", where=path, fix=f"use one of {', '.join(_CONTAINERS)}")


@contextmanager
def write_video(
    path: str | Path, *, fps: Fraction, time_base: Fraction = Fraction(1, 90_000), aspect: Fraction = Fraction(1)
) -> Iterator[VideoWriter]:
    """Yield a writer; at the end the video is whole and stands at `path`. On an error nothing does. Parent folders are made.

    Args:
        path: Ends in .mp4, .mkv, .mov or .avi. Matroska counts time in milliseconds, AVI in frames at `fps`; the others keep it as it is.
        fps: Frames per second, about, where the rate varies.
        time_base: The unit of the frames' times, in seconds.
        aspect: Width of a pixel over its height.

    Raises:
        DataError: The suffix is another, or the frames cannot be encoded.
        MissingExtraError: PyAV is not installed.
    """
    check_suffix(Path(path))
    require_av()
    with atomic_path(path) as temporary:
        writer = VideoWriter(temporary, fps=fps, time_base=1 / fps if temporary.suffix.lower() == ".avi" else time_base, aspect=aspect)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


class VideoWriter:
    """Encodes frames one by one; from `write_video`.

    Attributes:
        frames: How many have been added.
    """

    def __init__(self, path: Path, *, fps: Fraction, time_base: Fraction, aspect: Fraction) -> None:
        import av

        self.frames = 0
        self._fps, self._time_base, self._aspect = fps, time_base, aspect
        self._container: OutputContainer = av.open(f"file:{path}", "w", options=_CONTAINERS[path.suffix.lower()])
        self._stream: VideoStream | None = None
        self._last = -1

    def add(self, image: ImageArray, time: Fraction) -> None:
        """Add a frame.

        H.264 for players needs even sides: an odd one is lengthened by repeating the outermost pixels. A frame whose size is not that of
        the first is stretched to it.

        Args:
            image: uint8 RGB, (H, W, 3).
            time: When it is shown, in seconds; later than the frame before.
        """
        if self._stream is None:
            self._stream = self._begin(image.shape[0], image.shape[1])
        frame = _to_yuv(_fitted(image, self._stream.height, self._stream.width))
        self._last = max(self._last + 1, round(time / self._time_base))
        frame.pts, frame.time_base = self._last, self._time_base
        frame.duration = max(1, round(1 / (self._fps * self._time_base)))
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._container.close()

    def _begin(self, height: int, width: int) -> VideoStream:
        import av

        options = _CODEC | {"g": str(max(1, round(_KEY_FRAME_S * self._fps)))}
        stream = self._container.add_stream("libx264", rate=self._fps, options=options)
        stream.height, stream.width, stream.pix_fmt = height + height % 2, width + width % 2, "yuv420p"
        codec = stream.codec_context
        codec.time_base, codec.thread_count, codec.sample_aspect_ratio = self._time_base, _THREADS, self._aspect
        standard = _standard(stream.height, stream.width)
        codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range = standard, standard, standard, _LIMITED
        try:
            self._container.start_encoding()
        except av.FFmpegError as error:
            raise DataError(f"frames of {width} x {height} pixels cannot be encoded: {one_line(error)}") from None
        return stream


def _fitted(image: ImageArray, height: int, width: int) -> ImageArray:
    """The image at the size of the stream."""
    more = (height - image.shape[0], width - image.shape[1])
    if more == (0, 0):
        return np.ascontiguousarray(image)
    if more in {(0, 1), (1, 0), (1, 1)}:
        return np.asarray(cv2.copyMakeBorder(image, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE), dtype=np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _to_yuv(image: ImageArray) -> VideoFrame:
    from av import VideoFrame

    name = "ITU709" if _standard(*image.shape[:2]) == _BT709 else "ITU601"
    return VideoFrame.from_ndarray(image).reformat(format="yuv420p", dst_colorspace=name, dst_color_range="MPEG", threads=1)


def _standard(height: int, width: int) -> int:
    return _BT709 if is_high_definition(height, width) else _BT601
