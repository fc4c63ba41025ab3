"""A run: from a source of images and masks to a model file, in one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from limner.data.resident import load_resident
from limner.data.source import open_source
from limner.data.splits import PARTS, load_split, make_split, save_split, split_from_lists, verify_split
from limner.errors import DataError, ModelFileError, OutputExistsError, RecipeError, RunError
from limner.evaluation.thresholds import choose_threshold
from limner.export.exporter import export_network, library_versions, new_metadata, update_model
from limner.export.parity import check_parity
from limner.files import atomic_path, sha256, write_json
from limner.imaging.read import read_image
from limner.recipe import load_recipe
from limner.runtime.predictor import load
from limner.selection import HASH_DIGITS
from limner.training.fit import fit, load_best, new_network
from limner.training.hardware import choose_precision, describe_machine, peak_memory_gib
from limner.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limner.data.resident import ResidentSet
    from limner.data.source import Dataset
    from limner.data.splits import Split
    from limner.recipe import Recipe
    from limner.runtime.format import ModelMetadata

    SplitChoice = Path | Mapping[str, Path] | None

_PARITY_IMAGES = 8
_LARGEST_DIFFERENCE = 1e-3  # of a probability, between the file and the network


def train_run(
    source: str | Path,
    recipe: Recipe,
    out: Path,
    *,
    split: SplitChoice = None,
    budget_s: float | None = None,
    resume: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train a model and export it; returns the run folder.

    Nothing is chosen on the test part: the best epoch and the threshold come from the validation part, and the test part is not read.

    Args:
        source: Folder, archive or catalog name.
        recipe: How to train. On resuming, the folder's own recipe counts.
        out: The run folder; new or empty, unless `resume`.
        split: None to draw one by the recipe's fractions; a file saved by an earlier run; or lists of ids by part.
        budget_s: Seconds that the whole run may take; the schedule is fitted to them. A resumed run keeps the budget it began with.
        resume: Go on where an earlier call was interrupted.
        progress: Show bars.
        on_step: Is told, in a few words, what begins.

    Raises:
        LimnerError: A source, split, recipe, weights file or folder that cannot be used.
        KeyboardInterrupt: Ctrl-C; all complete epochs are kept.
    """
    run = RunFolder(out)
    if resume:
        recipe = run.resume()
    else:
        run.clear()
    _check_channels(recipe)
    on_step("reading the data")
    dataset = open_source(source)
    parts = _saved_split(run.split_file, dataset) if resume else _begin(run, recipe, dataset, split, budget_s)
    budget_s = _settled_budget(run, budget_s)
    if run.facts()["state"] == "finished":
        return out
    with _timed(run):
        if run.facts()["state"] != "trained":
            _train(run, recipe, dataset, parts, budget_s, progress=progress, on_step=on_step)
        on_step("exporting the best epoch and choosing the threshold")
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


def _begin(run: RunFolder, recipe: Recipe, dataset: Dataset, choice: SplitChoice, budget_s: float | None) -> Split:
    """Settle everything that a resumed run must find again, and only then mark the folder as a run."""
    split = _make_split(dataset, recipe, choice)
    save_split(split, dataset, run.split_file)
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


def _saved_split(file: Path, dataset: Dataset) -> Split:
    """A split that was saved with the hashes of its files, which must be those of the data set."""
    if changed := verify_split(file, dataset):
        raise DataError(
            f"{len(changed)} files are not what they were when the split was made: {', '.join(changed[:3])}",
            where=file,
            fix="bring the data back, or start a new run with a split of its own",
        )
    return load_split(file)


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
    progress: bool,
    on_step: Callable[[str], None],
) -> None:
    start = monotonic()
    network = new_network(recipe, run)  # first: a mistake in the recipe should not wait for the data
    train, val = (load_resident(dataset, keys, recipe.data.input_size) for keys in (split.train, split.val))
    _check_masks(train, dataset)
    if budget_s is not None and "training_budget_s" not in run.facts():
        run.add_facts(training_budget_s=_training_budget(budget_s, monotonic() - start))
    on_step(f"training on {len(train)} images, watched on {len(val)}")
    fit(network, recipe, train, val, run, budget_s=run.facts().get("training_budget_s"), progress=progress)
    run.add_facts(state="trained", trained=_now(), peak_memory_gib=peak_memory_gib())


def _make_split(dataset: Dataset, recipe: Recipe, choice: SplitChoice) -> Split:
    data = recipe.data
    if choice is None:
        return make_split(dataset.keys(), val_fraction=data.val_fraction, test_fraction=data.test_fraction, seed=recipe.seed)
    if isinstance(choice, Mapping):
        return split_from_lists(dataset.keys(), choice, val_fraction=data.val_fraction, seed=recipe.seed)
    return _saved_split(Path(choice), dataset)


def _check_channels(recipe: Recipe) -> None:
    """Images are read as RGB; a network for other images would fail at its first step."""
    if recipe.network.in_channels != 3:
        raise RecipeError(
            f"the network takes {recipe.network.in_channels} channels, and images have three",
            where="network.in_channels",
            fix="set it to 3",
        )


def _check_masks(train: ResidentSet, dataset: Dataset) -> None:
    """Without any foreground nothing can be learnt; most often the masks were stored in a way that loses it."""
    if not train.masks.any():
        raise DataError(
            f"all {len(train)} masks of the training part are empty",
            where=dataset.place,
            fix="look at a mask: masks of 0 and 1 saved as JPEG cannot be told from noise; save them as PNG of 0 and 255",
        )


def _export(run: RunFolder, recipe: Recipe, dataset: Dataset, split: Split) -> None:
    """Write model.onnx, whole: exported, checked against the network, its threshold chosen on the validation part."""
    network = load_best(recipe, run)
    validation = dataset.subset(split.val)
    images = [read_image(item.image.read(), name=item.image.display) for item in validation.items[:_PARITY_IMAGES]]
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
    saved = run.split_file.read_bytes()
    files = json.loads(saved)
    data = {
        "name": dataset.name,
        **{part: len(split.part(part)) for part in PARTS},
        "split": split.origin,
        "split_sha256": sha256(saved),
        # By these a model knows its own training images wherever it is taken.
        "hashes": {part: [hashes["image"][:HASH_DIGITS] for hashes in files[part].values()] for part in PARTS},
    }
    return new_metadata(recipe, threshold=recipe.threshold.value, threshold_origin="fixed by the recipe", training_data=data)


def _training_budget(budget_s: float, spent_s: float) -> float:
    """What is left for training when loading is done, and export, threshold and report are still to come."""
    return max(1.0, budget_s - spent_s - min(120.0, 0.1 * budget_s))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
