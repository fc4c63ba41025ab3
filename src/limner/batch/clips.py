"""Prediction over videos named on one command line: where each goes, and one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from limner.batch.run import Failure
from limner.batch.video import predict_video
from limner.errors import DataError, LimnerError, OutputExistsError
from limner.imaging.video import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from limner.batch.jobs import Clip, Plan
    from limner.batch.layout import Layout
    from limner.batch.run import Predictions
    from limner.batch.wanted import Wanted
    from limner.progress import Progress
    from limner.runtime import Predictor


class ShowProgress(Protocol):
    """How the progress of something that is named is shown."""

    def __call__(self, label: str, /) -> AbstractContextManager[Progress]: ...


def place_clips(plan: Plan, out: Path, layout: Layout) -> dict[Clip, Path]:
    """The video that is written of each: `out` itself where it is called like a video, else below `videos/`.

    Raises:
        DataError: `out` is called like a video, but there is something else to be written than one video.
    """
    if out.suffix.lower() not in SUFFIXES:
        return {clip: layout.video(clip) for clip in plan.clips}
    if plan.images or len(plan.clips) != 1:
        held = f"{len(plan.clips)} videos" if not plan.images else "images"
        raise DataError(f"the output is called like a video, but the inputs are {held}", where=out, fix="name a folder with --out")
    return {plan.clips[0]: out}


def refuse_existing_clips(places: Mapping[Clip, Path], *, resume: bool) -> None:
    """Make sure that no video or table will be overwritten; on resuming, that each video that is there has its table.

    Raises:
        OutputExistsError: Naming the first file that would be.
    """
    for path in places.values():
        table = path.with_suffix(".csv")
        if resume and path.exists() and not table.exists():
            fix = "give --overwrite instead of --resume to replace it, or choose another --out"
            raise OutputExistsError("a video without a table is there, so it is none that was predicted", where=path, fix=fix)
        if not resume and (existing := [file for file in (path, table) if file.exists()]):
            fix = "add --resume to skip what is done, --overwrite to replace it, or choose another --out"
            raise OutputExistsError("an output is already there", where=existing[0], fix=fix)


def predict_clips(
    predictor: Predictor,
    places: Mapping[Clip, Path],
    result: Predictions,
    wanted: Wanted,
    *,
    show: ShowProgress,
) -> None:
    """Predict videos one after the other, and note in `result` what has come of each; what fails of one does not stop the others.

    Args:
        predictor: The model.
        places: The videos, and where each is written.
        result: Is added to.
        wanted: Whether what is there is skipped or replaced, and how videos are smoothed and cut.
        show: Shows how far each is.

    Raises:
        LimnerError: The only video there is cannot be predicted.
        OSError: An output cannot be written.
    """
    options: dict[str, Any] = {"smooth": wanted.smooth, "seconds": wanted.seconds, "overwrite": wanted.overwrite or wanted.resume}
    for clip, path in places.items():
        if wanted.resume and path.is_file() and path.with_suffix(".csv").is_file():
            result.videos_skipped += 1
            continue
        try:
            with show(f"predicting {Path(clip.source).name}") as tick:
                found = predict_video(predictor, clip.source, path, progress=tick, **options)
        except LimnerError as error:
            if len(places) == 1 and not result.n:
                raise
            result.failures.append(Failure(clip.source, error.what, is_video=True))
        else:
            result.videos.append(found)
