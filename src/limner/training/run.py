"""A run: from a source of images and masks to a model file, in one folder."""

from __future__ import annotations

import shutil
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING

from limner.data.items import Dataset
from limner.data.resident import load_native, load_resident
from limner.data.source import open_source
from limner.data.splits import (
    PARTS,
    DrawRules,
    LeakWarning,
    check_choice,
    check_groups,
    choose_split,
    find_leaks,
    gather,
    load_leaks,
    names_file,
    save_leaks,
    save_split,
    saved_split,
)
from limner.errors import DataError, ModelFileError, OutputExistsError, RecipeError, RunError
from limner.evaluation.thresholds import choose_threshold
from limner.export.exporter import export_network, library_versions, new_metadata, update_model
from limner.export.parity import check_parity
from limner.files import atomic_path, sha256, write_json
from limner.progress import show_progress
from limner.recipe import load_recipe
from limner.runtime.predictor import load
from limner.selection import short_hashes
from limner.training.fit import fit, load_best, new_network
from limner.training.hardware import choose_precision, describe_machine, peak_memory_gib
from limner.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from limner.data.resident import NativeSet, ResidentSet
    from limner.data.splits import LeakReport, Split, SplitChoice
    from limner.planner import Plan
    from limner.recipe import Recipe
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
    """Train a model and export it; returns the run folder.

    Nothing is chosen on the test part: the best epoch and the threshold come from the validation part; the images of the test part are
    only compared with the others, in the leak check.

    Args:
        source: Folder, archive or catalog name; or a data set that was opened as the recipe says.
        recipe: How to train. On resuming, the folder's own recipe counts.
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
    if resume:
        recipe = run.resume()
    else:
        run.clear()
    _check_channels(recipe)
    on_step("reading the data ...")
    dataset = source if isinstance(source, Dataset) else open_source(source, options=recipe.data.source_options())
    if plan:
        write_json(run.plan_file, plan.as_json())
    parts = _resumed_split(run, dataset, progress=progress) if resume else _begin(run, recipe, dataset, split, budget_s, progress=progress)
    _tell(load_leaks(run.leaks_file), on_step)
    budget_s = _settled_budget(run, budget_s)
    if run.facts()["state"] == "finished":
        return out
    with _timed(run):
        if run.facts()["state"] != "trained":
            _train(run, recipe, dataset, parts, budget_s, start=start, progress=progress, on_step=on_step)
        on_step("exporting the best epoch and choosing the threshold ...")
        _export(run, recipe, dataset, parts)
        run.add_facts(state="finished", finished=_now())
    return out


def export_run(out: Path, path: Path, *, overwrite: bool = False) -> Path:
    """Export a run's best epoch to `path`: a finished run's model as it is, or the best epoch so far.

    The latter has the recipe's fixed threshold, and has not been compared with its network.

    Raises:
        RunError: The folder holds no run, or no epoch of it is complete.
        OutputExistsError: There is a file at `path`, and `overwrite` was not asked for.
    """
    run = RunFolder(out)
    if path.exists() and not overwrite:
        raise OutputExistsError("the model file already exists", where=path, fix="choose another name, or add --overwrite")
    if run.model.is_file():
        with atomic_path(path) as temporary:
            shutil.copyfile(run.model, temporary)
        return path
    if not run.best.is_file():
        raise RunError("there is no complete epoch to export", where=out, fix="give the folder of a run (`limner train ... --out RUN`)")
    recipe = load_recipe(run.recipe_file)
    metadata = new_metadata(recipe, threshold=recipe.threshold.value, threshold_origin="not chosen: the run is not finished")
    return export_network(load_best(recipe, run), recipe, metadata, path)


@contextmanager
def _timed(run: RunFolder) -> Iterator[None]:
    """Add the seconds of this session to those of earlier ones, however it ends."""
    start = monotonic()
    try:
        yield
    finally:
        run.add_facts(seconds=round(run.facts().get("seconds", 0.0) + monotonic() - start, 1))


def _begin(run: RunFolder, recipe: Recipe, dataset: Dataset, choice: SplitChoice, budget_s: float | None, *, progress: bool) -> Split:
    """Settle everything that a resumed run must find again, and only then mark the folder as a run."""
    split, leaks = _settle_split(dataset, recipe, choice, progress=progress)
    save_split(split, dataset, run.split_file)
    save_leaks(leaks, run.leaks_file)
    run.add_facts(
        state="training",
        source=dataset.place,
        started=_now(),
        seed=recipe.seed,
        budget_s=budget_s,
        precision=choose_precision(recipe),
        versions=library_versions(),
        machine=describe_machine(),
    )
    run.begin(recipe)
    return split


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
    load_part = load_native if recipe.data.sampling == "patches" else load_resident
    train, val = (load_part(dataset, keys, recipe.data.input_size) for keys in (split.train, split.val))
    _check_masks(train, dataset)
    if budget_s is not None and "training_budget_s" not in run.facts():
        run.add_facts(training_budget_s=_training_budget(budget_s, monotonic() - start))
    on_step(f"training on {len(train)} images, watched on {len(val)} ...")
    fit(network, recipe, train, val, run, budget_s=run.facts().get("training_budget_s"), progress=progress)
    run.add_facts(state="trained", trained=_now(), peak_memory_gib=peak_memory_gib())


def _settle_split(dataset: Dataset, recipe: Recipe, choice: SplitChoice, *, progress: bool) -> tuple[Split, LeakReport]:
    """The split, and what two of its parts have in common; each picture is read once for both."""
    data = recipe.data
    rules = DrawRules(
        val_fraction=data.val_fraction,
        test_fraction=data.test_fraction,
        seed=recipe.seed,
        stratify=data.stratify,
        lookalikes=data.lookalikes,
    )
    check_groups(dataset, data.group)
    check_choice(dataset, choice)
    with show_progress("looking for leaks", enabled=progress) as tick:
        evidence = gather(dataset, shares=data.stratify and not names_file(choice, dataset), progress=tick)
    split = choose_split(dataset, choice, rules, evidence)
    return split, find_leaks(dataset, split, evidence.looks, lookalikes=evidence.lookalikes)


def _tell(leaks: LeakReport, on_step: Callable[[str], None]) -> None:
    on_step(leaks.sentence())
    if leaks.leaks:
        warnings.warn(leaks.warning(), LeakWarning, stacklevel=4)


def _check_channels(recipe: Recipe) -> None:
    """Images are read as RGB; a network for other images would fail at its first step."""
    if recipe.network.in_channels != 3:
        raise RecipeError(
            f"the network takes {recipe.network.in_channels} channels, and images have three",
            where="network.in_channels",
            fix="set it to 3",
        )


def _check_masks(train: ResidentSet | NativeSet, dataset: Dataset) -> None:
    """Without any foreground nothing can be learnt; most often the masks were stored in a way that loses it."""
    if not any(mask.any() for mask in train.masks):
        raise DataError(
            f"all {len(train)} masks of the training part are empty",
            where=dataset.place,
            fix="look at a mask: masks of 0 and 1 saved as JPEG cannot be told from noise; save them as PNG of 0 and 255",
        )


def _export(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split) -> None:
    """Write model.onnx, whole: exported, checked against the network, its threshold chosen on the validation part."""
    network = load_best(recipe, run)
    validation = dataset.subset(split.val)
    images = [item.load_image() for item in validation.items[:_PARITY_IMAGES]]
    metadata = _metadata(run, recipe, dataset, split)
    with atomic_path(run.model, durable=True) as temporary:
        export_network(network, recipe, metadata, temporary)
        parity = check_parity(network, recipe, temporary, images)
        if parity.max_prob_difference > _LARGEST_DIFFERENCE:
            raise ModelFileError(
                f"the exported file differs from the network: by {parity.max_prob_difference:.2g} in a probability",
                where=run.path,
                fix=f"nothing was written; this network cannot be deployed with onnxruntime {version('onnxruntime')}: try another version",
            )
        metadata = metadata.model_copy(update={"parity": parity.model_dump()})
        if recipe.threshold.choose == "dice":
            choice = choose_threshold(load(temporary), validation)
            write_json(run.threshold_file, choice.model_dump(mode="json"))
            origin = f"best mean per-image {choice.metric.capitalize()} on {choice.n} validation images"
            metadata = metadata.model_copy(update={"threshold": choice.threshold, "threshold_origin": origin})
        update_model(temporary, threshold=metadata.threshold, metadata=metadata)


def _metadata(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split) -> ModelMetadata:
    data = {
        "name": dataset.name,
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
