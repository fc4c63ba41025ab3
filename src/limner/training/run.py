"""A run: from a source of images and masks to a model file, in one folder."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from limner.data.resident import load_resident
from limner.data.source import open_source
from limner.data.splits import load_split, make_split, save_split, split_from_lists, verify_split
from limner.errors import DataError, OutputExistsError, RecipeError, RunError
from limner.evaluation.thresholds import choose_threshold
from limner.export.exporter import export_network, library_versions, new_metadata, update_model
from limner.export.parity import check_parity
from limner.files import atomic_path, sha256, write_json
from limner.imaging.read import read_image
from limner.recipe import load_recipe
from limner.runtime.predictor import load
from limner.training.fit import fit, load_best
from limner.training.hardware import choose_precision, describe_machine, peak_memory_gib
from limner.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from limner.data.resident import ResidentSet
    from limner.data.source import Dataset
    from limner.data.splits import Split
    from limner.recipe import Recipe
    from limner.runtime.format import ModelMetadata

    SplitChoice = Path | Mapping[str, Path] | None

_PARITY_IMAGES = 8


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
        budget_s: Seconds that the whole run may take; the schedule is fitted to them.
        resume: Go on where an earlier call was interrupted.
        progress: Show bars.
        on_step: Is told, in a few words, what begins.

    Raises:
        LimnerError: A source, split, recipe, weights file or folder that cannot be used.
        KeyboardInterrupt: Ctrl-C; all complete epochs are kept.
    """
    start = monotonic()
    run = RunFolder(out)
    recipe = run.start(recipe, resume=resume)
    _check_channels(recipe)
    on_step("reading the data")
    dataset = open_source(source)
    parts = _settle_split(run, dataset, recipe, split)
    facts = run.facts()
    if facts.get("state") == "finished":
        return out
    if facts.get("state") != "trained":
        run.add_facts(state="training", source=str(source), started=facts.get("started", _now()), **_circumstances(recipe, budget_s))
        train = load_resident(dataset, parts.train, recipe.data.input_size)
        val = load_resident(dataset, parts.val, recipe.data.input_size)
        _check_masks(train, dataset)
        on_step(f"training on {len(parts.train)} images, watched on {len(parts.val)}")
        fit(recipe, train, val, run, budget_s=_training_budget(budget_s, monotonic() - start), progress=progress)
        run.add_facts(state="trained", trained=_now(), peak_memory_gib=peak_memory_gib())
    on_step("exporting the best epoch and choosing the threshold")
    _export(run, recipe, dataset, parts)
    run.add_facts(state="finished", finished=_now(), seconds=round(facts.get("seconds", 0.0) + monotonic() - start, 1))
    return out


def export_run(out: Path, path: Path, *, overwrite: bool = False) -> Path:
    """Export a run's best epoch to `path`, with the threshold that was chosen, or the recipe's fixed one if the run is not finished.

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
    return export_network(load_best(recipe, run), recipe, _metadata(run, recipe), path)


def _settle_split(run: RunFolder, dataset: Dataset, recipe: Recipe, choice: SplitChoice) -> Split:
    """The run's split: read again on resuming, and then checked against the files; otherwise made and saved with their hashes."""
    if run.split_file.is_file():
        if changed := verify_split(run.split_file, dataset):
            raise RunError(
                f"{len(changed)} files are not what they were when the run began: {', '.join(changed[:3])}",
                where=run.split_file,
                fix="bring the data back, or start a new run",
            )
        return load_split(run.split_file)
    split = _make_split(dataset, recipe, choice)
    save_split(split, dataset, run.split_file)
    return split


def _make_split(dataset: Dataset, recipe: Recipe, choice: SplitChoice) -> Split:
    data = recipe.data
    if choice is None:
        return make_split(dataset.keys(), val_fraction=data.val_fraction, test_fraction=data.test_fraction, seed=recipe.seed)
    if isinstance(choice, dict):
        return split_from_lists(dataset.keys(), choice, val_fraction=data.val_fraction, seed=recipe.seed)
    return load_split(choice)  # type: ignore[arg-type]


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
    with atomic_path(run.model) as temporary:
        export_network(network, recipe, metadata, temporary)
        parity = check_parity(network, recipe, temporary, images)
        metadata = metadata.model_copy(update={"parity": parity.model_dump()})
        if recipe.threshold.choose == "dice":
            choice = choose_threshold(load(temporary), validation)
            write_json(run.threshold_file, choice.model_dump(mode="json"))
            origin = f"best mean per-image {choice.metric.capitalize()} on {choice.n} validation images"
            metadata = metadata.model_copy(update={"threshold": choice.threshold, "threshold_origin": origin})
        update_model(temporary, threshold=metadata.threshold, metadata=metadata)


def _metadata(run: RunFolder, recipe: Recipe, dataset: Dataset | None = None, split: Split | None = None) -> ModelMetadata:
    data: dict[str, Any] = {}
    if dataset and split:
        counts = {"train": len(split.train), "val": len(split.val), "test": len(split.test)}
        data = {"name": dataset.name, **counts, "split": split.origin, "split_sha256": sha256(run.split_file.read_bytes())}
    return new_metadata(recipe, threshold=recipe.threshold.value, threshold_origin="fixed by the recipe", training_data=data)


def _training_budget(budget_s: float | None, spent_s: float) -> float | None:
    """What is left for training when loading is done, and export, threshold and report are still to come."""
    if budget_s is None:
        return None
    return max(1.0, budget_s - spent_s - min(120.0, 0.1 * budget_s))


def _circumstances(recipe: Recipe, budget_s: float | None) -> dict[str, Any]:
    return {
        "seed": recipe.seed,
        "budget_s": budget_s,
        "precision": choose_precision(recipe),
        "versions": library_versions(),
        "machine": describe_machine(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
