"""Prediction over many images: reading the next ones and writing the last ones go on while the model runs."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from limner.batch.findings import OBJECT_COLUMNS, Finding, Look, doubt, find, object_row
from limner.batch.ledger import Ledger
from limner.batch.outputs import write_outputs
from limner.batch.packed import PackedRows
from limner.batch.slides import predict_slide
from limner.errors import LimnerError, MissingExtraError
from limner.imaging.read import read_image
from limner.imaging.spacing import spacing_um
from limner.pipeline import ahead

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from limner.batch.jobs import Job
    from limner.batch.layout import Layout
    from limner.batch.slides import SlideResult
    from limner.batch.video import VideoResult
    from limner.measures import ObjectMeasures
    from limner.prediction_table import Row
    from limner.progress import Progress
    from limner.runtime import Predictor
    from limner.types import ImageArray

_WRITING = 2  # images that wait to be written; with the one that is read and the one that is predicted, four are in memory


@dataclass(frozen=True, slots=True)
class Failure:
    """An image or a video that could not be predicted, and why."""

    file: str
    reason: str
    is_video: bool = False


@dataclass(slots=True)
class Predictions:
    """What a prediction over many images has done.

    Attributes:
        model: The model's name.
        threshold: Its threshold.
        out: The output folder.
        table: The table of predictions.
        rows: Its rows of the images asked for, in the order of the inputs.
        failures: Images that could not be read, or that the model could not run on.
        written: Images predicted now.
        skipped: Images whose outputs were there already.
        seconds: Time from the first image to the last, file to file.
        outputs: The folders and files of all outputs, by name.
        videos: What was done of each video.
        videos_skipped: Videos that were there already.
        left_out: What was left out of the inputs, such as masks beside their images, in sentences.
    """

    model: str
    threshold: float
    out: Path
    table: Path
    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    written: int = 0
    skipped: int = 0
    seconds: float = 0.0
    outputs: dict[str, Path] = field(default_factory=dict)
    videos: list[VideoResult] = field(default_factory=list)
    videos_skipped: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        """Number of images asked for, slides among them."""
        return self.written + self.skipped + sum(not failure.is_video for failure in self.failures)

    @property
    def n(self) -> int:
        """Number of images and videos asked for."""
        return self.written + self.skipped + len(self.failures) + len(self.videos) + self.videos_skipped

    @property
    def flagged(self) -> list[Row]:
        """The rows of images that should be looked at by a person, the most doubtful first."""
        rows = [row for row in self.rows if row["flagged"] == "yes"]
        return sorted(rows, key=lambda row: float(row["needs_review"]), reverse=True)


def predict_many(
    predictor: Predictor,
    jobs: Sequence[Job],
    layout: Layout,
    *,
    spacing: float | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Predictions:
    """Predict all jobs and write their outputs; images that cannot be read or predicted are noted and passed over.

    The table, and what else holds all images, is written at the end, every few seconds before it, and also when the work is interrupted.

    Args:
        predictor: The model.
        jobs: The images, and slides.
        layout: Where outputs go.
        spacing: Side of a pixel in µm; None for what each file says itself.
        resume: Skip jobs whose outputs and row are already there, and keep the rows of other images.
        progress: Called with (done, total) after each image. Where there are slides, each image counts a hundred, and a slide moves by
            hundredths.

    Raises:
        OutputExistsError: On resuming, the table is of another model, or the mask of another image would be replaced.
        DataError: On resuming, a table cannot be read.
        OSError: An output cannot be written.
    """
    metadata = predictor.metadata
    result = Predictions(metadata.name, predictor.threshold, layout.out, layout.table, outputs=_places(layout))
    ledger = Ledger(jobs, layout, task=metadata.task, model=predictor.label, resume=resume)
    left = [job for job in jobs if not ledger.is_complete(job)]
    result.skipped = len(jobs) - len(left)
    tally = _Tally(progress, result.skipped, len(jobs), 100 if any(job.kind == "slide" for job in left) else 1)
    work = _Work(predictor, layout, spacing, tally)
    start = time.monotonic()
    try:
        ledger.begin()
        with closing(work.results(left)) as results:
            for one in results:
                _note(one, ledger, result)
                tally.next_job()
    finally:
        result.rows = ledger.close()
        result.seconds = time.monotonic() - start
    return result


def _places(layout: Layout) -> dict[str, Path]:
    folders = {output: layout.folder(output) for output in sorted(layout.outputs - set(layout.collected))}
    return folders | layout.collected | {"table": layout.table}


@dataclass(slots=True)
class _Tally:
    """How far the work is: jobs, and parts of a job that takes long."""

    progress: Progress | None
    done: int
    total: int
    unit: int  # that one job counts

    def next_job(self) -> None:
        self.done += 1
        self._show(0)

    def within_job(self, part: int, whole: int) -> None:
        if part < whole:
            self._show(self.unit * part // whole)

    def _show(self, more: int) -> None:
        if self.progress is not None:
            self.progress(self.unit * self.done + more, self.unit * self.total)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An image that was read."""

    job: Job
    image: ImageArray
    spacing: float | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """An image that was predicted."""

    look: Look
    milliseconds: float


@dataclass(frozen=True, slots=True)
class _Done:
    """An image whose outputs are written."""

    job: Job
    finding: Finding
    milliseconds: float


def _note(one: _Done | Failure, ledger: Ledger, result: Predictions) -> None:
    if isinstance(one, Failure):
        result.failures.append(one)
    else:
        ledger.enter(one.job, one.finding, one.milliseconds)
        result.written += 1


@dataclass(frozen=True, slots=True)
class _Work:
    """The three stages: read, predict, write. What fails of one image is its result; an output that cannot be written ends the work."""

    predictor: Predictor
    layout: Layout
    spacing: float | None
    tally: _Tally

    def results(self, jobs: Sequence[Job]) -> Generator[_Done | Failure, None, None]:
        """One result for each job: pictures first, since slides take long."""
        pictures = [job for job in jobs if job.kind == "image"]
        with (
            closing(ahead(self._read, pictures, depth=1)) as read,
            closing(ahead(self._write, map(self._see, read), depth=_WRITING)) as written,  # `_see` runs here, the others beside it
        ):
            yield from written
        yield from (self._slide(job) for job in jobs if job.kind == "slide")

    def _read(self, job: Job) -> _Loaded | Failure:
        name = job.image.display
        try:
            data = job.image.read()
            image = read_image(data, name=name)
        except (LimnerError, OSError, MemoryError) as error:
            return _failure(job, error)
        asked = self.spacing is None and "measurements" in self.layout.outputs
        return _Loaded(job, image, spacing_um(data, name=name) if asked else self.spacing)

    def _see(self, loaded: _Loaded | Failure) -> _Seen | Failure:
        if isinstance(loaded, Failure):
            return loaded
        start = time.perf_counter()
        try:
            prediction = self.predictor.predict(loaded.image)
        except (LimnerError, OSError, MemoryError) as error:
            return _failure(loaded.job, error)
        milliseconds = 1000 * (time.perf_counter() - start)
        look = Look(loaded.job, loaded.image, prediction, task=self.predictor.metadata.task, spacing=loaded.spacing)
        return _Seen(look, milliseconds)

    def _write(self, seen: _Seen | Failure) -> _Done | Failure:
        if isinstance(seen, Failure):
            return seen
        job = seen.look.job
        try:
            finding = find(seen.look, self.layout, self.predictor.metadata.review)
            write_outputs(seen.look, self.layout)
        except (LimnerError, MemoryError) as error:
            return _failure(job, error)
        return _Done(job, finding, seen.milliseconds)

    def _slide(self, job: Job) -> _Done | Failure:
        files = {output: self.layout.file(output, job) for output in self.layout.per_image(job)}
        rows = PackedRows(OBJECT_COLUMNS)
        is_measured = "measurements" in self.layout.collected_of(job)

        def measured(one: ObjectMeasures, spacing: float | None) -> None:
            rows.append(object_row(one, job, self.layout, self.spacing or spacing))

        try:
            found = predict_slide(
                self.predictor,
                Path(job.image.display),
                files["masks"],
                probs_path=files.get("probs"),
                overlay_path=files.get("overlays"),
                geojson_path=files.get("geojson"),
                measured=measured if is_measured else None,
                progress=self.tally.within_job,
            )
        except (LimnerError, MemoryError) as error:
            return _failure(job, error)
        numbers = _slide_row(found) | doubt(found.review_score, self.predictor.metadata.review)
        return _Done(job, Finding(numbers, {"measurements": rows} if is_measured else {}), 1000 * found.seconds)


def _slide_row(found: SlideResult) -> Row:
    height, width = found.size
    return {
        "width": str(width),
        "height": str(height),
        "foreground_share": f"{found.foreground_share:.6f}",
        "objects": str(found.objects),
        "mean_foreground_prob": "" if found.mean_foreground_prob is None else f"{found.mean_foreground_prob:.4f}",
        "max_prob": f"{found.max_prob:.4f}",
    }


def _failure(job: Job, error: BaseException) -> Failure:
    reason = error.what if isinstance(error, LimnerError) else str(error) or "there is not enough memory"
    if isinstance(error, MissingExtraError):
        reason = f"{reason}: {error.fix}"
    return Failure(job.image.display, reason)
