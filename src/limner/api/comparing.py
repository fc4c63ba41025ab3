"""The verb that compares evaluations. It never imports PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from limner.api.common import make_folder, refuse_existing
from limner.errors import LimnerWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.comparison import Model
    from limner.report.compare_table import Comparison


def compare(
    runs: Sequence[str | Path],
    *,
    metric: str = "dice",
    baseline: str | Path | None = None,
    names: Sequence[str] | None = None,
    group_seeds: bool = True,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Comparison:
    """Compare models on the same images: which is better, by how much, and whether that is more than chance.

    Args:
        runs: Run folders, or folders that `evaluate` has written; two or more.
        metric: A metric that all of them have for each image, such as `dice`, `iou` or `hausdorff95`.
        baseline: The run, or the name of the model, that all others are compared with; by default each is compared with each.
        names: What to call the models; by default after their folders.
        group_seeds: Take runs that differ in nothing but their seed for one model.
        out: Folder for the page, its tables and figures; nothing is written without it.
        overwrite: Replace a comparison that is already in `out`.

    Raises:
        OutputExistsError: `out` holds a comparison already, or is a file.
        RunError: An evaluation is missing or damaged, or they cannot be compared: one model only, other conventions, fewer than two
            images in common.

    Warns:
        LimnerWarning: The runs have not all been evaluated on the same images, or the like; it stands on the page too.
    """
    from limner.comparison import compare as compare_models
    from limner.comparison import gather_models, load_runs
    from limner.report.compare_page import COMPARISON_FILES, ComparisonData, write_comparison

    if out is not None and not overwrite:
        refuse_existing([Path(out) / name for name in COMPARISON_FILES])
    models = gather_models(load_runs(_with_baseline(runs, baseline)), names=names, group_seeds=group_seeds)
    found = compare_models(models, metric=metric, baseline=_model_name(baseline, models))
    for notice in found.notices:
        warnings.warn(notice, LimnerWarning, stacklevel=2)
    if out is not None:
        make_folder(Path(out))
        write_comparison(ComparisonData(found), out)
    return found


def _with_baseline(runs: Sequence[str | Path], baseline: str | Path | None) -> list[str | Path]:
    """The runs, and before them the baseline where it is a folder that is not among them."""
    given = {Path(run).resolve() for run in runs}
    is_another = baseline is not None and Path(baseline).is_dir() and Path(baseline).resolve() not in given
    return [baseline, *runs] if baseline is not None and is_another else list(runs)


def _model_name(baseline: str | Path | None, models: Sequence[Model]) -> str | None:
    """The model that the baseline's folder belongs to; else the baseline is taken for a name."""
    if baseline is None:
        return None
    place = Path(baseline).resolve()
    of_folder = (model.name for model in models if any(run.folder.resolve() == place for run in model.runs))
    return next(of_folder, str(baseline))
