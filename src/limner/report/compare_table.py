"""A comparison of models as numbers, and as tables for reading: how each does, and how each pair differs."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from limner.evaluation.results import Part
from limner.metrics import EmptyRule, ScoreValue
from limner.metrics.names import METRIC_INFO
from limner.metrics.statistics import mean_std
from limner.report.words import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.metrics.names import MetricInfo

Verdict: TypeAlias = Literal["better", "mixed", "none"]
_WITHOUT_THRESHOLD = frozenset({"probability", "saliency"})
ALPHA = 0.05  # corrected p below which a difference is taken for more than chance


class Measured(BaseModel):
    """A score of a model.

    Attributes:
        value: The score; of several seeds, their mean.
        interval: Its interval over the images.
        seeds: The score of each seed; one for a model with one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: ScoreValue
    interval: tuple[ScoreValue, ScoreValue]
    seeds: tuple[ScoreValue, ...]

    @property
    def std(self) -> float | None:
        """Sample standard deviation over the seeds; None for one seed."""
        return mean_std(self.seeds)[1] if len(self.seeds) > 1 else None


class ModelRow(BaseModel):
    """How one model does on all the images together.

    Attributes:
        name: What the comparison calls it.
        model: What it calls itself.
        runs: The folders of its evaluations, one for each seed.
        seeds: Their seeds, where there are several.
        thresholds: Probability from which on a pixel was foreground, one for each run; None where there was none.
        origins: Where these thresholds were chosen, in words.
        per_image: Mean of the images.
        pooled: Score of all images' pixels together; None for metrics that are not of pixel counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    thresholds: tuple[float | None, ...]
    origins: tuple[str, ...]
    per_image: Measured
    pooled: Measured | None


class PairRow(BaseModel):
    """How two models differ on the same images.

    Attributes:
        first: One model.
        second: The other.
        difference: Mean over the images of first less second.
        interval: Its interval, by the paired bootstrap.
        first_better: Number of images on which the first is better.
        second_better: Number of those on which the second is.
        p: Of Wilcoxon's signed-rank test.
        p_corrected: The same, corrected by Holm for the number of comparisons.
        p_bootstrap: That the mean difference is 0, by the paired bootstrap.
        p_bootstrap_corrected: The same, corrected likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: str
    second: str
    difference: float
    interval: tuple[float, float]
    first_better: int
    second_better: int
    p: float
    p_corrected: float
    p_bootstrap: float
    p_bootstrap_corrected: float

    @property
    def mean_differs(self) -> bool:
        """The means differ beyond chance."""
        return self.p_bootstrap_corrected < ALPHA

    @property
    def images_differ(self) -> bool:
        """Image by image one of them is ahead beyond chance."""
        return self.p_corrected < ALPHA

    def first_leads(self, *, higher_is_better: bool) -> bool:
        """The first has the better mean."""
        return (self.difference > 0) == higher_is_better


class ImageRow(BaseModel):
    """One image under every model.

    Attributes:
        key: The image.
        group: Its patient or sequence.
        values: Its score under each model, in their order; of several seeds, their mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    group: str | None
    values: tuple[float, ...]


class Comparison(BaseModel):
    """Models on the same images.

    Attributes:
        metric: The metric that is compared (see `limner.metrics.names`).
        unit: Of its values: `px` or `µm` for distances.
        source: The data set.
        part: The part of its split.
        n: Number of images that all models have been evaluated on, and that the comparison rests on.
        empty_rule: The rule for images in which both masks are empty.
        by: What was drawn for the intervals, and tested: images, or groups of them.
        units: How many of these there are.
        resamples: How often they were drawn.
        level: Share of the resamples that an interval holds.
        baseline: The model that all others are compared with; None where each is compared with each.
        models: In the order in which they were given.
        pairs: The comparisons that were made.
        images: A row for each image.
        notices: What must be said beside the numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    unit: str = ""
    source: str
    part: Part
    n: int
    empty_rule: EmptyRule
    by: Literal["image", "group"] = "image"
    units: int
    resamples: int
    level: float
    baseline: str | None = None
    models: tuple[ModelRow, ...]
    pairs: tuple[PairRow, ...]
    images: tuple[ImageRow, ...]
    notices: tuple[str, ...] = ()

    @property
    def info(self) -> MetricInfo:
        """What is known of the metric."""
        return METRIC_INFO[self.metric]

    @property
    def convention(self) -> str:
        """Under which the metric's values of single images hold."""
        return "pranet-256" if self.info.family == "saliency" else "per-image"

    @property
    def percent(self) -> str:
        """The level of the intervals, for reading."""
        return f"{100 * self.level:g} %"

    def number(self, value: float) -> str:
        """A value of the metric: to three places, or a distance to two with its unit."""
        if math.isnan(value):
            return UNDEFINED
        return f"{_signless(value, 2)} {self.unit}" if self.unit else _signless(value, 3)

    def span(self, ends: tuple[float, float]) -> str:
        """An interval of values, lower end first."""
        low, high = (self.number(end) for end in ends)
        return f"{low.removesuffix(f' {self.unit}')} to {high}"

    def verdict(self, pair: PairRow) -> Verdict:
        """One is better: its mean is, and image by image it is ahead, both beyond chance. Mixed: only one of the two, or they disagree."""
        if not (pair.mean_differs or pair.images_differ):
            return "none"
        agree = self.first_leads(pair) == (pair.first_better > pair.second_better) or pair.first_better == pair.second_better
        return "better" if pair.mean_differs and pair.images_differ and agree else "mixed"

    def first_leads(self, pair: PairRow) -> bool:
        """The first of the pair has the better mean."""
        return pair.first_leads(higher_is_better=self.info.higher_is_better)

    def values(self, name: str) -> list[float]:
        """The images' scores under the model of that name."""
        place = [model.name for model in self.models].index(name)
        return [image.values[place] for image in self.images]

    def outliers(self, pair: PairRow, count: int) -> list[tuple[str, float, float]]:
        """The images on which the two differ most, as (key, value of the first, value of the second)."""
        rows = zip((image.key for image in self.images), self.values(pair.first), self.values(pair.second), strict=True)
        return sorted((row for row in rows if row[1] != row[2]), key=lambda row: (-abs(row[1] - row[2]), row[0]))[:count]


def p_text(p: float) -> str:
    """A p as it is quoted.

    Example:
        >>> p_text(0.0004), p_text(0.0123), p_text(0.5)
        ('< 0.001', '0.012', '0.50')
    """
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def model_headings(comparison: Comparison) -> list[str]:
    """The columns of `model_rows`."""
    mean, interval = f"{comparison.info.label}, {comparison.convention}", f"{comparison.percent} interval"
    pooled = [f"{comparison.info.label}, pooled", interval] if _has_pooled(comparison) else []
    seeds = ["seeds"] if _has_seeds(comparison) else []
    return ["model", mean, interval, *pooled, "n", "threshold", *seeds]


def model_rows(comparison: Comparison) -> list[list[str]]:
    """A row for each model, for reading."""
    return [_model_row(model, comparison) for model in comparison.models]


def pair_headings(comparison: Comparison) -> list[str]:
    """The columns of `pair_rows`."""
    return ["first", "second", f"{comparison.info.label}: first − second", f"{comparison.percent} interval", "p", "p, Holm", "better on"]


def pair_rows(comparison: Comparison) -> list[list[str]]:
    """A row for each comparison, for reading."""
    return [
        [
            pair.first,
            pair.second,
            signed(pair.difference, comparison),
            comparison.span(pair.interval),
            p_text(pair.p),
            p_text(pair.p_corrected),
            f"{pair.first_better} : {pair.second_better}",
        ]
        for pair in comparison.pairs
    ]


def signed(difference: float, comparison: Comparison) -> str:
    """A difference with its sign."""
    text = comparison.number(difference)
    return text if difference < 0 or math.isnan(difference) else f"+{text}"


def render_csv(comparison: Comparison) -> str:
    """A row for each image, with its score under each model at full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["key", "group", *(model.name for model in comparison.models)])
    writer.writerows([image.key, image.group or "", *image.values] for image in comparison.images)
    return text.getvalue()


def with_seeds(measured: Measured, comparison: Comparison) -> str:
    """A score, with the standard deviation of its seeds where there are several."""
    value = comparison.number(measured.value)
    return value if measured.std is None else f"{value.removesuffix(f' {comparison.unit}')} ± {comparison.number(measured.std)}"


def span_of(values: Iterable[float | None], text: str = "{:.2f}") -> str:
    """The lowest and the highest of some numbers; one of them where they are the same.

    Example:
        >>> span_of([0.4, 0.55]), span_of([0.5, 0.5]), span_of([None])
        ('0.40 to 0.55', '0.50', '–')
    """
    known = [value for value in values if value is not None]
    return " to ".join(dict.fromkeys(text.format(end) for end in (min(known), max(known)))) if known else UNDEFINED


def _model_row(model: ModelRow, comparison: Comparison) -> list[str]:
    pooled = [_value_and_span(model.pooled, comparison)] if _has_pooled(comparison) else []
    seeds = [str(len(model.runs))] if _has_seeds(comparison) else []
    cells = [cell for pair in (_value_and_span(model.per_image, comparison), *pooled) for cell in pair]
    thresholds = () if comparison.info.family in _WITHOUT_THRESHOLD else model.thresholds
    return [model.name, *cells, str(comparison.n), span_of(thresholds), *seeds]


def _value_and_span(measured: Measured | None, comparison: Comparison) -> tuple[str, str]:
    return (UNDEFINED, UNDEFINED) if measured is None else (with_seeds(measured, comparison), comparison.span(measured.interval))


def _has_pooled(comparison: Comparison) -> bool:
    return any(model.pooled is not None for model in comparison.models)


def _has_seeds(comparison: Comparison) -> bool:
    return any(len(model.runs) > 1 for model in comparison.models)


def _signless(value: float, places: int) -> str:
    """Fixed places, with a true minus, and none before a zero."""
    text = f"{value:.{places}f}"
    return text.replace("-", "−" if float(text) else "")
