"""Models on the same images -> how each does, how each pair differs, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from limner.comparison.matching import check_conventions, shared_images
from limner.comparison.metric import read_metric
from limner.errors import RunError, nearest
from limner.evaluation.results import Bootstrap
from limner.evaluation.summary import drawn_by
from limner.metrics.names import METRIC_INFO
from limner.metrics.region import METRICS
from limner.metrics.statistics import holm, interval, mean_interval, paired_difference, pooled_samples, resample, units, wilcoxon
from limner.report.compare_table import Comparison, ImageRow, Measured, ModelRow, PairRow
from limner.report.compare_words import FEWEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from limner.comparison.models import Model
    from limner.comparison.runs import Run
    from limner.evaluation import CaseResult
    from limner.metrics.statistics import Weights

_RESAMPLES = 100  # for each comparison: no p of theirs is below 2 / (B + 1), and Holm's correction multiplies it by their number
_TIE = 1e-12  # smaller differences come from the order of additions


@dataclass(frozen=True, slots=True)
class _Images:
    """The images that are compared.

    Attributes:
        keys: Which they are.
        groups: The group of each; None where it has none, and of all where images are drawn.
        weights: How often each is drawn in each resample, (B, n).
    """

    keys: list[str]
    groups: list[str | None]
    weights: Weights

    @property
    def grouped(self) -> bool:
        """Some of them belong together, and are drawn together."""
        return any(group is not None for group in self.groups)

    @property
    def units(self) -> int:
        """How many can be drawn: groups, and images that are in none."""
        return units(self.groups)


def compare(
    models: Sequence[Model], *, metric: str = "dice", baseline: str | None = None, bootstrap: Bootstrap | None = None
) -> Comparison:
    """Compare models image by image.

    Each score has an interval from drawing the images anew; where images are grouped by patient or sequence, whole groups are drawn. Each
    pair has the paired bootstrap's interval of its mean difference and Wilcoxon's test, corrected by Holm for the number of comparisons.
    Groups are tested by their means, since Wilcoxon's test takes what it is given for independent.

    Args:
        models: Two or more, from `gather_models`.
        metric: Any metric that every run has for every image (see `limner.metrics.names`), by its name or its label.
        baseline: The name of the model that the others are compared with; by default each is compared with each.
        bootstrap: How the intervals are computed; whether images or groups are drawn follows from the data. There are at least 100
            resamples for each comparison that is made.

    Raises:
        RunError: The runs follow different conventions, have too few images in common or lack the metric, or there is no such baseline.
    """
    matches = _matches([model.name for model in models], baseline)
    settings = _enough(bootstrap or Bootstrap(), len(matches))
    metric = read_metric(metric)
    runs = [run for model in models for run in model.runs]
    notices = check_conventions(runs, metric)
    keys, left_out = shared_images(runs, metric)
    images = _draw(runs, keys, settings)
    values = {model.name: _values(model, keys, metric) for model in models}
    pairs = _pairs(matches, values, images, settings, metric)
    first = runs[0].evaluation
    return Comparison(
        metric=metric,
        unit=first.boundary.unit if METRIC_INFO[metric].is_distance else "",
        source=first.source,
        part=first.part,
        n=len(keys),
        empty_rule=first.empty_rule,
        by="group" if images.grouped else "image",
        units=images.units,
        resamples=settings.resamples,
        level=settings.level,
        baseline=baseline,
        models=tuple(_model_row(model, images, metric, settings.level) for model in models),
        pairs=pairs,
        images=_image_rows(images, values),
        notices=(*notices, *left_out, *_too_few(images)),
    )


def _enough(settings: Bootstrap, comparisons: int) -> Bootstrap:
    return settings.model_copy(update={"resamples": max(settings.resamples, _RESAMPLES * comparisons)})


def _draw(runs: Sequence[Run], keys: list[str], settings: Bootstrap) -> _Images:
    """The group of each image, from whichever run knows it, and the resamples of all models."""
    of_runs = [_cases(run, keys) for run in runs]
    told = next((cases for cases in of_runs if any(case.group is not None for case in cases)), of_runs[0])
    drawn = drawn_by(told, settings)
    by_group = drawn is not None and drawn.by == "group"
    groups = [case.group if by_group else None for case in told]
    return _Images(keys, groups, resample(groups, resamples=settings.resamples, seed=settings.seed))


def _cases(run: Run, keys: Iterable[str]) -> list[CaseResult]:
    table = {case.key: case for case in run.evaluation.cases}
    return [table[key] for key in keys]


def _values(model: Model, keys: Sequence[str], metric: str) -> NDArray[np.float64]:
    """The score of each image; of several seeds, their mean."""
    scores = np.array([[case.scores[metric] for case in _cases(run, keys)] for run in model.runs])
    return np.asarray(scores.mean(axis=0))


def _model_row(model: Model, images: _Images, metric: str, level: float) -> ModelRow:
    first = model.runs[0].evaluation
    several = len(model.runs) > 1
    return ModelRow(
        name=model.name,
        model=first.model,
        runs=tuple(str(run.folder) for run in model.runs),
        seeds=tuple(run.seed for run in model.runs if run.seed is not None) if several else (),
        thresholds=tuple(run.evaluation.threshold for run in model.runs),
        origins=tuple(run.evaluation.threshold_origin for run in model.runs),
        per_image=_per_image(model, images, metric, level),
        pooled=_pooled(model, images, metric, level) if metric in METRICS else None,
    )


def _per_image(model: Model, images: _Images, metric: str, level: float) -> Measured:
    seeds = [fmean(case.scores[metric] for case in _cases(run, images.keys)) for run in model.runs]
    ends = mean_interval(_values(model, images.keys, metric), images.weights, level=level)
    return Measured(value=fmean(seeds), interval=ends, seeds=tuple(seeds))


def _pooled(model: Model, images: _Images, metric: str, level: float) -> Measured:
    """The pooled score of each seed, averaged; so are their values in each resample."""
    counts = [[case.counts for case in _cases(run, images.keys)] for run in model.runs]
    rule = model.runs[0].evaluation.empty_rule
    seeds = [METRICS[metric](sum(one[1:], one[0]), empty=rule) for one in counts]
    samples = np.mean([pooled_samples(one, images.weights, METRICS[metric], empty=rule) for one in counts], axis=0)
    return Measured(value=fmean(seeds), interval=interval(samples, level), seeds=tuple(seeds))


def _matches(names: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    if baseline is None:
        return list(combinations(names, 2))
    if baseline not in names:
        raise RunError("the baseline is none of the models", where=baseline, fix=nearest(baseline, names))
    return [(name, baseline) for name in names if name != baseline]


def _pairs(
    matches: Sequence[tuple[str, str]], values: dict[str, NDArray[np.float64]], images: _Images, settings: Bootstrap, metric: str
) -> tuple[PairRow, ...]:
    found = [paired_difference(values[first], values[second], images.weights, level=settings.level) for first, second in matches]
    ps = [wilcoxon(*(_by_group(values[name], images) for name in match)) for match in matches]
    p_bootstraps = [difference.p_bootstrap for difference in found]
    corrected = zip(matches, found, ps, holm(ps), holm(p_bootstraps), strict=True)
    return tuple(
        PairRow(
            first=first,
            second=second,
            difference=difference.mean,
            interval=(difference.low, difference.high),
            first_better=_count_better(values[first], values[second], metric),
            second_better=_count_better(values[second], values[first], metric),
            p=p,
            p_corrected=p_holm,
            p_bootstrap=difference.p_bootstrap,
            p_bootstrap_corrected=p_bootstrap_holm,
        )
        for (first, second), difference, p, p_holm, p_bootstrap_holm in corrected
    )


def _by_group(values: NDArray[np.float64], images: _Images) -> NDArray[np.float64]:
    """The mean of each group; images in none stand for themselves."""
    gathered: dict[object, list[float]] = {}
    for index, (group, value) in enumerate(zip(images.groups, values.tolist(), strict=True)):
        gathered.setdefault(index if group is None else group, []).append(value)
    return np.array([fmean(group) for group in gathered.values()])


def _count_better(values: NDArray[np.float64], others: NDArray[np.float64], metric: str) -> int:
    sign = 1 if METRIC_INFO[metric].higher_is_better else -1
    return int(np.count_nonzero(sign * (values - others) > _TIE))


def _image_rows(images: _Images, values: dict[str, NDArray[np.float64]]) -> tuple[ImageRow, ...]:
    columns = np.stack(list(values.values()), axis=1).tolist()
    rows = zip(images.keys, images.groups, columns, strict=True)
    return tuple(ImageRow(key=key, group=group, values=tuple(row)) for key, group, row in rows)


def _too_few(images: _Images) -> list[str]:
    if images.units >= FEWEST:
        return []
    what = "groups" if images.grouped else "images"
    return [f"only {images.units} {what}: on so few no difference can be told from chance; compare on more"]
