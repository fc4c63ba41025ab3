"""Prediction over many images: plan where each output goes, run the model, write masks, overlays and a table."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.data import open_source
from limner.errors import DataError, LimnerError, OutputExistsError
from limner.files import atomic_path, write_text
from limner.imaging.overlay import draw_outline
from limner.imaging.read import read_image
from limner.imaging.write import write_image, write_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from limner.data import FileRef
    from limner.progress import Progress
    from limner.runtime import Predictor
    from limner.types import ImageArray, Prediction

COLUMNS = (
    "file",
    "mask",
    "width",
    "height",
    "foreground_share",
    "mean_foreground_prob",
    "max_prob",
    "milliseconds",  # the prediction alone, from decoded image to mask
)
SAVE_EVERY_S = 10.0

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """One image and what its outputs are called.

    Attributes:
        image: The image file.
        name: Relative name of the outputs, without a suffix.
    """

    image: FileRef
    name: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where outputs go, and which of them are wanted."""

    out: Path
    overlays: bool = True
    probs: bool = False

    @property
    def table(self) -> Path:
        """The table of all predictions."""
        return self.out / "predictions.csv"

    def mask(self, job: Job) -> Path:
        """The mask."""
        return self.out / "masks" / f"{job.name}.png"

    def overlay(self, job: Job) -> Path:
        """The image with the outline drawn on it."""
        return self.out / "overlays" / f"{job.name}.jpg"

    def prob(self, job: Job) -> Path:
        """The probabilities."""
        return self.out / "probs" / f"{job.name}.png"

    def files(self, job: Job) -> list[Path]:
        """All outputs that are wanted of a job."""
        optional = [self.overlay(job)] * self.overlays + [self.prob(job)] * self.probs
        return [self.mask(job), *optional]


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that could not be predicted, and why."""

    file: str
    reason: str


@dataclass(slots=True)
class Predictions:
    """What a prediction over many images has done.

    Attributes:
        model: The model's name.
        threshold: Its threshold.
        out: The output folder.
        table: The table of predictions.
        rows: Its rows, in the order of the inputs.
        failures: Images that could not be read.
        written: Images predicted now.
        skipped: Images whose outputs were there already.
        seconds: Time from the first image to the last, file to file.
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

    @property
    def n(self) -> int:
        """Number of images asked for."""
        return self.written + self.skipped + len(self.failures)


def plan(inputs: Iterable[str | Path]) -> list[Job]:
    """Find the images of all inputs and name their outputs.

    Args:
        inputs: Image files, folders and archives; one that is given twice is taken once.

    Raises:
        DataError: An input is not there or holds no images, or two images cannot be told apart by name.
    """
    places: dict[Path, Path] = {}
    for place in map(Path, inputs):
        places.setdefault(place.expanduser().resolve(), place.expanduser())
    files = []
    for place in places.values():
        dataset = open_source(place, masks=False)
        folder = place.resolve().parent
        root = folder if place.is_file() and len(dataset) == 1 else folder / dataset.name
        files += [("/".join(root.parts[-2:]), item.image) for item in dataset.items]
    names = output_names([(root, image.name) for root, image in files])
    return [Job(image, name) for (_, image), name in zip(files, names, strict=True)]


def output_names(files: Sequence[tuple[str, str]]) -> list[str]:
    """Name the outputs of files, each given as (last folders of its input, its relative path in it); all names differ.

    A name is the relative path without its suffix; where that is taken twice, the input's own name comes before it; where that does not
    help, the folder that the input is in as well; and where even that does not, the suffix stays on.

    Raises:
        DataError: Two files cannot be told apart even so.

    Example:
        >>> output_names([("day1", "a.jpg"), ("day2", "a.jpg"), ("day2", "b.png"), ("day2", "b.jpg")])
        ['day1/a', 'day2/a', 'day2/b.png', 'day2/b.jpg']
    """
    level = [0] * len(files)
    for _ in _FORMS:
        names = [_FORMS[step](*file) for step, file in zip(level, files, strict=True)]
        taken = Counter(names)
        if len(taken) == len(names):
            return names
        level = [min(step + (taken[name] > 1), len(_FORMS) - 1) for step, name in zip(level, names, strict=True)]
    twice = next(name for name, times in taken.items() if times > 1)
    fix = "predict the inputs one by one, each with an --out of its own"
    raise DataError("two images would be written to the same name", where=twice, fix=fix)


_FORMS: tuple[Callable[[str, str], str], ...] = (
    lambda _root, path: _stem(path),
    lambda root, path: f"{PurePosixPath(root).name}/{_stem(path)}",
    lambda root, path: f"{root}/{_stem(path)}",
    lambda root, path: f"{root}/{path}",
)


def _stem(path: str) -> str:
    return str(PurePosixPath(path).parent / PurePosixPath(path).stem)


def refuse_existing(jobs: Iterable[Job], layout: Layout) -> None:
    """Make sure that nothing will be overwritten.

    Raises:
        OutputExistsError: Naming the first file that would be, and how many there are.
    """
    wanted = [layout.table, *(path for job in jobs for path in layout.files(job))]
    existing = [path for path in wanted if path.exists()]
    if existing:
        others = f" (and {len(existing) - 1} other outputs)" if len(existing) > 1 else ""
        fix = "add --resume to skip what is done, --overwrite to replace it, or choose another --out"
        raise OutputExistsError(f"an output is already there{others}", where=existing[0], fix=fix)


def predict_many(
    predictor: Predictor, jobs: Sequence[Job], layout: Layout, *, resume: bool = False, progress: Progress | None = None
) -> Predictions:
    """Predict all jobs and write their outputs; images that cannot be read are noted and passed over.

    The table is written at the end, every few seconds before it, and also when the work is interrupted.

    Args:
        predictor: The model.
        jobs: The images.
        layout: Where outputs go.
        resume: Skip jobs whose outputs and row are already there.
        progress: Called with (done, total) after each image.

    Raises:
        OSError: An output cannot be written.
    """
    result = Predictions(predictor.metadata.name, predictor.threshold, layout.out, layout.table)
    rows = _rows_to_keep(jobs, layout) if resume else {}
    result.skipped = len(rows)
    start = saved = time.monotonic()
    try:
        for done, job in enumerate(jobs, start=1):
            if job.name not in rows:
                _do(job, predictor, layout, rows, result)
            if time.monotonic() - saved > SAVE_EVERY_S:
                _save_rows(jobs, rows, layout.table)
                saved = time.monotonic()
            if progress is not None:
                progress(done, len(jobs))
    finally:
        result.rows = _save_rows(jobs, rows, layout.table)
        result.seconds = time.monotonic() - start
    return result


def _do(job: Job, predictor: Predictor, layout: Layout, rows: dict[str, Row], result: Predictions) -> None:
    """Predict one image. An image that cannot be read is noted; an output that cannot be written ends the work."""
    try:
        image = read_image(job.image.read(), name=job.image.display)
    except (LimnerError, OSError) as error:
        result.failures.append(Failure(job.image.display, error.what if isinstance(error, LimnerError) else str(error)))
        return
    rows[job.name] = _predict(job, image, predictor, layout)
    result.written += 1


def _predict(job: Job, image: ImageArray, predictor: Predictor, layout: Layout) -> Row:
    start = time.perf_counter()
    prediction = predictor.predict(image)
    milliseconds = 1000 * (time.perf_counter() - start)
    if layout.probs:
        _write_probs(layout.prob(job), prediction)
    if layout.overlays:
        write_image(layout.overlay(job), draw_outline(image, prediction.mask))
    write_mask(layout.mask(job), prediction.mask)  # last: where there is a mask, the rest is there too
    return _row(job, prediction, layout, milliseconds)


def _write_probs(path: Path, prediction: Prediction) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(np.rint(prediction.probs * 65535).astype(np.uint16)).save(temporary, format="PNG")


def _row(job: Job, prediction: Prediction, layout: Layout, milliseconds: float) -> Row:
    height, width = prediction.mask.shape
    inside = prediction.probs[prediction.mask]
    return {
        "file": job.image.display,
        "mask": layout.mask(job).relative_to(layout.out).as_posix(),
        "width": str(width),
        "height": str(height),
        "foreground_share": f"{prediction.foreground_share:.6f}",
        "mean_foreground_prob": f"{inside.mean():.4f}" if inside.size else "",
        "max_prob": f"{prediction.probs.max():.4f}",
        "milliseconds": f"{milliseconds:.1f}",
    }


def _rows_to_keep(jobs: Iterable[Job], layout: Layout) -> dict[str, Row]:
    """Rows of the jobs of which every output is there, by the job's name."""
    if not layout.table.is_file():
        return {}
    with layout.table.open(newline="", encoding="utf-8") as lines:
        rows = {(row["file"], row["mask"]): row for row in csv.DictReader(lines) if set(row) == set(COLUMNS)}
    kept = {}
    for job in jobs:
        row = rows.get((job.image.display, layout.mask(job).relative_to(layout.out).as_posix()))
        if row is not None and all(path.is_file() for path in layout.files(job)):
            kept[job.name] = row
    return kept


def _save_rows(jobs: Iterable[Job], rows: Mapping[str, Row], path: Path) -> list[Row]:
    """Write the rows that there are, in the order of the jobs, and return them so."""
    ordered = [rows[job.name] for job in jobs if job.name in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(ordered)
    write_text(path, text.getvalue())
    return ordered
