"""Read moving pictures: a file or a network stream through PyAV, a camera through OpenCV, frame by frame.

A frame is shown as players show it: turned upright, its colours by the standard that the file names. Its time is counted from the first
frame, since recordings may start anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import numpy as np

from limner.errors import DataError, MissingExtraError
from limner.imaging.refusal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from limner.types import ImageArray

Matrix: TypeAlias = tuple[int, int, int, int]

SUFFIXES: Final = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
WAIT_S: Final = 10.0  # for a stream to answer, and for its next frame
_CAMERA = re.compile(r"webcam(?::(\d+))?")
_STREAM = re.compile(r"(rtsps?|https?)://.+", re.IGNORECASE)
_THREADS = 2  # decoding is never the slowest stage; each further thread keeps a further frame in memory
_UPRIGHT: Final = (1, 0, 0, 1)
_USUAL_FPS, _FASTEST = 25, 240  # browsers record milliseconds and no rate, which FFmpeg takes for 1000 frames a second
_UNSPECIFIED = 2  # ITU-T H.273, matrix coefficients


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video.

    Attributes:
        index: Its number; the first is 0.
        time: Seconds from the first frame.
        image: uint8 RGB, (H, W, 3), upright.
    """

    index: int
    time: Fraction
    image: ImageArray


@dataclass(frozen=True, slots=True)
class Video:
    """A video that is being read, once, from its first frame on. A context manager: it is closed at the end.

    Attributes:
        name: What messages call it.
        size: Height and width of the first frame, upright.
        fps: Frames per second; of a variable rate, the mean that the file names.
        time_base: The unit in which the source counts time, in seconds.
        aspect: Width of a pixel over its height, as it is to be shown.
        expected: Number of frames as the file's header has it, or about that; None where nobody knows.
        duration: Seconds from the first frame to the end, as the file's header has it; None likewise.
        live: It is a camera or a network stream: it ends when whoever watches has seen enough.
        frames: The frames; they can be taken once.
        close: Ends reading.
    """

    name: str
    size: tuple[int, int]
    fps: Fraction
    time_base: Fraction
    aspect: Fraction
    expected: int | None
    duration: float | None
    live: bool
    frames: Iterator[Frame]
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_video(place: str | Path) -> bool:
    """Whether a place is read as moving pictures: by the suffix of a file, `webcam`, `webcam:1`, or the address of a stream.

    Example:
        >>> [is_video(place) for place in ("a/clip.MP4", "webcam:1", "rtsp://scope/live", "frame.png")]
        [True, True, True, False]
    """
    return is_live(place) or Path(place).suffix.lower() in SUFFIXES


def is_live(place: str | Path) -> bool:
    """Whether a place is a camera or a network stream.

    Example:
        >>> is_live("webcam"), is_live("clip.mp4")
        (True, False)
    """
    return bool(_CAMERA.fullmatch(str(place)) or _STREAM.match(str(place)))


def open_video(place: str | Path, *, wait_s: float = WAIT_S) -> Video:
    """Open a video and read its first frame. Sound is not looked at.

    Args:
        place: A video file; `webcam` or `webcam:1` for a camera by its number; `rtsp://` or `http(s)://` for a stream.
        wait_s: How long to wait for a stream.

    Raises:
        DataError: There is no such video, it has no pictures, or cannot be read. `Video.frames` raises it for the first damaged frame of
            a file, naming the frame. (Streams lose frames as a matter of course: there, damaged ones are passed over.)
        MissingExtraError: PyAV is not installed.
    """
    if camera := _CAMERA.fullmatch(str(place)):
        from limner.imaging.webcam import open_webcam

        return open_webcam(int(camera[1] or 0))
    container = _open_container(str(place), wait_s)
    try:
        return _film(container, str(place))
    except BaseException:
        container.close()
        raise


def require_av() -> None:
    """Make sure that PyAV is there.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingExtraError("video", needed_for="video") from None


def upright(image: ImageArray, matrix: Matrix) -> ImageArray:
    """Turn and mirror a picture as it is to be shown, by quarters of a turn.

    Args:
        image: (H, W, 3), as stored.
        matrix: a, b, c, d of the display matrix: a point (x, y) is shown at (ax + cy, bx + dy). ISO/IEC 14496-12, 6.2.2.

    Example:
        >>> row = np.array([[[1], [2]]], np.uint8)
        >>> upright(row, (0, -1, 1, 0))[..., 0].tolist(), upright(row, (-1, 0, 0, 1))[..., 0].tolist()
        ([[2], [1]], [[2, 1]])
    """
    a, b, c, d = matrix
    if abs(b) > abs(a):
        image, (left, top) = image.swapaxes(0, 1), (c, b)
    else:
        left, top = a, d
    return np.ascontiguousarray(image[:: -1 if top < 0 else 1, :: -1 if left < 0 else 1])


def _open_container(place: str, wait_s: float) -> InputContainer:
    require_av()
    import av

    try:
        if is_live(place):
            options = {"rtsp_transport": "tcp"} if place.lower().startswith("rtsp") else {}
            return av.open(place, "r", options=options, timeout=wait_s, metadata_errors="replace")
        # "file:" lets a name hold colons; a playlist in disguise must not reach out to the network; titles are in any encoding
        return av.open(f"file:{place}", "r", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except av.FFmpegError as error:
        raise _unreadable(error, place) from None


def _film(container: InputContainer, name: str) -> Video:
    from av import VideoStream

    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise DataError("there are no moving pictures in this file", where=name, fix="give a video; sound alone shows nothing")
    stream.thread_type, stream.thread_count = "AUTO", _THREADS
    decoded = _decode(container, stream, name)
    first = next(decoded, None)
    if first is None:
        raise DataError("not one frame of this video can be read", where=name, fix=_MEND)
    fps, duration, matrix = _rate(stream), _duration(container, stream), _matrix(first)
    size = _to_rgb(first, matrix).shape[:2]
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return Video(
        name=name,
        size=(size[0], size[1]),
        fps=fps,
        time_base=stream.time_base or Fraction(1, 90_000),
        aspect=1 / aspect if abs(matrix[1]) > abs(matrix[0]) else aspect,
        expected=stream.frames or (None if duration is None else round(duration * fps)),
        duration=duration,
        live=is_live(name),
        frames=_timed(chain([first], decoded), fps, matrix),
        close=container.close,
    )


def _matrix(frame: VideoFrame) -> Matrix:
    """How frames of this video are to be turned.

    Asked of one frame only: one that has been asked for its side data holds itself, megabytes of it, until Python looks for such circles.
    """
    told = frame.side_data.get("DISPLAYMATRIX")
    if told is None:
        return _UPRIGHT
    numbers = np.frombuffer(told, np.int32)  # type: ignore[call-overload]  # a buffer of nine numbers
    return int(numbers[0]), int(numbers[1]), int(numbers[3]), int(numbers[4])


def _decode(container: InputContainer, stream: VideoStream, name: str) -> Iterator[VideoFrame]:
    """The stream's frames in the order in which they are shown. What is broken before the first good one is passed over, as players do."""
    import av

    lenient, count = is_live(name), 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            raise _broken_off(error, name, count) from None
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            if lenient or not count:
                continue
            raise _damaged(_reason(error), name, count) from None
        for frame in frames:
            if not frame.is_corrupt:
                yield frame
                count += 1
            elif not lenient and count:
                raise _damaged("it is incomplete", name, count)


def _timed(decoded: Iterator[VideoFrame], fps: Fraction, matrix: Matrix = _UPRIGHT) -> Iterator[Frame]:
    """Frames with times that rise; where the source names none, or one that has passed, frames follow at its rate."""
    start, time = None, -1 / fps
    for index, frame in enumerate(decoded):
        told = None if frame.pts is None or not frame.time_base else frame.pts * Fraction(frame.time_base)
        if start is None:
            start = told
        since = time if told is None or start is None else told - start
        time = since if since > time else time + 1 / fps
        yield Frame(index, time, _to_rgb(frame, matrix))


def _to_rgb(frame: VideoFrame, matrix: Matrix) -> ImageArray:
    # As players do: where high definition does not say which standard its colours follow, it is BT.709; FFmpeg would take BT.601.
    assume = frame.colorspace == _UNSPECIFIED and is_high_definition(frame.height, frame.width)
    rgb = frame.reformat(format="rgb24", src_colorspace="ITU709" if assume else None, threads=1).to_ndarray()
    return upright(np.asarray(rgb, dtype=np.uint8), matrix)


def is_high_definition(height: int, width: int) -> bool:
    """Whether players take a video of this size for high definition, whose colours follow BT.709.

    Example:
        >>> is_high_definition(576, 720), is_high_definition(720, 1280)
        (False, True)
    """
    return width >= 1280 or height > 576


def _rate(stream: VideoStream) -> Fraction:
    guessed = stream.guessed_rate if (stream.guessed_rate or 0) <= _FASTEST else None
    return Fraction(stream.average_rate or guessed or _USUAL_FPS).limit_denominator(1001)  # of 30000/1001, that of television


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else None


_MEND: Final = "if a player shows it, this mends what can be mended: ffmpeg -i IN -c:v libx264 -an OUT.mp4"


def _unreadable(error: Exception, place: str) -> DataError:
    fix = "check the address, and that this machine may reach it" if is_live(place) else "check the path, and whether a player shows it"
    return DataError(f"the video cannot be read: {_reason(error)}", where=place, fix=fix)


def _damaged(reason: str, name: str, count: int) -> DataError:
    return DataError(f"frame {count} of the video is damaged: {reason}", where=name, fix=_MEND)


def _broken_off(error: Exception, name: str, count: int) -> DataError:
    fix = "check the connection, and whether the source still sends" if is_live(name) else _MEND
    return DataError(f"the video breaks off before frame {count}: {_reason(error)}", where=name, fix=fix)


def _reason(error: Exception) -> str:
    import av

    return "it did not answer in time" if isinstance(error, av.error.ExitError) else getattr(error, "strerror", None) or one_line(error)
