"""The verbs that look for better settings: sweep over a grid of them, find a learning rate."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.api.common import as_paths, as_seconds, open_data, refuse_existing, require_training
from limner.api.making import new_run_folder, own_source, plan_recipe
from limner.api.several import train_one, why_failed
from limner.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from limner.data import Dataset
    from limner.recipe import Recipe
    from limner.report.sweep_table import SweepTable
    from limner.training.lr_ramp import RangeTest
    from limner.training.sweep.folder import SweepFolder
    from limner.training.sweep.grid import Axis, PlannedRun
    from limner.training.sweep.log import SweepLog

RANGE_TEST_FILES = ("lr.csv", "lr.svg", "lr.png")


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep that has come to its end.

    Attributes:
        folder: Everything is in here.
        report: The page.
        table: How each run went, and which combination is the best.
    """

    folder: Path
    report: Path
    table: SweepTable


def sweep(
    source: str | Path | None = None,
    *,
    recipe: str | Path,
    grid: Mapping[str, Sequence[Any]] | Iterable[str],
    settings: Iterable[str] = (),
    seeds: Iterable[int] | None = None,
    split: Mapping[str, str | Path] | str | Path | None = None,
    budget: float | str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> SweepResult:
    """Train one model for each combination of a grid of settings, all on one split, and compare them.

    The best combination is chosen by validation Dice; the test part of the split has no part in that. A run that fails is noted and the
    others go on. After each run the table and the page are written anew.

    Args:
        source: Images and masks, as for `train`; by default the `dataset` that the recipe names.
        recipe: What the runs have in common: a shipped recipe's name or a YAML file.
        grid: Keys of the recipe with the values to try, `{"model.levels": [2, 3, 4]}`; or as strings `model.levels=2,3,4`.
        settings: Strings `key=value` that hold for all runs.
        seeds: Seeds of the training, one run of each combination with each; by default the recipe's. The split is always drawn by the
            recipe's own.
        split: The split of all runs, as for `train`.
        budget: The time that each run may take, in seconds or as "10m".
        out: The sweep's folder, new or empty; by default runs/sweep-RECIPE-DATE-TIME.
        resume: Go on with the sweep in `out`: what is finished is kept, what was interrupted goes on, what failed is tried again.
        progress: Show progress on standard error.
        on_step: Is told, in a few words, what begins and what was found.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        LimnerError: Something about the source, the grid, a recipe, the split or the folder; no run has begun then.
        KeyboardInterrupt: Ctrl-C; everything is kept for `resume`.

    Warns:
        LimnerWarning: As for `train`.
    """
    require_training("a sweep")
    from limner.recipe import load_recipe
    from limner.training.sweep.folder import SweepFolder
    from limner.training.sweep.grid import plan_runs

    settings, budget_s = list(settings), as_seconds(budget)
    base = load_recipe(recipe, settings)
    axes, drawn_seeds = _read(grid, settings, base.seed if seeds is None else seeds)
    runs = plan_runs(base, axes, drawn_seeds)
    folder = SweepFolder(new_folder("sweep", recipe) if out is None else Path(out))
    dataset = open_data(source or own_source(base), base.data)
    definition = _definition(dataset, base, axes, drawn_seeds, split=split, budget_s=budget_s)
    folder.go_on(definition) if resume else folder.refuse_to_overwrite()
    _announce(runs, on_step)
    on_step("starting PyTorch ...")
    from limner.training.sweep.check import count_parameters
    from limner.training.sweep.log import SweepLog

    parameters = count_parameters(runs)
    if not resume:
        _settle(folder, dataset, base, definition, split, progress=progress, on_step=on_step)
    log = SweepLog(folder, base, dataset, runs, parameters)
    for number, run in enumerate(runs, start=1):
        if log.is_finished(run):
            continue
        on_step(f"run {number} of {len(runs)}: {run.name}")
        _train(run, folder, dataset, log, budget_s, progress=progress, on_step=on_step)
    return SweepResult(folder.path, log.write(), log.table)


@dataclass(frozen=True, slots=True)
class LearningRates:
    """What a learning-rate range test has found.

    Attributes:
        folder: lr.csv, lr.svg and lr.png are in here.
        test: The losses, and the rates that follow.
        recommended: The rate to begin with; None where the loss never fell.
    """

    folder: Path
    test: RangeTest
    recommended: float | None


def find_learning_rate(
    source: str | Path | None = None,
    *,
    recipe: str | Path | None = None,
    settings: Iterable[str] = (),
    split: Mapping[str, str | Path] | str | Path | None = None,
    out: str | Path | None = None,
    steps: int = 100,
    low: float = 1e-7,
    high: float = 10.0,
    overwrite: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> LearningRates:
    """Find a learning rate by a range test: the real training step at a rate that grows until the loss diverges.

    Args:
        source: Images and masks, as for `train`; by default the `dataset` that the recipe names.
        recipe: A shipped recipe's name or a YAML file; by default one is planned, as for `train`.
        settings: Strings `key=value` that change the recipe.
        split: As for `train`; only its train part is trained on.
        out: Folder for lr.csv, lr.svg and lr.png; by default runs/lr-find-RECIPE-DATE-TIME.
        steps: Steps of the optimiser, 20 or more.
        low: The first learning rate.
        high: The last.
        overwrite: Replace a test that is already in `out`.
        progress: Show progress on standard error.
        on_step: Is told, in a few words, what begins and what was found.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        OutputExistsError: `out` holds a test already.
        LimnerError: Something about the source, the recipe, the split or the range.
    """
    require_training("finding a learning rate")
    from limner.planner import settled
    from limner.recipe import load_recipe
    from limner.training.lr_ramp import RECOMMENDED, Ramp

    try:
        ramp = Ramp(low, high, steps)
    except ValueError as error:
        raise RecipeError(str(error)) from None
    settings = list(settings)
    folder = new_folder("lr-find", recipe) if out is None else Path(out)
    if not overwrite:
        refuse_existing([folder / name for name in RANGE_TEST_FILES])
    chosen = None if recipe is None else load_recipe(recipe, settings)
    known = chosen or settled(settings)
    dataset = open_data(source or own_source(known), known.data)
    if chosen is None:
        chosen = plan_recipe(dataset, None, settings, progress=progress, on_step=on_step).recipe
    on_step("starting PyTorch ...")
    from limner.training.lr_find import run_ramp
    from limner.training.settle import settle_split

    drawn, _ = settle_split(dataset, chosen, as_paths(split), progress=progress)
    on_step(f"{steps} steps on {len(drawn.train)} images, from {low:g} to {high:g} ...")
    test = run_ramp(dataset, drawn, chosen, ramp, progress=progress)
    _write_range_test(test, folder)
    return LearningRates(folder, test, test.suggestions.get(RECOMMENDED))


def _write_range_test(test: RangeTest, folder: Path) -> None:
    """The test as a table and as a figure."""
    from limner.files import write_text
    from limner.report.lr_curve import RangeCurve, save_lr_curve
    from limner.training.lr_ramp import RECOMMENDED

    rows = zip(test.rates, test.losses, test.smoothed, strict=True)
    lines = [f"{step},{rate:.6g},{loss:.6g},{smooth:.6g}" for step, (rate, loss, smooth) in enumerate(rows, start=1)]
    write_text(folder / "lr.csv", "\n".join(["step,learning_rate,loss,smoothed_loss", *lines, ""]))
    save_lr_curve(RangeCurve(test.rates, test.losses, test.smoothed, test.suggestions, RECOMMENDED), folder / "lr.svg")


def new_folder(what: str, recipe: str | Path | None) -> Path:
    """A folder that is not there yet: runs/WHAT-RECIPE-DATE-TIME."""
    run = new_run_folder(recipe)
    return run.with_name(f"{what}-{run.name}")


def _read(
    grid: Mapping[str, Sequence[Any]] | Iterable[str], settings: Sequence[str], seeds: Iterable[int] | int
) -> tuple[tuple[Axis, ...], tuple[int, ...]]:
    """The axes of the grid and the seeds."""
    from limner.training.sweep.grid import distinct_seeds, read_grid

    texts = [f"{key}={','.join(map(_as_yaml, values))}" for key, values in grid.items()] if isinstance(grid, Mapping) else list(grid)
    try:
        return read_grid(texts, settings), distinct_seeds([seeds] if isinstance(seeds, int) else seeds)
    except ValueError as error:
        raise RecipeError(str(error)) from None


def _as_yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _definition(
    dataset: Dataset,
    base: Recipe,
    axes: Sequence[Axis],
    seeds: Sequence[int],
    *,
    split: Mapping[str, str | Path] | str | Path | None,
    budget_s: float | None,
) -> dict[str, Any]:
    """What makes a sweep the one that it is, as JSON has it."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": dataset.place,
        "split": {part: str(file) for part, file in split.items()} if isinstance(split, Mapping) else split and str(split),
        "grid": [{"key": axis.key, "values": list(axis.values)} for axis in axes],
        "seeds": list(seeds),
        "budget_s": budget_s,
        "recipe": base.model_dump(mode="json"),
    }


def _announce(runs: Sequence[PlannedRun], on_step: Callable[[str], None]) -> None:
    on_step(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}:")
    for run in runs:
        on_step(f"  {run.name}")


def _settle(
    folder: SweepFolder,
    dataset: Dataset,
    base: Recipe,
    definition: dict[str, Any],
    split: Mapping[str, str | Path] | str | Path | None,
    *,
    progress: bool,
    on_step: Callable[[str], None],
) -> None:
    """Draw the split of all runs; then the folder is a sweep's."""
    from limner.data.splits import LeakWarning, save_leaks, save_split
    from limner.training.settle import settle_split

    drawn, leaks = settle_split(dataset, base, as_paths(split), progress=progress)
    save_split(drawn, dataset, folder.split_file)
    save_leaks(leaks, folder.leaks_file)
    folder.begin(definition)
    on_step(f"{len(drawn.train)} images to train, {len(drawn.val)} to validate, {len(drawn.test)} to test: the same for all runs")
    on_step(leaks.sentence())
    if leaks.leaks:
        warnings.warn(leaks.warning(), LeakWarning, stacklevel=3)


def _train(
    run: PlannedRun,
    folder: SweepFolder,
    dataset: Dataset,
    log: SweepLog,
    budget_s: float | None,
    *,
    progress: bool,
    on_step: Callable[[str], None],
) -> None:
    """One run, from training to its row in the table."""
    from limner.training.sweep.log import read_scores

    place = folder.run(run.name)
    try:
        train_one(dataset, run.recipe, place, split=folder.split_file, budget_s=budget_s, progress=progress)
        scores = read_scores(place, dataset, progress=progress)
    except KeyboardInterrupt:
        log.note(run, state="interrupted")
        raise
    except Exception as error:  # noqa: BLE001 - whatever ends one run, the memory or a bug, should not cost the others
        reason = why_failed(error, folder.traceback_file(run.name))
        log.note(run, state="failed", reason=reason)
        on_step(f"  failed: {reason}")
    else:
        log.note(run, state="finished", scores=scores)
        on_step(f"  validation Dice {_told(scores.val_dice)}; {scores.part} Dice {_told(scores.dice)}, IoU {_told(scores.iou)}")
    gc.collect()  # a trainer and its network hold each other, and with them memory of a graphics processor


def _told(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.4f}"
