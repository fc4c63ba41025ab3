"""Prediction over many images: plan where each output goes, run the model, write masks, overlays and a table."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.data import open_source
from limner.errors import DataError, LimnerError, LimnerWarning, OutputExistsError
from limner.files import atomic_path, sha256
from limner.imaging.overlay import draw_outline
from limner.imaging.read import read_image
from limner.imaging.write import write_image, write_mask
from limner.metrics.review import review_score
from limner.prediction_table import claim, is_claim, read_table, save_table
from limner.runtime.format import read_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from limner.data import FileRef
    from limner.prediction_table import Row
    from limner.progress import Progress
    from limner.runtime import Predictor
    from limner.runtime.format import ReviewRule
    from limner.types import ImageArray, Prediction

SAVE_EVERY_S = 10.0


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

    def mask_name(self, job: Job) -> str:
        """What the table calls the mask: its relative posix name."""
        return f"masks/{job.name}.png"

    def mask(self, job: Job) -> Path:
        """The mask."""
        return self.out / self.mask_name(job)

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
        rows: Its rows of the images asked for, in the order of the inputs.
        failures: Images that could not be read, or that the model could not run on.
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

    @property
    def flagged(self) -> list[Row]:
        """The rows of images that should be looked at by a person, the most doubtful first."""
        rows = [row for row in self.rows if row["flagged"] == "yes"]
        return sorted(rows, key=lambda row: float(row["needs_review"]), reverse=True)


def plan(inputs: Iterable[str | Path]) -> list[Job]:
    """Find the images of all inputs and name their outputs.

    Args:
        inputs: Image files, folders and archives; one that is given twice is taken once.

    Warns:
        LimnerWarning: Files of an input are left out, such as masks beside their images.

    Raises:
        DataError: An input is not there or holds no images, or two images cannot be told apart by name.
    """
    places: dict[Path, Path] = {}
    for place in map(Path, inputs):
        places.setdefault(place.expanduser().resolve(), place.expanduser())
    files = []
    for place in places.values():
        dataset = open_source(place, masks=False)
        if dataset.problems:
            warnings.warn(dataset.say_problems(), LimnerWarning, stacklevel=2)
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
    """Predict all jobs and write their outputs; images that cannot be read or predicted are noted and passed over.

    The table is written at the end, every few seconds before it, and also when the work is interrupted. It is written at the beginning
    too, with claims for what is to come: so even after a power cut, it is known whose the masks are.

    Args:
        predictor: The model.
        jobs: The images.
        layout: Where outputs go.
        resume: Skip jobs whose outputs and row are already there, and keep the rows of other images.
        progress: Called with (done, total) after each image.

    Raises:
        OutputExistsError: On resuming, the table is of another model, or the mask of another image would be replaced.
        DataError: On resuming, the table cannot be read.
        OSError: An output cannot be written.
    """
    result = Predictions(predictor.metadata.name, predictor.threshold, layout.out, layout.table)
    rows = _begin_rows(jobs, layout, _label(predictor), resume=resume)
    complete = {job.name for job in jobs if _is_complete(job, rows, layout)}
    result.skipped = len(complete)
    start = saved = time.monotonic()
    try:
        save_table(rows.values(), layout.table)
        for done, job in enumerate(jobs, start=1):
            if job.name not in complete:
                _do(job, predictor, layout, rows, result)
            if time.monotonic() - saved > SAVE_EVERY_S:
                save_table(rows.values(), layout.table)
                saved = time.monotonic()
            if progress is not None:
                progress(done, len(jobs))
    finally:
        result.rows = _end_rows(jobs, rows, layout)
        result.seconds = time.monotonic() - start
    return result


def _do(job: Job, predictor: Predictor, layout: Layout, rows: dict[str, Row], result: Predictions) -> None:
    """Predict one image. An image that cannot be read or predicted is noted; an output that cannot be written ends the work."""
    try:
        image = read_image(job.image.read(), name=job.image.display)
        start = time.perf_counter()
        prediction = predictor.predict(image)
        milliseconds = 1000 * (time.perf_counter() - start)
    except (LimnerError, OSError, MemoryError) as error:
        reason = error.what if isinstance(error, LimnerError) else str(error) or "there is not enough memory"
        result.failures.append(Failure(job.image.display, reason))
        return
    _write(job, image, prediction, layout)
    rows[layout.mask_name(job)] |= {
        "file": job.image.display,
        **_numbers(prediction),
        **_review(prediction, predictor.metadata.review),
        "milliseconds": f"{milliseconds:.1f}",
    }
    result.written += 1


def _write(job: Job, image: ImageArray, prediction: Prediction, layout: Layout) -> None:
    if layout.probs:
        _write_probs(layout.prob(job), prediction)
    if layout.overlays:
        write_image(layout.overlay(job), draw_outline(image, prediction.mask))
    write_mask(layout.mask(job), prediction.mask)  # last: where there is a mask, the rest is there too


def _write_probs(path: Path, prediction: Prediction) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(np.rint(prediction.probs * 65535).astype(np.uint16)).save(temporary, format="PNG")


def _numbers(prediction: Prediction) -> Row:
    height, width = prediction.mask.shape
    inside = prediction.probs[prediction.mask]
    return {
        "width": str(width),
        "height": str(height),
        "foreground_share": f"{prediction.foreground_share:.6f}",
        "mean_foreground_prob": f"{inside.mean():.4f}" if inside.size else "",
        "max_prob": f"{prediction.probs.max():.4f}",
    }


def _review(prediction: Prediction, rule: ReviewRule | None) -> Row:
    score = review_score(prediction.probs, prediction.mask)
    flagged = "" if rule is None else "yes" if score > rule.threshold else "no"
    return {"needs_review": f"{score:.4f}", "flagged": flagged}


def _begin_rows(jobs: Sequence[Job], layout: Layout, model: str, *, resume: bool) -> dict[str, Row]:
    """All rows of the table by mask: first those of other images, then those of the jobs, which are claims where there was no row."""
    earlier = _earlier_rows(jobs, layout, model) if resume else {}
    claims = {layout.mask_name(job): claim(job.image.display, layout.mask_name(job), model) for job in jobs}
    others = {mask: row for mask, row in earlier.items() if mask not in claims}
    return others | {mask: earlier.get(mask, row) for mask, row in claims.items()}


def _end_rows(jobs: Iterable[Job], rows: dict[str, Row], layout: Layout) -> list[Row]:
    """Save the table without claims on masks that were not written after all; return the jobs' rows that have numbers."""
    for job in jobs:
        if not layout.mask(job).is_file():
            del rows[layout.mask_name(job)]
    save_table(rows.values(), layout.table)
    found = [rows[mask] for job in jobs if (mask := layout.mask_name(job)) in rows]
    return [row for row in found if not is_claim(row)]


def _is_complete(job: Job, rows: dict[str, Row], layout: Layout) -> bool:
    return not is_claim(rows[layout.mask_name(job)]) and all(path.is_file() for path in layout.files(job))


def _earlier_rows(jobs: Iterable[Job], layout: Layout, model: str) -> dict[str, Row]:
    """Rows to go on with, once it is clear that neither models nor images get mixed up."""
    rows = read_table(layout.table)
    other = next((row["model"] for row in rows.values() if row["model"] != model), None)
    if other is not None:
        what = f"the predictions here are by another model: '{other}', and this one is '{model}'"
        raise OutputExistsError(what, where=layout.table, fix=_NOT_RESUME)
    for job in jobs:
        _refuse_to_replace(job, rows.get(layout.mask_name(job)), layout)
    return rows


def _refuse_to_replace(job: Job, row: Row | None, layout: Layout) -> None:
    """Make sure that the mask of a job is its own, or not there."""
    file = job.image.display
    if row is None:
        if layout.mask(job).exists():
            what = f"a mask is already there, and {layout.table.name} does not say that it is of {file}"
            raise OutputExistsError(what, where=layout.mask(job), fix=_NOT_RESUME)
    elif row["file"] != file and Path(row["file"]).resolve() != Path(file).resolve():
        raise OutputExistsError(f"the mask is of {row['file']}, not of {file}", where=layout.mask(job), fix=_NOT_RESUME)


_NOT_RESUME = "choose another --out; or, to replace what is there, give --overwrite instead of --resume"


def _label(predictor: Predictor) -> str:
    """What the table calls the model: its name, and the beginning of the file's SHA-256."""
    return f"{predictor.metadata.name} {sha256(read_model(predictor.path))[:12]}"
