"""The verbs that use a model (or what another tool predicted): evaluate, predict, load. They never import PyTorch."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.api.common import as_paths, make_folder, open_data, refuse_existing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from limner.batch import Predictions, TableFormat
    from limner.evaluation import Evaluation, MissingRule
    from limner.metrics import EmptyRule
    from limner.metrics.names import Family
    from limner.runtime import Predictor
    from limner.selection import PartChoice

EVALUATION_FILES = ("report.html", "report.md", "summary.json", "cases.csv")


def evaluate(
    model: str | Path,
    source: str | Path,
    *,
    foreground: str | None = None,
    observer: int = 1,
    out: str | Path | None = None,
    split: Mapping[str, str | Path] | str | Path | None = None,
    part: PartChoice | None = None,
    threshold: float | None = None,
    missing: MissingRule = "error",
    families: Sequence[Family] | None = None,
    whole_image: bool = False,
    empty: EmptyRule = "one",
    spacing: float | None = None,
    tolerance: float | None = None,
    bootstrap: int = 2000,
    overwrite: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Score a model on images with masks, at the threshold that it was exported with; or a folder of masks that another tool predicted.

    Of the data that the model was made of, only its test part is evaluated unless `part` says otherwise; of other data, all images are.
    Where images have a field of view, nothing outside of it is judged.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name; or a folder or archive of predicted masks, named as the images.
        source: Images and masks, as for `train`.
        foreground: What is foreground, in masks of more than two tones.
        observer: Whose masks, where several people drew them.
        out: Folder for report.html, report.md, summary.json and cases.csv; nothing is written without it.
        split: A split.json, or lists of ids by part, that says which images are meant.
        part: The part of the split; by default its test part.
        threshold: For predictions that are probabilities as grey levels: from which on a pixel is foreground.
        missing: What becomes of images without a prediction: `error`, `skip` or `empty`; with a model there are none.
        families: Which families of metrics are computed beside those of regions; by default what the task asks for.
        whole_image: Judge outside the field of view too.
        empty: The rule for images in which both masks are empty: `one`, `nan` or `skip`.
        spacing: Side of a pixel in µm, up to a million; distances are in pixels without it.
        tolerance: Of the normalised surface Dice, in µm with `spacing` and in pixels without; by default that of two pixels.
        bootstrap: How often images are drawn anew for the intervals, 100 times or more; 0 for none.
        overwrite: Replace an evaluation that is already in `out`.
        progress: Show progress on standard error.

    Raises:
        OutputExistsError: `out` holds an evaluation already, or is a file.
        LimnerError: Something about the model, the predictions, the source or the split; or `out` cannot be made.

    Warns:
        SeenInTrainingWarning: The model was trained on some of the images, or chosen by them.
        SplitChangedWarning: Files are not those that the split.json was made of.
        LimnerWarning: Some files of the source could not be paired, or something is to be said of the predictions.
    """
    from limner.api.subjects import choose_images, how, open_subject
    from limner.outcome import evaluate_selection, report_selection
    from limner.recipe.schema import DataPart

    if out is not None and not overwrite:
        refuse_existing([Path(out) / name for name in EVALUATION_FILES])
    judging = how(empty=empty, families=families, whole_image=whole_image, spacing=spacing, tolerance=tolerance, bootstrap=bootstrap)
    segmenter = open_subject(model, threshold, missing)
    dataset = open_data(source, DataPart(foreground=foreground, observer=observer))
    subject = choose_images(segmenter, dataset, split=as_paths(split), part=part, missing=missing)
    with _folder_for(out):  # not earlier: what is wrong with the inputs should leave nothing behind
        evaluation = subject.with_notices(evaluate_selection(segmenter, subject.selection, progress=progress, **judging))
        if out is not None:
            report_selection(segmenter, subject.selection, evaluation, Path(out))
    return evaluation


@contextmanager
def _folder_for(out: str | Path | None) -> Iterator[None]:
    """Make a folder for results, if any are to be written; where none come of it, what was made is removed again."""
    if out is None:
        yield
        return
    made = [folder for folder in (Path(out), *Path(out).parents) if not os.path.exists(folder)]  # noqa: PTH110 - never raises
    try:
        make_folder(Path(out))
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # one that is not empty stays, and so do those that it lies in
                folder.rmdir()
        raise


def predict(
    model: str | Path,
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    write: Iterable[str] = (),
    overlays: bool = True,
    probs: bool = False,
    table: TableFormat = "csv",
    spacing: float | None = None,
    also: Sequence[str | Path] = (),
    views: Sequence[str] = (),
    postprocess: bool = True,
    tile_size: int | tuple[int, int] | None = None,
    overlap: int | tuple[int, int] | None = None,
    provider: str = "auto",
    threads: int | None = None,
    smooth: float = 0.0,
    seconds: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Predictions:
    """Predict images, slides and videos, and write what is wanted of them into a folder.

    Always written are `masks/` and `predictions.csv`, of videos a copy with outlines and a table of its frames in `videos/`.
    For predictions in memory, use `load(model).predict(image)`.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.
        inputs: Files, folders, archives, and patterns such as `scans/**/*.png`; videos, `webcam`, and addresses of streams.
        out: The folder to write to; for a single video also the video, such as `out.mp4`.
        write: What else is written: `probs`, `disagreement`, `labels`, `coco`, `labelme`, `geojson`, `measurements`.
        overlays: Draw each outline over its image.
        probs: As `write=["probs"]`.
        table: Format of the measurements: `csv` or `parquet`.
        spacing: Side of a pixel in µm, for measurements; by default what each image's file says.
        also: Further models, whose mean with the first is taken.
        views: Views of each image at test time, whose mean is taken: `flips`, `rotations`, `scales`.
        postprocess: Do to the masks what the model file asks for.
        tile_size: As for `load`.
        overlap: As for `load`.
        provider: What runs the model: `auto`, `cpu`, `cuda`, `tensorrt`, `openvino`, `coreml` or `directml`.
        threads: Processor threads; by default as many as there are physical cores.
        smooth: Of videos, the time constant in seconds over which probabilities are averaged; 0 for none.
        seconds: Of videos, how much of each is predicted; cameras and streams go on until Ctrl-C without it.
        resume: Skip images whose outputs are already there; what the tables say of other images is kept.
        overwrite: Replace outputs that are already there, and the tables.
        progress: Show progress on standard error.

    Returns:
        What was done; images that could not be read or predicted are in its `failures`.

    Raises:
        OutputExistsError: An output is already there, and neither `resume` nor `overwrite` was asked for; or there is no resuming, since
            the outputs are of another model or of other images. Nothing has been written then.
        LimnerError: Something about the model or the inputs as a whole, or an output that cannot be had of them.
        MissingExtraError: A format needs what is not installed.
    """
    from limner.batch import Wanted, plan, predict_plan
    from limner.runtime import load

    numbers: dict[str, Any] = {"spacing": spacing, "smooth": smooth, "seconds": seconds}
    wanted = Wanted.of(write, overlays=overlays, probs=probs, table=table, resume=resume, overwrite=overwrite, **numbers)
    wanted.check(several=bool(also or views))
    found = plan([inputs] if isinstance(inputs, (str, Path)) else inputs)
    options: dict[str, Any] = {"threads": threads, "provider": provider, "views": tuple(views), "postprocess": postprocess}
    predictor = load([model, *also] if also else model, tile_size=tile_size, overlap=overlap, **options)
    return predict_plan(predictor, found, Path(out), wanted, progress=progress)


def load(
    models: str | Path | Sequence[str | Path],
    *,
    threads: int | None = None,
    provider: str = "auto",
    views: Sequence[str] = (),
    postprocess: bool = True,
    tile_size: int | tuple[int, int] | None = None,
    overlap: int | tuple[int, int] | None = None,
) -> Predictor:
    """Open a model for prediction: `load(model).predict(image)`; or several, whose mean is taken: `load([a, b, c])`.

    Args:
        models: A run folder, an .onnx file, or a shipped model's name; or several of them.
        threads: Processor threads per prediction; by default as many as there are physical cores.
        provider: What runs the model: `auto`, or `cpu`, `cuda`, `tensorrt`, `openvino`, `coreml`, `directml`.
        views: Test-time views of each image, whose mean is taken: `flips`, `rotations`, `scales`, in any combination.
        postprocess: Do to the masks what the model asks for.
        tile_size: Side, or height and width, of tiles in pixels, for a model that would see images whole.
        overlap: How much neighbouring tiles share at least, in pixels; by default a quarter of a tile's side.

    Raises:
        ModelFileError: There is no such model, or it is damaged.
        LimnerError: The provider is not there, or the options do not fit the model.

    Warns:
        LimnerWarning: A provider does not work, and the processor is used instead; or the models outline different things.
    """
    from limner.runtime import load as load_predictor

    return load_predictor(
        models,
        threads=threads,
        provider=provider,
        views=views,
        postprocess=postprocess,
        tile_size=tile_size,
        overlap=overlap,
    )
