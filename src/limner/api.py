"""The verbs: train, evaluate, predict, export a model, load one. The command line calls these and nothing else.

Each imports what it needs when it is called: predicting and evaluating never import PyTorch.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import LimnerError, LimnerWarning, MissingExtraError, OutputExistsError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from limner.batch import Predictions
    from limner.data import Dataset
    from limner.evaluation import Evaluation
    from limner.planner import Plan
    from limner.recipe import Recipe
    from limner.recipe.schema import DataPart
    from limner.runtime import Predictor
    from limner.selection import PartChoice

EVALUATION_FILES = ("report.html", "report.md", "summary.json", "cases.csv")
_TOLD = ("data.sampling", "data.input_size", "network.name", "loss.name", "batch_size", "epochs")  # of a plan, before training
_TRAINING_PACKAGES = ("torch", "lightning", "timm", "onnx", "onnxscript")


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: The run folder.
        model: The exported model.
        report: The page with curves, scores and pictures.
        evaluation: Scores on the test part; on the validation part when the split has no test part.
    """

    folder: Path
    model: Path
    report: Path
    evaluation: Evaluation


def train(
    source: str | Path,
    *,
    recipe: str | Path | None = None,
    settings: Iterable[str] = (),
    foreground: str | None = None,
    observer: int | None = None,
    group: str | None = None,
    out: str | Path | None = None,
    split: Mapping[str, str | Path] | str | Path | None = None,
    budget: float | str | None = None,
    resume: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> RunResult:
    """Train a model on images and masks, export it, evaluate it on the test part, and write a report.

    Args:
        source: A folder, an archive (.zip, .tar, .tar.gz, .tgz), an annotation file, or a data set's name.
        recipe: A shipped recipe's name or a YAML file; by default one that is planned for the data (see `limner.planner`), and the run's
            own on resuming.
        settings: Strings `key=value` that change the recipe.
        foreground: What is foreground, in masks of more than two tones (`data.foreground` of the recipe).
        observer: Whose masks, where several people drew them (`data.observer`).
        group: What names the patient or sequence in an image's key, as a regular expression (`data.group`).
        out: The run folder, new or empty; by default runs/RECIPE-DATE-TIME.
        split: A split.json, lists of ids by part (`{"train": file, "test": file}`), or the name of an official split that the catalog
            knows; by default drawn as the recipe says.
        budget: The time the whole may take, in seconds or as "10m".
        resume: Go on with the run in `out`.
        progress: Show progress on standard error.
        on_step: Is told, in a few words, what begins and what was found.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        LimnerError: Something about the source, the recipe, the split or the folder.

    Warns:
        LimnerWarning: Some files of the source could not be paired, or images of the test part are in the train part too.
    """
    require_training("training")
    from limner.planner import settled
    from limner.recipe import data_settings
    from limner.training.run_folder import RunFolder

    if resume and out is None:
        raise RunError("there is no telling which run to resume", fix="name its folder with --out (in Python: out=...)")
    budget_s = _as_seconds(budget)
    settings = [*settings, *data_settings(foreground=foreground, observer=observer, group=group)]
    folder = new_run_folder(recipe) if out is None else Path(out)
    chosen = _choose_recipe(recipe, settings, folder, resume=resume)
    if not resume:
        RunFolder(folder).refuse_to_overwrite()
    dataset = _open(source, (chosen or settled(settings)).data)  # a mistake is told at once, not after PyTorch has started
    plan = None
    if chosen is None:
        plan = _plan(dataset, budget_s, settings, progress=progress, on_step=on_step)
        chosen = plan.recipe
    on_step("starting PyTorch ...")
    from limner.training.run import train_run

    train_run(
        dataset,
        chosen,
        folder,
        split=_as_paths(split),
        budget_s=budget_s,
        plan=plan,
        resume=resume,
        progress=progress,
        on_step=on_step,
    )
    on_step("evaluating on the test part ...")
    return finish_run(dataset, folder, progress=progress)


def finish_run(dataset: Dataset, folder: Path, *, progress: bool = True) -> RunResult:
    """Evaluate a trained run on the test part of its data, note the scores in its model file, and write its report.

    Without a test part the validation part is evaluated, and the report says so.
    """
    from limner.data import load_split
    from limner.outcome import evaluate_selection, report_selection
    from limner.runtime import load
    from limner.selection import Selection, with_seen

    split = load_split(folder / "split.json")
    part: PartChoice = "test" if split.test else "val"
    predictor = load(folder)
    selection = with_seen(Selection(dataset.subset(split.part(part)), part), predictor)
    evaluation = evaluate_selection(predictor, selection, progress=progress)
    _note_scores(folder / "model.onnx", evaluation)
    report = report_selection(predictor, selection, evaluation, folder, run=folder)
    return RunResult(folder, folder / "model.onnx", report, evaluation)


def evaluate(
    model: str | Path,
    source: str | Path,
    *,
    foreground: str | None = None,
    observer: int = 1,
    out: str | Path | None = None,
    split: Mapping[str, str | Path] | str | Path | None = None,
    part: PartChoice | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Score a model on images with masks, at the threshold that it was exported with.

    Of the data that the model was made of, only its test part is evaluated unless `part` says otherwise; of other data, all images are.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.
        source: Images and masks, as for `train`.
        foreground: What is foreground, in masks of more than two tones.
        observer: Whose masks, where several people drew them.
        out: Folder for report.html, report.md, summary.json and cases.csv; nothing is written without it.
        split: A split.json, or lists of ids by part, that says which images are meant.
        part: The part of the split; by default its test part.
        overwrite: Replace an evaluation that is already in `out`.
        progress: Show progress on standard error.

    Raises:
        OutputExistsError: `out` holds an evaluation already, or is a file.
        LimnerError: Something about the model, the source or the split; or `out` cannot be made.

    Warns:
        SeenInTrainingWarning: The model was trained on some of the images, or chosen by them.
        SplitChangedWarning: Files are not those that the split.json was made of.
        LimnerWarning: Some files of the source could not be paired.
    """
    from limner.outcome import evaluate_selection, report_selection
    from limner.recipe.schema import DataPart
    from limner.runtime import load
    from limner.selection import select

    if out is not None and not overwrite:
        _refuse_existing([Path(out) / name for name in EVALUATION_FILES])
    predictor = load(model)
    dataset = _open(source, DataPart(foreground=foreground, observer=observer))
    selection = select(dataset, split=_as_paths(split), part=part, model=predictor)
    if out is not None:
        _make_folder(Path(out))  # not earlier: what is wrong with the inputs should leave nothing behind
    evaluation = evaluate_selection(predictor, selection, progress=progress)
    if out is not None:
        report_selection(predictor, selection, evaluation, Path(out))
    return evaluation


def predict(
    model: str | Path,
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    overlays: bool = True,
    probs: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Predictions:
    """Predict images and write `masks/`, `overlays/` and `predictions.csv` into a folder.

    For predictions in memory, use `load(model).predict(image)`.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.
        inputs: Image files, folders and archives.
        out: The folder to write to.
        overlays: Draw each outline over its image.
        probs: Write probabilities too, as 16-bit PNG in `probs/`.
        resume: Skip images whose outputs are already there; what the table says of other images is kept.
        overwrite: Replace outputs that are already there, and the table.
        progress: Show progress on standard error.

    Returns:
        What was done; images that could not be read or predicted are in its `failures`.

    Raises:
        OutputExistsError: An output is already there, and neither `resume` nor `overwrite` was asked for; or there is no resuming, since
            the outputs are of another model or of other images. Nothing has been written then.
        LimnerError: Something about the model or the inputs as a whole.
    """
    from limner.batch import Layout, plan, predict_many, refuse_existing
    from limner.progress import show_progress
    from limner.runtime import load

    layout = Layout(Path(out), overlays=overlays, probs=probs)
    jobs = plan([inputs] if isinstance(inputs, (str, Path)) else inputs)
    if not (resume or overwrite):
        refuse_existing(jobs, layout)
    predictor = load(model)
    with show_progress("predicting", enabled=progress) as tick:
        return predict_many(predictor, jobs, layout, resume=resume, progress=tick)


def export_model(run: str | Path, out: str | Path, *, overwrite: bool = False) -> Path:
    """Export the best checkpoint of a run to one .onnx file.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        OutputExistsError: The file is there already.
        RunError: The folder is not a run, or has no checkpoint yet.
    """
    path = Path(out)
    if path.suffix.lower() != ".onnx":
        raise RunError("a model's file name ends in .onnx", where=path, fix=f"write --out {path.with_suffix('.onnx')}")
    require_training("exporting a run")
    from limner.training.run import export_run

    return export_run(Path(run), path, overwrite=overwrite)


def load(model: str | Path, *, threads: int | None = None) -> Predictor:
    """Open a model for prediction: `load(model).predict(image)`.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.
        threads: Processor threads per prediction; by default as many as there are physical cores.

    Raises:
        ModelFileError: There is no such model, or it is damaged.
    """
    from limner.runtime import load as load_predictor

    return load_predictor(model, threads=threads)


def new_run_folder(recipe: str | Path | None = None) -> Path:
    """A run folder that is not there yet: runs/RECIPE-DATE-TIME, or runs/planned-DATE-TIME."""
    name = Path(recipe or "planned")
    stem = name.stem if name.suffix in {".yaml", ".yml"} else name.name
    return Path("runs") / f"{stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def require_training(needed_for: str) -> None:
    """Make sure that the workshop half is installed.

    Raises:
        MissingExtraError: It is not; the message has the command that installs it.
    """
    if any(find_spec(package) is None for package in _TRAINING_PACKAGES):
        raise MissingExtraError("train", needed_for=needed_for)


def _choose_recipe(recipe: str | Path | None, settings: Sequence[str], folder: Path, *, resume: bool) -> Recipe | None:
    """The recipe that is asked for, or that a run began with; None where one is to be planned."""
    from limner.recipe import load_recipe

    stored_file = folder / "recipe.yaml"
    if not (resume and stored_file.is_file()):
        return None if recipe is None else load_recipe(recipe, settings)
    stored, asked = load_recipe(stored_file), load_recipe(recipe or stored_file, settings)
    if stored != asked:
        ours, theirs = stored.model_dump(), asked.model_dump()
        differing = ", ".join(name for name in ours if ours[name] != theirs[name])
        raise RunError(
            f"a run goes on with the recipe it began with, and this one differs in: {differing}",
            where=stored_file,
            fix="leave out --recipe and --set, or start a new run without --resume",
        )
    return stored


def _plan(dataset: Dataset, budget_s: float | None, settings: Sequence[str], *, progress: bool, on_step: Callable[[str], None]) -> Plan:
    from limner.planner import make_plan
    from limner.progress import show_progress

    on_step("measuring the data, to plan a recipe for it ...")
    with show_progress("measuring", enabled=progress) as tick:
        plan = make_plan(dataset, budget_s=budget_s, settings=settings, progress=tick)
    for reason in plan.reasons:
        if reason.key in _TOLD:
            on_step(f"  {reason.key} {reason.value}: {reason.why}")
    on_step("  (every choice with its reason: `limner plan`, and plan.json in the run folder)")
    return plan


def _open(source: str | Path, data: DataPart) -> Dataset:
    """Open a source, and say what is wrong with it: images that are left out should not be missed unawares."""
    from limner.data import open_source

    dataset = open_source(source, options=data.source_options())
    if dataset.problems:
        warnings.warn(f"{dataset.say_problems()} (all of them are in the report)", LimnerWarning, stacklevel=3)
    return dataset


def _note_scores(model: Path, evaluation: Evaluation) -> None:
    """Write the scores into the model file, so that it says by itself how good it was found to be."""
    from limner.export.exporter import update_model
    from limner.runtime.format import read_metadata

    scores = [{**score.model_dump(mode="json"), "part": evaluation.part} for score in evaluation.scores]
    update_model(model, metadata=read_metadata(model).model_copy(update={"metrics": scores}))


def _refuse_existing(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            raise OutputExistsError("the output is already there", where=path, fix="add --overwrite to replace it, or choose another --out")


def _make_folder(path: Path) -> None:
    """Make the folder for results that take long: to be told afterwards that it cannot be is too late."""
    fix = "choose another folder with --out"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise OutputExistsError("there is a file where the folder should be", where=path, fix=fix) from None
    except OSError as error:
        raise LimnerError(f"the folder cannot be made: {error.strerror}", where=path, fix=fix) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise LimnerError("the folder cannot be written to", where=path, fix=fix)


def _as_paths(split: Mapping[str, str | Path] | str | Path | None) -> dict[str, Path] | Path | None:
    if split is None or isinstance(split, (str, Path)):
        return None if split is None else Path(split)
    return {part: Path(file) for part, file in split.items()}


def _as_seconds(budget: float | str | None) -> float | None:
    from limner.durations import parse_duration

    try:
        return parse_duration(budget) if isinstance(budget, str) else budget
    except ValueError as error:
        raise RunError(str(error)) from None
