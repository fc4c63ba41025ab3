"""Prediction over a video: its copy with each frame's outline drawn, and a table with a row for each frame.

Three stages overlap: while the network sees one frame, the next is being decoded and the one before encoded. A few frames wait between
them and no more, so an hour takes the memory of a minute.
"""

from __future__ import annotations

import csv
import time
import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from limner.errors import DataError, LimnerError, LimnerWarning, OutputExistsError
from limner.files import atomic_path
from limner.imaging.instances import connected_areas
from limner.imaging.overlay import draw_outline
from limner.imaging.video import is_live, open_video
from limner.imaging.video_write import check_suffix, write_video
from limner.metrics.review import review_score
from limner.pipeline import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from limner.imaging.video import Frame, Video
    from limner.imaging.video_write import VideoWriter
    from limner.progress import Progress
    from limner.runtime import Predictor
    from limner.runtime.format import ReviewRule
    from limner.types import Prediction, ProbArray

COLUMNS: Final = (
    "frame",  # the first is 0
    "seconds",  # from the first frame
    "foreground_share",
    "objects",
    "mean_foreground_prob",
    "max_prob",
    "needs_review",  # see `limner.metrics.review`; higher is more doubtful
    "flagged",  # whether that is above the model's own limit: yes or no, empty where it has none
    "milliseconds",  # the prediction alone, from decoded frame to mask
)
_DEPTH = 2  # frames that wait before the network, and after it
_CUT_SHORT = 0.95  # less than this share of the duration that the header promises, and a second less, is a file that has lost its end


@dataclass(frozen=True, slots=True)
class VideoResult:
    """What a prediction over a video has done.

    Attributes:
        frames: Frames predicted and written.
        seconds: Time from opening the source to the finished file.
        fps: Frames per second of the whole, file to file.
        out: The video with outlines.
        table: The table of its frames.
        size: Height and width of the frames.
        source_fps: Frames per second of the source; of a variable rate, the mean.
        milliseconds: Of one frame's prediction, the mean.
        flagged: Frames that should be looked at by a person.
        interrupted: Ctrl-C ended it.
    """

    frames: int
    seconds: float
    fps: float
    out: Path
    table: Path
    size: tuple[int, int]
    source_fps: float
    milliseconds: float
    flagged: int
    interrupted: bool


def predict_video(
    predictor: Predictor,
    source: str | Path,
    out: str | Path,
    *,
    table: str | Path | None = None,
    smooth: float = 0.0,
    overwrite: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> VideoResult:
    """Outline what the model knows in each frame of a video. Sound is not copied.

    The frames keep their times, counted from the first. Where the work on a file is stopped, by Ctrl-C or by a damaged frame, what was done
    so far is finished and kept, under a name that says so: `out.partial.mp4`, which plays, and `out.partial.csv`.

    Args:
        predictor: The model.
        source: A video file; `webcam` or `webcam:1`; the address of a stream (rtsp, http).
        out: The video to write: .mp4, .mkv, .mov or .avi.
        table: The table to write, as CSV; by default beside `out`.
        smooth: Time constant, in seconds, of an exponential moving average of each pixel's probability over time; 0 for none.
        overwrite: Replace outputs that are already there.
        seconds: Stop after so much of the video, with one frame at least; without it, a camera or stream goes on until Ctrl-C.
        progress: Called with (done, total) after each frame; of a source of unknown length, total is done.

    Raises:
        OutputExistsError: An output is there already, or would replace the source.
        DataError: The video cannot be read, a frame is damaged, or no video can be written under this name.
        MissingExtraError: PyAV is not installed.
        KeyboardInterrupt: Ctrl-C, on a file. On a camera or a stream it is the way to end: the result comes as usual.

    Warns:
        LimnerWarning: A file ends before it should; or Ctrl-C, and where the frames so far are.
    """
    out, table = Path(out), Path(out).with_suffix(".csv") if table is None else Path(table)
    check_suffix(out)
    _refuse(source, out, table, overwrite=overwrite)
    start = time.monotonic()
    with open_video(source) as video:
        with _written(_partial(out), _partial(table), video, predictor.metadata.review) as sink:
            stop = _run(video, _Eye(predictor, _Smoother(smooth) if smooth else None), sink, seconds=seconds, progress=progress)
            if stop is not None and not sink.writer.frames:
                raise stop  # and nothing is kept
        if stop is not None and not (video.live and isinstance(stop, KeyboardInterrupt)):
            raise _told(stop, sink.writer.frames, _partial(out))
        for path in (table, out):  # where there is a video, its table is there too
            _partial(path).replace(path)
        result = sink.result(video, out, table, time.monotonic() - start, interrupted=stop is not None)
        if stop is None and seconds is None:
            _warn_if_cut_short(float(sink.time), video)
    return result


def _partial(path: Path) -> Path:
    """What an output is called until it is complete, and for ever where it was not completed."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def _told(stop: BaseException, frames: int, kept: Path) -> BaseException:
    """What ended the work too early, with a word on what there is."""
    if isinstance(stop, LimnerError):
        return DataError(f"{stop.what}; the {frames} frames before it are in {kept}", where=stop.where, fix=stop.fix)
    warnings.warn(f"stopped: the {frames} frames so far are in {kept}", LimnerWarning, stacklevel=3)
    return stop


def _warn_if_cut_short(last: float, video: Video) -> None:
    promised = video.duration or 0.0
    if last < min(_CUT_SHORT * promised, promised - 1.0):
        what = f"the video seems to have lost its end: it ends after {last:.1f} of {promised:.1f} seconds"
        warnings.warn(f"{what} ({video.name})", LimnerWarning, stacklevel=3)


def _refuse(source: str | Path, out: Path, table: Path, *, overwrite: bool) -> None:
    for path in (out, table, _partial(out), _partial(table)):
        if not is_live(source) and path.resolve() == Path(source).resolve():
            raise OutputExistsError("the output would replace the video itself", where=path, fix="choose another --out")
    for path in (out, table):
        if path.exists() and not overwrite:
            raise OutputExistsError("an output is already there", where=path, fix="add --overwrite to replace it, or choose another --out")


def _run(video: Video, eye: _Eye, sink: _Sink, *, seconds: float | None, progress: Progress | None) -> BaseException | None:
    """All frames through the three stages. Both outer ones have ended when this returns.

    Returns:
        What ended it too early: why a frame could not be read or predicted (all those before it have been written), or Ctrl-C.
    """
    total, problems = _total(video, seconds), list[BaseException]()
    try:
        with (
            closing(ahead(lambda _: next(video.frames, None), repeat(None), depth=_DEPTH)) as decoded,
            closing(ahead(sink.add, _looked_at(decoded, eye, seconds, problems), depth=_DEPTH)) as written,
        ):
            for done, _ in enumerate(written, start=1):
                if progress is not None:
                    progress(done, max(total, done))
    except KeyboardInterrupt as stop:
        return stop
    return problems[0] if problems else None


def _looked_at(decoded: Iterable[Frame | None], eye: _Eye, seconds: float | None, problems: list[BaseException]) -> Iterator[_Seen]:
    """The frames with their predictions. A problem ends them, instead of breaking off what is still being written."""
    try:
        for frame in decoded:
            if frame is None or (seconds is not None and frame.time >= seconds and frame.index):
                return
            yield eye.look(frame)
    except LimnerError as problem:
        problems.append(problem)


def _total(video: Video, seconds: float | None) -> int:
    """How many frames are to be expected; 0 where nobody knows."""
    limit = None if seconds is None else max(1, round(seconds * video.fps))
    known = [number for number in (video.expected, limit) if number is not None]
    return min(known, default=0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame with what the model says of it."""

    frame: Frame
    prediction: Prediction
    milliseconds: float


@dataclass(slots=True)
class _Eye:
    """The model, and what it remembers of the frames before."""

    predictor: Predictor
    smoother: _Smoother | None

    def look(self, frame: Frame) -> _Seen:
        start = time.perf_counter()
        prediction = self.predictor.predict(frame.image)
        if self.smoother is not None:
            prediction = self.predictor.decide(self.smoother(prediction.probs, frame.time), prediction.disagreement)
        return _Seen(frame, prediction, 1000 * (time.perf_counter() - start))


@dataclass(slots=True)
class _Smoother:
    """An exponential moving average of probabilities, by the true time between frames.

    A frame dt seconds after the one before has the weight 1 - exp(-dt / constant), so a variable rate smooths alike. Frames of another size
    begin anew.
    """

    constant: float
    _mean: ProbArray | None = None
    _time: Fraction | None = None

    def __call__(self, probs: ProbArray, now: Fraction) -> ProbArray:
        if self._mean is None or self._time is None or self._mean.shape != probs.shape:
            self._mean = probs
        else:
            weight = np.float32(-np.expm1(-float(now - self._time) / self.constant))
            self._mean = self._mean + weight * (probs - self._mean)  # a new array: the one before may still be waiting for the encoder
        self._time = now
        return self._mean


@contextmanager
def _written(out: Path, table: Path, video: Video, rule: ReviewRule | None) -> Iterator[_Sink]:
    """Where the results go; both files are whole at the end, or on an error absent."""
    with (
        write_video(out, fps=video.fps, time_base=video.time_base, aspect=video.aspect) as writer,
        atomic_path(table) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as lines,
    ):
        yield _Sink(writer, _row_writer(lines), rule)


def _row_writer(lines: TextIO) -> Callable[[Iterable[str]], object]:
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    return writer.writerow


@dataclass(slots=True)
class _Sink:
    """The last stage: draws, encodes, and writes the frame's row."""

    writer: VideoWriter
    write_row: Callable[[Iterable[str]], object]
    rule: ReviewRule | None
    time: Fraction = field(default=Fraction(0), init=False)  # of the last frame
    milliseconds: float = field(default=0.0, init=False)
    flagged: int = field(default=0, init=False)

    def add(self, seen: _Seen) -> None:
        prediction = seen.prediction
        self.writer.add(draw_outline(seen.frame.image, prediction.mask, objects=prediction.objects), seen.frame.time)
        score = review_score(prediction.probs, prediction.mask)
        flagged = "" if self.rule is None else "yes" if score > self.rule.threshold else "no"
        self.write_row([*_numbers(seen), f"{score:.4f}", flagged, f"{seen.milliseconds:.1f}"])
        self.time = seen.frame.time
        self.milliseconds += seen.milliseconds
        self.flagged += flagged == "yes"

    def result(self, video: Video, out: Path, table: Path, seconds: float, *, interrupted: bool) -> VideoResult:
        frames = self.writer.frames
        return VideoResult(
            frames=frames,
            seconds=seconds,
            fps=frames / max(seconds, 1e-9),
            out=out,
            table=table,
            size=video.size,
            source_fps=float(video.fps),
            milliseconds=self.milliseconds / max(frames, 1),
            flagged=self.flagged,
            interrupted=interrupted,
        )


def _numbers(seen: _Seen) -> list[str]:
    prediction = seen.prediction
    inside = prediction.probs[prediction.mask]
    return [
        str(seen.frame.index),
        f"{float(seen.frame.time):.6f}",
        f"{prediction.foreground_share:.6f}",
        str(_count_objects(prediction)),
        f"{inside.mean():.4f}" if inside.size else "",
        f"{prediction.probs.max():.4f}",
    ]


def _count_objects(prediction: Prediction) -> int:
    if prediction.objects is None:
        return int(connected_areas(prediction.mask).max())
    return int(np.count_nonzero(np.bincount(prediction.objects.ravel())[1:]))
