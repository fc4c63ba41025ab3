"""A run: from a source of images and masks to a model file, in one folder."""

from __future__ import annotations

import shutil
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from limner.data.items import Dataset
from limner.data.resident import load_native, load_resident
from limner.data.source import open_source
from limner.data.splits import PARTS, LeakWarning, find_leaks, gather, load_leaks, save_leaks, save_split, saved_split
from limner.errors import DataError, ModelFileError, OutputExistsError, RunError
from limner.export.converting import convert_model
from limner.export.exporter import export_network, library_versions, new_metadata, update_model
from limner.export.parity import check_parity
from limner.files import atomic_path, sha256, write_json
from limner.progress import show_progress
from limner.recipe import Recipe, load_recipe
from limner.recipe.schema import DataPart
from limner.runtime.format import read_metadata
from limner.selection import short_hashes
from limner.training.checks import check_training
from limner.training.devices import check_trainer, choose_devices
from limner.training.fit import fit, fit_in_processes, load_best, new_network
from limner.training.folds.folder import FoldsFolder
from limner.training.hardware import choose_precision, describe_machine, peak_memory_gib
from limner.training.launch import awaited, hand_out, launched
from limner.training.normalise import measured
from limner.training.run_folder import RunFolder
from limner.training.settle import settle_split
from limner.training.shared import share
from limner.training.tune import tune_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from limner.data.resident import NativeSet, ResidentSet
    from limner.data.splits import LeakReport, Split, SplitChoice
    from limner.export.converting import Precision
    from limner.planner import Plan
    from limner.runtime.format import ModelMetadata

_PARITY_IMAGES = 8
_LARGEST_DIFFERENCE = 1e-3  # of a probability, between the file and the network


def train_run(
    source: str | Path | Dataset,
    recipe: Recipe,
    out: Path,
    *,
    split: SplitChoice = None,
    budget_s: float | None = None,
    plan: Plan | None = None,
    resume: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train a model and export it; returns the run folder. Of processes that were started together, the first calls this.

    Nothing is chosen on the test part: the best epoch and the threshold come from the validation part; the images of the test part are
    only compared with the others, in the leak check.

    Args:
        source: Folder, archive or catalog name; or a data set that was opened as the recipe says.
        recipe: How to train. On resuming, the folder's own recipe counts, but for the devices.
        out: The run folder; new or empty, unless `resume`.
        split: None to draw one as the recipe says; a file saved by an earlier run; lists of ids by part; or an official split's name.
        plan: The plan that the recipe is from; it is kept in the run folder.
        budget_s: Seconds that the whole run may take; the schedule is fitted to them. A resumed run keeps the budget it began with.
        resume: Go on where an earlier call was interrupted.
        progress: Show bars.
        on_step: Is told, in a few words, what begins and what was found.

    Raises:
        LimnerError: A source, split, recipe, weights file or folder that cannot be used.
        KeyboardInterrupt: Ctrl-C; all complete epochs are kept.

    Warns:
        LeakWarning: Parts of the split share images, copies of images, or patients.
    """
    start, run = monotonic(), RunFolder(out)
    with run.alone():
        if resume:
            recipe = run.resume().model_copy(update={"trainer": recipe.trainer})
        else:
            run.refuse_to_overwrite()
        check_training(recipe)
        check_trainer(recipe)
        on_step("reading the data ...")
        dataset = source if isinstance(source, Dataset) else open_source(source, options=recipe.data.source_options())
        if resume:
            parts = _resumed_split(run, dataset, progress=progress)
            if not run.facts():  # deleted, since they were damaged
                _note_beginning(run, recipe, dataset, budget_s)
        else:
            parts = _begin(run, recipe, dataset, split, budget_s, plan=plan, progress=progress)
        _tell(load_leaks(run.leaks_file), on_step)
        budget_s = _settled_budget(run, budget_s)
        state = run.facts()["state"]
        if state in {"trained", "finished"}:
            hand_out(None)
        if state == "finished":
            return out
        with _timed(run):
            if state != "trained":
                _train(run, recipe, dataset, parts, budget_s, start=start, progress=progress, on_step=on_step)
            on_step("exporting the best epoch and choosing the threshold ...")
            _export(run, load_recipe(run.recipe_file), dataset, parts, progress)  # by now the recipe holds what was measured
            run.add_facts(state="finished", finished=_now())
    return out


def export_run(
    out: Path,
    path: Path,
    *,
    precision: Precision = "float32",
    source: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Export a run's model to `path`: as it is, or in another precision.

    Of a run that is not finished, the best epoch so far is exported, in float32. It has the recipe's fixed threshold, and has not been
    compared with its network.

    Args:
        out: The folder of a run, or of a cross-validation with an ensemble; or a model file.
        path: Of the `.onnx` file.
        precision: Of the network's numbers.
        source: Where the images are that the model was made of, for int8 to be calibrated, and for what is lost to be measured. By default
            where they were when it was trained.
        overwrite: Replace a file at `path`.
        progress: Show bars.

    Raises:
        DataError: The source cannot be read, or too few of the model's images are there.
        RunError: The folder holds no run, or no epoch of it is complete; or the precision needs a finished one.
        ModelFileError: Too much would be lost in the precision.
        OutputExistsError: There is a file at `path`, and `overwrite` was not asked for.
    """
    if path.exists() and not overwrite:
        raise OutputExistsError("the model file already exists", where=path, fix="choose another name, or add --overwrite")
    model = out if out.is_file() else RunFolder(out).model
    if not model.is_file():
        return _export_unfinished(out, path, precision)
    if precision != "float32":
        return convert_model(model, path, precision, _own_source(out, model, source, precision), progress=progress)
    found = read_metadata(model).precision  # a damaged file is not handed on
    if found != "float32":
        raise ModelFileError(f"the file is in {found}, of which float32 cannot be made", where=model, fix="give the run folder")
    with atomic_path(path) as temporary:
        shutil.copyfile(model, temporary)
    return path


def _export_unfinished(out: Path, path: Path, precision: Precision) -> Path:
    run = RunFolder(out)
    if (out / FoldsFolder.definition_name).is_file():
        fix = (
            f"join them with `limner train --out {out} --resume --ensemble`, or export one of its folds, such as {out / 'folds' / 'fold-1'}"
        )
        raise RunError("the folder is a cross-validation, whose models are not joined in one file", where=out, fix=fix)
    if not run.best.is_file():
        raise RunError("there is no complete epoch to export", where=out, fix="give the folder of a run (`limner train ... --out RUN`)")
    if precision != "float32":
        fix = f"finish it with `limner train --out {out} --resume`, or export what it has in float32"
        raise RunError(f"the run is not finished, and {precision} is made of a finished run's model", where=out, fix=fix)
    recipe = load_recipe(run.recipe_file)
    metadata = new_metadata(recipe, threshold=recipe.threshold.value, threshold_origin="not chosen: the run is not finished")
    return export_network(load_best(recipe, run), recipe, metadata, path)


def _own_source(out: Path, model: Path, source: str | Path | None, precision: Precision) -> Dataset | None:
    """The data that a model was made of; None where they are gone and float16 is wanted, which can do without."""
    place = source or RunFolder(out).facts().get("source") or _folds_source(out)
    needs = f"{precision} is made with the images that the model was trained on"
    fix = "name the data that it was trained on with --source (in Python: source=...)"
    if place is None:
        if precision == "float16":
            return None
        raise DataError(f"{needs}, and nothing says where they are", where=out, fix=fix)
    try:
        data = DataPart.model_validate(read_metadata(model).recipe.get("data", {}))
    except ValidationError:
        what = "the recipe in the file has settings of data that this limner does not know"
        raise ModelFileError(what, where=model, fix="use the limner that made the file, or a newer one") from None
    try:
        return open_source(place, options=data.source_options())
    except DataError as error:
        if source is None and precision == "float16":
            return None
        raise DataError(f"{needs}: {error.what}", where=error.where, fix=error.fix if source else fix) from None


def _folds_source(out: Path) -> str | None:
    folder = FoldsFolder(out)
    return folder.begun().get("source") if folder.definition_file.is_file() else None


@contextmanager
def _timed(run: RunFolder) -> Iterator[None]:
    """Add the seconds of this session to those of earlier ones, however it ends."""
    start = monotonic()
    try:
        yield
    finally:
        run.add_facts(seconds=round(run.facts().get("seconds", 0.0) + monotonic() - start, 1))


def _begin(
    run: RunFolder, recipe: Recipe, dataset: Dataset, choice: SplitChoice, budget_s: float | None, *, plan: Plan | None, progress: bool
) -> Split:
    """Settle everything that a resumed run must find again, and only then mark the folder as a run.

    An earlier attempt makes room when its split has been read, which may be the one that is asked for.
    """
    split, leaks = settle_split(dataset, recipe, choice, progress=progress)
    run.clear()
    _note_beginning(run, recipe, dataset, budget_s)
    if plan:
        write_json(run.plan_file, plan.as_json())
    save_split(split, dataset, run.split_file)
    save_leaks(leaks, run.leaks_file)
    run.begin(recipe)
    return split


def _note_beginning(run: RunFolder, recipe: Recipe, dataset: Dataset, budget_s: float | None) -> None:
    run.add_facts(
        state="training",
        source=dataset.place,
        started=_now(),
        seed=recipe.seed,
        budget_s=budget_s,
        versions=library_versions(),
        machine=describe_machine(),
    )


def _resumed_split(run: RunFolder, dataset: Dataset, *, progress: bool) -> Split:
    """The split that the run began with. Its files are the same, so its leaks are; only a run of an earlier limner did not look."""
    split = saved_split(run.split_file, dataset)
    if not run.leaks_file.is_file():
        with show_progress("looking for leaks", enabled=progress) as tick:
            save_leaks(find_leaks(dataset, split, gather(dataset, shares=False, progress=tick).looks), run.leaks_file)
    return split


def _settled_budget(run: RunFolder, budget_s: float | None) -> float | None:
    """The budget that the run began with."""
    settled: float | None = run.facts().get("budget_s")
    if budget_s not in {None, settled}:
        began = "none" if settled is None else f"{settled:.0f} s"
        raise RunError(f"a run goes on with the budget that it began with, which is {began}", where=run.path, fix="leave out --budget")
    return settled


def _train(
    run: RunFolder,
    recipe: Recipe,
    dataset: Dataset,
    split: Split,
    budget_s: float | None,
    *,
    start: float,
    progress: bool,
    on_step: Callable[[str], None],
) -> None:
    network = new_network(recipe, run)  # first: a mistake in the recipe should not wait for the data
    train, val = (load_part(dataset, keys, recipe.data) for keys in (split.train, split.val))
    _check_masks(train, dataset)
    if budget_s is not None and "training_budget_s" not in run.facts():
        run.add_facts(training_budget_s=_training_budget(budget_s, monotonic() - start))
    recipe = run.settle(measured(recipe, train))
    devices = choose_devices(recipe)
    run.add_facts(devices=str(devices), precision=choose_precision(recipe))
    on_step(f"training on {len(train)} images, watched on {len(val)}{f', by {devices}' if devices.processes > 1 else ''} ...")
    training_budget_s: float | None = run.facts().get("training_budget_s")
    if devices.processes == 1 or launched():
        hand_out(_job(run, recipe, dataset, split, training_budget_s))
        fit(network, recipe, train, val, run, budget_s=training_budget_s, progress=progress)
    else:
        shared = share(train), share(val)
        del network, train, val  # the processes make the network anew, and one copy of the images is enough
        fit_in_processes(recipe, *shared, run, budget_s=training_budget_s, progress=progress)
    run.add_facts(state="trained", trained=_now(), peak_memory_gib=peak_memory_gib())


def _job(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split, budget_s: float | None) -> dict[str, Any]:
    """What processes that were started with this one have to know; see `follow_run`."""
    settled = {"recipe": recipe.model_dump(mode="json"), "out": str(run.path), "budget_s": budget_s}
    return {**settled, "source": dataset.place, "train": split.train, "val": split.val}


def follow_run() -> None:
    """Train along, in a process that torchrun or SLURM has started beside the first, with what that one has settled; nothing is written.

    Raises:
        LimnerError: The source cannot be read here; or the training has ended in another process.
    """
    job = awaited()
    if job is None:
        return
    recipe, run = Recipe.model_validate(job["recipe"]), RunFolder(Path(job["out"]))
    dataset = open_source(job["source"], options=recipe.data.source_options())
    train, val = (load_part(dataset, job[part], recipe.data) for part in ("train", "val"))
    try:
        fit(new_network(recipe, run), recipe, train, val, run, budget_s=job["budget_s"], progress=False)
    except RuntimeError as error:  # how PyTorch tells that a connection is lost
        reason = str(error).strip().splitlines()[0]
        raise RunError(f"the training cannot go on in this process: {reason}", fix="see what the first process says") from error


def load_part(dataset: Dataset, keys: Iterable[str], data: DataPart) -> ResidentSet | NativeSet:
    """The images of some keys in memory, as a recipe's data part says."""
    if data.sampling == "patches":
        return load_native(dataset, keys, data.input_size)
    return load_resident(dataset, keys, data.input_size, keep_aspect=data.keep_aspect)


def _tell(leaks: LeakReport, on_step: Callable[[str], None]) -> None:
    on_step(leaks.sentence())
    if leaks.leaks:
        warnings.warn(leaks.warning(), LeakWarning, stacklevel=4)


def _check_masks(train: ResidentSet | NativeSet, dataset: Dataset) -> None:
    """Without any foreground nothing can be learnt; most often the masks were stored in a way that loses it."""
    if not any(mask.any() for mask in train.masks):
        raise DataError(
            f"all {len(train)} masks of the training part are empty",
            where=dataset.place,
            fix="look at a mask: masks of 0 and 1 saved as JPEG cannot be told from noise; save them as PNG of 0 and 255",
        )


def _export(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split, progress: bool) -> None:
    """Write model.onnx, whole: exported, calibrated, its threshold chosen on the validation part, and checked against the network."""
    network = load_best(recipe, run)
    validation = dataset.subset(split.val)
    samples = [item.load() for item in validation.items[:_PARITY_IMAGES]]
    with atomic_path(run.model, durable=True) as temporary:
        export_network(network, recipe, _metadata(run, recipe, dataset, split), temporary)
        tune_model(temporary, recipe.threshold, validation, run, postprocess=recipe.postprocess, progress=progress)
        parity = check_parity(network, recipe, temporary, samples)
        if parity.max_prob_difference > _LARGEST_DIFFERENCE:
            raise ModelFileError(
                f"the exported file differs from the network: by {parity.max_prob_difference:.2g} in a probability",
                where=run.path,
                fix=f"nothing was written; this network cannot be deployed with onnxruntime {version('onnxruntime')}: try another version",
            )
        update_model(temporary, metadata=read_metadata(temporary).model_copy(update={"parity": parity.model_dump()}))


def _metadata(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split) -> ModelMetadata:
    data = {
        **dataset.provenance(),
        **{part: len(split.part(part)) for part in PARTS},
        "split": split.origin,
        "split_sha256": sha256(run.split_file.read_bytes()),
        # By these a model knows its own training images wherever it is taken.
        "hashes": short_hashes(run.split_file),
    }
    return new_metadata(recipe, threshold=recipe.threshold.value, threshold_origin="fixed by the recipe", training_data=data)


def _training_budget(budget_s: float, spent_s: float) -> float:
    """What is left for training when loading is done, and export, threshold and report are still to come."""
    return max(1.0, budget_s - spent_s - min(120.0, 0.1 * budget_s))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
