"""The verbs that make a model: train, export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, get_args

from limner.api.common import as_paths, as_seconds, open_data, require_training
from limner.errors import RunError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from limner.data import Dataset
    from limner.evaluation import Evaluation
    from limner.planner import Plan
    from limner.recipe import Recipe
    from limner.selection import PartChoice

Precision: TypeAlias = Literal["float32", "float16", "int8"]
_PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_TOLD = ("data.sampling", "data.input_size", "network.name", "loss.name", "batch_size", "epochs")  # of a plan, before training


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
    source: str | Path | None = None,
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
        source: A folder, an archive (.zip, .tar, .tar.gz, .tgz), an annotation file, or a data set's name; by default the `dataset` that
            the recipe names, and on resuming what the run began with.
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
    from limner.training.launch import is_follower

    if is_follower():  # of several processes that torchrun or SLURM has started, the first does all but the training itself
        _follow()
    from limner.planner import settled
    from limner.recipe import data_settings
    from limner.training.run_folder import RunFolder

    if resume and out is None:
        raise RunError("there is no telling which run to resume", fix="name its folder with --out (in Python: out=...)")
    budget_s = as_seconds(budget)
    settings = [*settings, *data_settings(foreground=foreground, observer=observer, group=group)]
    folder = new_run_folder(recipe) if out is None else Path(out)
    chosen = choose_recipe(recipe, settings, folder, resume=resume)
    if not resume:
        RunFolder(folder).refuse_to_overwrite()
    known = chosen or settled(settings)
    dataset = open_data(source or own_source(known, folder if resume else None), known.data)  # a mistake is told at once, before PyTorch
    plan = None
    if chosen is None:
        plan = plan_recipe(dataset, budget_s, settings, progress=progress, on_step=on_step)
        chosen = plan.recipe
    on_step("starting PyTorch ...")
    from limner.training.run import train_run

    train_run(
        dataset,
        chosen,
        folder,
        split=as_paths(split),
        budget_s=budget_s,
        plan=plan,
        resume=resume,
        progress=progress,
        on_step=on_step,
    )
    on_step("evaluating on the test part ...")
    return finish_run(dataset, folder, progress=progress)


def _follow() -> NoReturn:
    """Train along, and end with the training: there is nothing to return that the first process does not."""
    from limner.training.run import follow_run

    follow_run()
    raise SystemExit


def finish_run(dataset: Dataset, folder: Path, *, progress: bool = True) -> RunResult:
    """Evaluate a trained run on the test part of its data, note the scores in its model file, and write its report.

    Without a test part the validation part is evaluated, and the report says so.
    """
    from limner.data import load_split
    from limner.outcome import draw_run, evaluate_selection, report_selection
    from limner.runtime import load
    from limner.selection import Selection, with_seen

    split = load_split(folder / "split.json")
    part: PartChoice = "test" if split.test else "val"
    predictor = load(folder)
    selection = with_seen(Selection(dataset.subset(split.part(part)), part), predictor)
    evaluation = evaluate_selection(predictor, selection, progress=progress)
    _note_scores(folder / "model.onnx", evaluation)
    draw_run(predictor, dataset, split, folder)
    report = report_selection(predictor, selection, evaluation, folder, run=folder)
    return RunResult(folder, folder / "model.onnx", report, evaluation)


def export_model(
    run: str | Path,
    out: str | Path,
    *,
    precision: Precision = "float32",
    source: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Export the best checkpoint of a run to one .onnx file.

    Args:
        run: The folder of a run, or of a cross-validation with an ensemble; or a model file in float32, to change its precision.
        out: The file.
        precision: `float32`; `float16`, of half the size, and faster on graphics cards alone; or `int8`, of a quarter of the size and three
            to four times as fast on a processor. Int8 is calibrated on training images, and layers that suffer from it stay in float.
        source: Where the images are that the model was made of; by default where they were when it was trained.
        overwrite: Replace a file that is there.
        progress: Show progress on standard error.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        OutputExistsError: The file is there already.
        RunError: The folder is not a run, or has no checkpoint yet; or there is no such precision.
        DataError: The images are not to be found, or too few of them.
        ModelFileError: In the precision the model would lose more than half a point of Dice on its validation images.
    """
    path = Path(out)
    if path.suffix.lower() != ".onnx":
        named = path.with_suffix(".onnx") if path.name else "model.onnx"
        raise RunError("a model's file name ends in .onnx", where=path, fix=f"write --out {named}")
    if precision not in _PRECISIONS:
        raise RunError(f"there is no precision '{precision}'", fix=nearest(precision, _PRECISIONS))
    require_training("exporting a run")
    from limner.training.run import export_run

    return export_run(Path(run), path, precision=precision, source=source, overwrite=overwrite, progress=progress)


def new_run_folder(recipe: str | Path | None = None) -> Path:
    """A run folder that is not there yet: runs/RECIPE-DATE-TIME, or runs/planned-DATE-TIME."""
    name = Path(recipe or "planned")
    stem = name.stem if name.suffix in {".yaml", ".yml"} else name.name
    return Path("runs") / f"{stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def own_source(recipe: Recipe, resumed: Path | None = None) -> str:
    """The data where none are named: those that a run in `resumed` began with, or else the recipe's data set.

    Raises:
        NoSourceError: Neither names any.
    """
    from limner.training.run_folder import RunFolder

    began_with = RunFolder(resumed).facts().get("source") if resumed else None
    if source := began_with or recipe.dataset:
        return str(source)
    raise NoSourceError


class NoSourceError(RunError):
    """Nothing says which data are meant."""

    def __init__(self) -> None:
        super().__init__(
            "which images and masks? None are named, and the recipe names no data set of its own",
            fix="name a folder, an archive, an annotation file or a data set of the catalog",
        )


def choose_recipe(recipe: str | Path | None, settings: Sequence[str], folder: Path, *, resume: bool) -> Recipe | None:
    """The recipe that is asked for, or that a run began with; None where one is to be planned."""
    from limner.recipe import load_recipe

    stored_file = folder / "recipe.yaml"
    if not (resume and stored_file.is_file()):
        return None if recipe is None else load_recipe(recipe, settings)
    asked = load_recipe(recipe or stored_file, settings)
    stored = load_recipe(stored_file).model_copy(update={"trainer": asked.trainer})  # it may go on on other devices
    if asked.data.mean is None:  # what was measured when the run began is filled in by now
        asked = asked.model_copy(update={"data": asked.data.model_copy(update={"mean": stored.data.mean, "std": stored.data.std})})
    if stored != asked:
        ours, theirs = stored.model_dump(), asked.model_dump()
        differing = ", ".join(name for name in ours if ours[name] != theirs[name])
        raise RunError(
            f"a run goes on with the recipe it began with, and this one differs in: {differing}",
            where=stored_file,
            fix="leave out --recipe and --set, or start a new run without --resume",
        )
    return stored


def plan_recipe(
    dataset: Dataset, budget_s: float | None, settings: Sequence[str], *, progress: bool, on_step: Callable[[str], None]
) -> Plan:
    """A plan for data that no recipe was given for, with the choices that matter told."""
    plan = measured_plan(dataset, budget_s, settings, progress=progress, on_step=on_step)
    for reason in plan.reasons:
        if reason.key in _TOLD:
            on_step(f"  {reason.key} {reason.value}: {reason.why}")
    on_step("  (every choice with its reason: `limner plan`, and plan.json in the run folder)")
    return plan


def measured_plan(
    dataset: Dataset, budget_s: float | None, settings: Sequence[str], *, progress: bool, on_step: Callable[[str], None]
) -> Plan:
    """The same, and only that it is measured is told."""
    from limner.planner import make_plan
    from limner.progress import show_progress

    on_step("measuring the data, to plan a recipe for it ...")
    with show_progress("measuring", enabled=progress) as tick:
        return make_plan(dataset, budget_s=budget_s, settings=settings, progress=tick)


def _note_scores(model: Path, evaluation: Evaluation) -> None:
    """Write the scores into the model file, so that it says by itself how good it was found to be."""
    from limner.export.exporter import update_model
    from limner.runtime.format import read_metadata

    scores = [{**score.model_dump(mode="json"), "part": evaluation.part} for score in evaluation.scores]
    update_model(model, metadata=read_metadata(model).model_copy(update={"metrics": scores}))
