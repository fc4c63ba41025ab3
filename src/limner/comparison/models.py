"""Runs -> models: those that differ in nothing but their seed are one model, trained several times."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from limner.comparison.runs import Run

_SEED = re.compile(r"[-_.]*seed[-_=]?\d+", re.IGNORECASE)
_ENDS = "-_. "


@dataclass(frozen=True, slots=True)
class Model:
    """What is compared.

    Attributes:
        name: Unique among the models.
        runs: One for each seed.
    """

    name: str
    runs: tuple[Run, ...]


def gather_models(runs: Sequence[Run], *, names: Sequence[str] | None = None, group_seeds: bool = True) -> list[Model]:
    """The models, in the order in which the first of their runs was given.

    Args:
        runs: All runs.
        names: What to call the models; by default after their folders.
        group_seeds: Take runs whose recipes differ in nothing but `seed` for one model.

    Raises:
        RunError: There are fewer than two models, or the names do not fit them.
    """
    groups = _by_recipe(runs) if group_seeds else [[run] for run in runs]
    if len(groups) < 2:
        raise _too_few(runs)
    own = _names(groups)
    if names is not None:
        _check_names(names, own)
    return [Model(name, tuple(group)) for name, group in zip(names or own, groups, strict=True)]


def unique_names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many before it as it takes to tell them apart.

    Example:
        >>> from pathlib import Path
        >>> unique_names([Path("/runs/unet/scores"), Path("/runs/resnet/scores")])
        ['unet/scores', 'resnet/scores']
    """
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _by_recipe(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of one recipe together; one whose seed is there already, or unknown, is a model of its own."""
    groups: dict[tuple[str, object], list[Run]] = {}
    for number, run in enumerate(runs):
        kind = _kind(run)
        taken = [other.seed for other in groups.get((kind, None), [])]
        alone = run.seed is None or run.seed in taken
        groups.setdefault((kind, number if alone else None), []).append(run)
    return list(groups.values())


def _kind(run: Run) -> str:
    """All that makes a model the one that it is, but the seed."""
    recipe: dict[str, Any] = {key: value for key, value in run.recipe.items() if key != "seed"}
    data = recipe.get("data")
    if isinstance(data, dict) and data.get("normalisation") == "measured":  # on the training part, which another seed draws otherwise
        recipe["data"] = {key: value for key, value in data.items() if key not in ("mean", "std")}
    return json.dumps([recipe, run.trained_on], sort_keys=True, default=str)


def _names(groups: Sequence[Sequence[Run]]) -> list[str]:
    folders = [run.folder for group in groups for run in group]
    known: Mapping[Path, str] = dict(zip(folders, unique_names(folders), strict=True))
    names = [_common([known[run.folder] for run in group]) or group[0].evaluation.model for group in groups]
    return [name if Counter(names)[name] == 1 else known[group[0].folder] for name, group in zip(names, groups, strict=True)]


def _common(names: Sequence[str]) -> str:
    """What the folders of several seeds share beside the seed, empty if nothing; that of a single run as it is.

    Example:
        >>> _common(["unet_seed-0", "unet_seed-1"]), _common(["monday", "tuesday"]), _common(["a_seed-0"])
        ('unet', '', 'a_seed-0')
    """
    if len(names) == 1:
        return names[0]
    seedless = {_SEED.sub("", name).strip(_ENDS) for name in names}
    return seedless.pop() if len(seedless) == 1 else ""


def _check_names(names: Sequence[str], own: Sequence[str]) -> None:
    told = f"there are {len(own)} models: {', '.join(own)}"
    if len(names) != len(own):
        raise RunError(f"{len(names)} names for {len(own)} models", where=", ".join(names), fix=told)
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise RunError("the names must differ, and none be empty", where=", ".join(names), fix=told)


def _too_few(runs: Sequence[Run]) -> RunError:
    if len(runs) < 2:
        return RunError(
            "one run alone cannot be compared",
            where=runs[0].folder if runs else None,
            fix="give two or more: limner compare RUN RUN; the scores of a single run are in its report.html",
        )
    return RunError(
        f"all {len(runs)} runs are the same recipe with another seed, and so one model",
        where=", ".join(str(run.folder) for run in runs),
        fix="add a run of another model, or --no-group-seeds to compare the seeds with each other",
    )
