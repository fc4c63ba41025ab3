"""The verb that finds out what a recipe is worth on all images: cross_validate."""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.api.common import as_seconds, open_data, require_training
from limner.api.making import choose_recipe, own_source, plan_recipe
from limner.api.several import train_one, why_failed
from limner.api.tuning import new_folder
from limner.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from limner.data import Dataset
    from limner.evaluation import Evaluation
    from limner.recipe import Recipe
    from limner.training.folds.folder import FoldsFolder


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """A cross-validation that has come to its end.

    Attributes:
        folder: Everything is in here.
        report: The page.
        evaluation: Scores of all images together, each predicted by the one model that had not seen it.
        folds: A row for each fold, and one of how they spread.
        models: The folds' models.
        ensemble: All of them in one file, if that was asked for.
    """

    folder: Path
    report: Path
    evaluation: Evaluation
    folds: tuple[dict[str, Any], ...]
    models: tuple[Path, ...]
    ensemble: Path | None = None


def cross_validate(
    source: str | Path | None = None,
    *,
    folds: int | None = None,
    recipe: str | Path | None = None,
    settings: Iterable[str] = (),
    foreground: str | None = None,
    observer: int | None = None,
    group: str | None = None,
    out: str | Path | None = None,
    budget: float | str | None = None,
    ensemble: bool = False,
    resume: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train one model for each fold of the images, and score every image by the model that has not seen it.

    Each fold is a run of its own, with its own validation part, by which its epoch and its threshold are chosen. A fold that fails is
    noted and the others go on.

    Args:
        source: Images and masks, as for `train`; on resuming, by default what it began with.
        folds: How many, two at least; on resuming, by default as many as it began with.
        recipe: A shipped recipe's name or a YAML file, as for `train`.
        settings: Strings `key=value` that change the recipe.
        foreground: What is foreground, in masks of more than two tones.
        observer: Whose masks, where several people drew them.
        group: What names the patient or sequence in an image's key; no group is divided.
        out: The folder, new or empty; by default runs/folds-RECIPE-DATE-TIME.
        budget: The time that the whole may take, in seconds or as "10m"; each fold gets its share.
        ensemble: Write the mean of all folds' models as one model file, too.
        resume: Go on with what is in `out`: what is finished is kept, what was interrupted goes on, what failed is tried again.
        progress: Show progress on standard error.
        on_step: Is told, in a few words, what begins and what was found.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        RunError: A fold has failed; the others are kept for `resume`.
        LimnerError: Something about the source, the recipe, the folds or the folder; no fold has begun then.
        KeyboardInterrupt: Ctrl-C; everything is kept for `resume`.

    Warns:
        LimnerWarning: As for `train`.
    """
    require_training("a cross-validation")
    from limner.planner import settled
    from limner.recipe import data_settings
    from limner.training.folds.folder import FoldsFolder

    if resume and out is None:
        raise RunError("there is no telling which cross-validation to resume", fix="name its folder with --out (in Python: out=...)")
    folder = FoldsFolder(new_folder("folds", recipe) if out is None else Path(out))
    begun = _begun(folder, resume=resume)
    count, budget_s = _count(folds if folds is not None else begun.get("folds")), as_seconds(budget) or begun.get("budget_s")
    settings = [*settings, *data_settings(foreground=foreground, observer=observer, group=group)]
    chosen = choose_recipe(recipe, settings, folder.path, resume=resume)
    known = chosen or settled(settings)
    dataset = open_data(source or begun.get("source") or own_source(known), known.data)
    asked = {"source": dataset.place, "folds": count, "budget_s": budget_s}
    if resume:
        folder.go_on(asked)
    plan = None
    if chosen is None:
        plan = plan_recipe(dataset, budget_s and budget_s / count, settings, progress=progress, on_step=on_step)
        chosen = plan.recipe
    on_step("starting PyTorch ...")
    _check(chosen)
    if not resume:
        _settle(folder, dataset, chosen, asked, plan=plan.as_json() if plan else None, progress=progress, on_step=on_step)
    evaluations = _train_all(folder, dataset, chosen, count, budget_s, progress=progress, on_step=on_step)
    return _finish(folder, dataset, chosen, evaluations, ensemble=ensemble, on_step=on_step)


def _begun(folder: FoldsFolder, *, resume: bool) -> dict[str, Any]:
    """What a cross-validation began with; empty for a new one, whose folder must be free."""
    if resume:
        return folder.begun()
    folder.refuse_to_overwrite()
    return {}


def _count(folds: int | None) -> int:
    if folds is None:
        raise RunError("into how many folds? None are named", fix="add --folds 5 (in Python: folds=5)")
    if folds < 2:
        raise RunError(f"a cross-validation cannot have {folds} folds", fix="ask for two at least; 5 are usual")
    return folds


def _check(recipe: Recipe) -> None:
    """Everything that can be tried before the first fold is trained."""
    from limner.training.checks import check_one_of_several, check_process

    check_process("cross-validation")
    check_one_of_several(recipe, "cross-validation")


def _settle(
    folder: FoldsFolder,
    dataset: Dataset,
    recipe: Recipe,
    asked: dict[str, Any],
    *,
    plan: dict[str, Any] | None,
    progress: bool,
    on_step: Callable[[str], None],
) -> None:
    """Draw the folds; then the folder is a cross-validation's."""
    from limner.data.splits import LeakWarning, save_split
    from limner.files import sha256, write_json
    from limner.recipe import save_recipe
    from limner.training.settle import settle_folds

    splits, leaks = settle_folds(dataset, recipe, asked["folds"], progress=progress)
    files = [folder.split_file(number) for number in range(1, len(splits) + 1)]
    for split, file in zip(splits, files, strict=True):
        save_split(split, dataset, file)
    if plan:
        write_json(folder.plan_file, plan)
    save_recipe(recipe, folder.recipe_file)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    found = [report.sentence().removeprefix("leak check: ") for report in leaks]
    folder.begin({"created": created, **asked, "splits": [sha256(file.read_bytes()) for file in files], "leak_check": _in_one(found)})
    on_step(f"{len(dataset)} images in {len(splits)} folds of {_range(len(split.test) for split in splits)}")
    on_step(f"leak check: {_in_one(found)}")
    if warning := next((report.warning() for report in leaks if report.leaks), None):
        warnings.warn(warning, LeakWarning, stacklevel=3)


def _in_one(found: list[str]) -> str:
    """What the leak check says of all folds; once where it is the same."""
    if len(set(found)) == 1:
        return found[0]
    return "; ".join(f"fold {number}: {sentence}" for number, sentence in enumerate(found, start=1))


def _range(numbers: Iterable[int]) -> str:
    low, *_, high = sorted(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _train_all(
    folder: FoldsFolder,
    dataset: Dataset,
    recipe: Recipe,
    folds: int,
    budget_s: float | None,
    *,
    progress: bool,
    on_step: Callable[[str], None],
) -> dict[int, Evaluation]:
    """Train what is not trained yet; returns the evaluation of each fold on its test part.

    Raises:
        RunError: Some have failed.
    """
    evaluations: dict[int, Evaluation] = {}
    failed: dict[int, str] = {}
    for fold in range(1, folds + 1):
        run = folder.fold(fold)
        try:
            if folder.is_finished(fold):
                on_step(f"fold {fold} of {folds}: trained before")
                evaluations[fold] = _evaluate(dataset, run.path, progress=progress)
            else:
                on_step(f"fold {fold} of {folds} ...")
                share = budget_s and budget_s / folds
                trained = train_one(dataset, recipe, run.path, split=folder.split_file(fold), budget_s=share, progress=progress)
                evaluations[fold] = trained.evaluation
        except Exception as error:  # noqa: BLE001 - whatever ends one fold, the memory or a bug, should not cost the others
            failed[fold] = why_failed(error, folder.traceback_file(run.path.name))
            on_step(f"  failed: {failed[fold]}")
        else:
            on_step(f"  {_told(evaluations[fold])}")
        gc.collect()  # a trainer and its network hold each other, and with them memory of a graphics processor
    if failed:
        raise _failure(folder, failed, folds)
    return evaluations


def _evaluate(dataset: Dataset, run: Path, *, progress: bool) -> Evaluation:
    """The evaluation of a finished fold, again: sums over pixels are not saved, and the whole needs them."""
    from limner.data import load_split
    from limner.outcome import evaluate_selection
    from limner.runtime import load
    from limner.selection import Selection

    return evaluate_selection(load(run), Selection(dataset.subset(load_split(run / "split.json").test), "test"), progress=progress)


def _told(evaluation: Evaluation) -> str:
    dice, iou = evaluation.score("dice"), evaluation.score("iou")
    return f"test Dice {dice.value:.4f}, IoU {iou.value:.4f} (per-image, {evaluation.n} images)"


def _failure(folder: FoldsFolder, failed: dict[int, str], folds: int) -> RunError:
    reasons = "; ".join(f"fold {fold}: {reason}" for fold, reason in failed.items())
    fix = "the others are kept: put it right, and add --resume to train what is missing"
    return RunError(f"{len(failed)} of {folds} folds failed: {reasons}", where=folder.path, fix=fix)


def _finish(
    folder: FoldsFolder,
    dataset: Dataset,
    recipe: Recipe,
    evaluations: dict[int, Evaluation],
    *,
    ensemble: bool,
    on_step: Callable[[str], None],
) -> CrossValidation:
    """All folds together: scores, page, and one model file where that is wished."""
    from limner.training.folds.pool import fold_rows, pool_folds, report_folds

    on_step("joining the folds ...")
    evaluation = pool_folds(evaluations, recipe, dataset)
    rows = fold_rows(folder, evaluations)
    report = report_folds(folder, evaluation, rows, recipe=recipe, dataset=dataset)
    models = tuple(folder.fold(fold).model for fold in evaluations)
    joined = _join(folder, recipe, dataset, evaluation, len(models), on_step=on_step) if ensemble else None
    return CrossValidation(folder.path, report, evaluation, tuple(rows), models, joined)


def _join(
    folder: FoldsFolder, recipe: Recipe, dataset: Dataset, evaluation: Evaluation, folds: int, *, on_step: Callable[[str], None]
) -> Path:
    from limner.training.folds.ensemble import build_ensemble

    on_step(f"exporting the {folds} models as one ...")
    path = build_ensemble(folder, recipe, dataset, evaluation, folds)
    on_step(f"  {path.stat().st_size / 1e6:.2f} MB: about {folds} times a model of one fold, and so is the time it takes")
    return path
