"""Are the runs comparable: one convention, and the same images with the same true masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.comparison.metric import PER_IMAGE
from limner.errors import RunError
from limner.metrics.names import FAMILIES, METRIC_INFO, metric_label

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from limner.comparison.runs import Run
    from limner.evaluation import CaseResult, Evaluation

_FEWEST = 2
_OF_PROBABILITIES = ("probability", "saliency")
_AGAIN = "evaluate both models again, in the same way"
_FIELD_OF_VIEW = (
    "evaluate again what was judged on the whole image (limner evaluate MODEL SOURCE --out DIR judges inside the field of view where the "
    "data have one), or all of them with --whole-image"
)


def check_conventions(runs: Sequence[Run], metric: str) -> list[str]:
    """Make sure that the metric means the same in all runs.

    Returns:
        What should be said beside the numbers.

    Raises:
        RunError: A run does not have the metric, or computed it by another rule.
    """
    _check_metric(runs, metric)
    _check_equal(runs, "rule for empty masks", lambda one: one.empty_rule)
    _check_equal(runs, "field of view", _say_field_of_view, fix=_FIELD_OF_VIEW)
    if METRIC_INFO[metric].family == "boundary":
        _check_equal(runs, "way of measuring distances", _say_boundary)
    return [*_differences(runs), *_seen(runs)]


def shared_images(runs: Sequence[Run], metric: str) -> tuple[list[str], list[str]]:
    """The images that all runs have, with one true mask, and on which the metric is defined in all of them.

    Returns:
        Their keys, in the first run's order; and what should be said of those left out.

    Raises:
        RunError: There are fewer than two.
    """
    tables = [{case.key: case for case in run.evaluation.cases} for run in runs]
    rows = [[table[key] for table in tables] for key in tables[0] if all(key in table for table in tables)]
    same = [row for row in rows if len({(case.height, case.width, case.tp + case.fn) for case in row}) == 1]
    defined = [row for row in same if not np.isnan([case.scores[metric] for case in row]).any()]
    if len(defined) < _FEWEST:
        raise _too_few(runs, rows, same, metric)
    notices = [*_missing(runs, len(rows), len(defined)), *_other_masks(rows, same), *_undefined(same, defined, metric)]
    return [row[0].key for row in defined], notices


def _too_few(runs: Sequence[Run], rows: Sequence[Sequence[CaseResult]], same: Sequence[Sequence[CaseResult]], metric: str) -> RunError:
    """The first cause that leaves too few images: other names, other masks under the same names, or no score."""
    where = ", ".join(f"{run.folder} ({_count(len(run.evaluation.cases))})" for run in runs)
    fix = "evaluate all models on the same images: limner evaluate MODEL SOURCE --out DIR"
    if len(rows) < _FEWEST:
        return RunError(f"the runs have {'a single image' if rows else 'no image'} in common", where=where, fix=fix)
    if len(same) < _FEWEST:
        which = "all" if not same else "all but one"
        what = f"the images have the same names, but other true masks or sizes: {which} of the {len(rows)} that the runs share"
        return RunError(what, where=where, fix=f"{fix}, with the same masks")
    what = f"{metric_label(metric)} is defined in every run on fewer than {_FEWEST} of the {len(same)} images that the runs share"
    return RunError(what, where=where, fix="compare by another metric, or evaluate on more images")


def _check_metric(runs: Sequence[Run], metric: str) -> None:
    held = [set.intersection(*(set(case.scores) for case in run.evaluation.cases)) for run in runs]
    for run, names in zip(runs, held, strict=True):
        if metric not in names:
            everywhere = ", ".join(name for name in PER_IMAGE if all(name in one for one in held))
            raise RunError(
                f"there is no {metric_label(metric)} of each image here",
                where=run.folder,
                fix=f"{_how_to_get(metric, run.evaluation)}, or compare by what all runs have: {everywhere}",
            )


def _how_to_get(metric: str, evaluation: Evaluation) -> str:
    needed, had = METRIC_INFO[metric].family, evaluation.families
    if needed in had:
        return "masks alone have none, it needs the probabilities of a model" if needed in _OF_PROBABILITIES else "evaluate it again"
    families = ",".join(family for family in FAMILIES if family in had or family == needed)
    return f"evaluate it again with the family '{needed}' (limner evaluate MODEL SOURCE --out DIR --metrics {families})"


def _check_equal(runs: Sequence[Run], what: str, value: Callable[[Evaluation], str], *, fix: str = _AGAIN) -> None:
    for run in runs[1:]:
        first, other = value(runs[0].evaluation), value(run.evaluation)
        if first != other:
            raise RunError(
                f"the runs were evaluated with another {what}: {first} and {other}",
                where=f"{runs[0].folder}, {run.folder}",
                fix=fix,
            )


def _say_field_of_view(evaluation: Evaluation) -> str:
    return "inside it only" if evaluation.field_of_view else "the whole image"


def _say_boundary(evaluation: Evaluation) -> str:
    boundary = evaluation.boundary
    return f"tolerance {boundary.tolerance:g} {boundary.unit}, a pixel {boundary.spacing:g} {boundary.unit}"


def _differences(runs: Sequence[Run]) -> list[str]:
    """Images are matched by their keys, which other data may share."""
    told = []
    for what, name in (("data sets", "source"), ("parts", "part")):
        names = list(dict.fromkeys(str(getattr(run.evaluation, name)) for run in runs))
        if len(names) > 1:
            told.append(
                f"the runs were evaluated on {what} of different names ({', '.join(names)}): images are matched by key, size and true mask"
            )
    return told


def _seen(runs: Sequence[Run]) -> list[str]:
    return [f"{run.folder}: {run.evaluation.notice}" for run in runs if run.evaluation.seen_in_training and run.evaluation.notice]


def _missing(runs: Sequence[Run], shared: int, compared: int) -> list[str]:
    if all(len(run.evaluation.cases) == shared for run in runs):
        return []
    had = ", ".join(f"{run.folder} {len(run.evaluation.cases)}" for run in runs)
    rest = f"compared on the {shared} that all of them have" if compared == shared else f"all of them have {shared}"
    return [f"the runs were not evaluated on the same images ({had}): {rest}"]


def _other_masks(rows: Sequence[Sequence[CaseResult]], same: Sequence[Sequence[CaseResult]]) -> list[str]:
    kept = {row[0].key for row in same}
    others = [row[0].key for row in rows if row[0].key not in kept]
    return [f"left out, since size or true mask differ between the runs: {_some(others)}"] if others else []


def _undefined(same: Sequence[Sequence[CaseResult]], defined: Sequence[Sequence[CaseResult]], metric: str) -> list[str]:
    kept = {row[0].key for row in defined}
    others = [row[0].key for row in same if row[0].key not in kept]
    return [f"left out, since {metric_label(metric)} is not defined there in every run: {_some(others)}"] if others else []


def _some(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:3])
    return f"{_count(len(keys))} ({shown}{', ...' if len(keys) > 3 else ''})"


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images} images"
