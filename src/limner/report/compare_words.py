"""A comparison in sentences: what was found of each pair, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.report.compare_table import ALPHA, model_headings, model_rows, p_text, pair_headings, pair_rows
from limner.report.tables import table
from limner.report.words import EMPTY_RULES

if TYPE_CHECKING:
    from limner.report.compare_table import Comparison, PairRow

_EMPTY_DISTANCES = {
    "one": "the distance is 0 for an image without an object on which nothing was drawn",
    "nan": "an image without an object on which nothing was drawn has no distance, and is left out",
    "skip": "an image without an object on which nothing was drawn has no distance, and is left out",
}
_UNDEFINED_WITHOUT_OBJECT = ("roc_auc", "average_precision")
_NO_RULE = ("specificity", "accuracy", "balanced_accuracy", "brier", "false_positives_per_image")
FEWEST = 6  # of fewer, Wilcoxon's p cannot come below 0.05 however they turn out: 2 / 2^5


def sentence(pair: PairRow, comparison: Comparison) -> str:
    """What can be said of a pair, in plain words."""
    verdict = comparison.verdict(pair)
    if verdict == "none":
        return f"No difference beyond chance between {pair.first} and {pair.second}: {_by(pair, comparison)}, {_p(pair, comparison)}."
    better, worse = _leader_first(pair, comparison)
    if verdict == "better":
        return f"{better} is better than {worse} by {_amount(pair, comparison)}, {_p(pair, comparison)}."
    return _mixed(pair, comparison)


def images_better(pair: PairRow, comparison: Comparison) -> str:
    """On how many images each is better."""
    equal = comparison.n - pair.first_better - pair.second_better
    rest = f", equal on {equal}" if equal else ""
    return f"{pair.first} is better on {pair.first_better} of {comparison.n} images, {pair.second} on {pair.second_better}{rest}."


def conditions(comparison: Comparison) -> list[str]:
    """Under which conventions the numbers hold, and how they were made; a sentence or two each."""
    info, tested = comparison.info, "the means of the groups" if comparison.by == "group" else "the images"
    better = "Higher is better." if info.higher_is_better else "Lower is better."
    drawn = f"{comparison.percent} percentile bootstrap, {comparison.resamples} resamples of {_drawn(comparison)}, the same for all models"
    told = [
        f"{comparison.convention.capitalize()}: {info.label} of each image, averaged over the same {comparison.n} images for every model.",
        f"{better} Masks are compared at the size of the original mask. {_empty_masks(comparison)}",
        f"Intervals: {drawn}; of a difference, paired. Each stands for itself and is not widened for the number of comparisons.",
        f"p: Wilcoxon’s signed-rank test, two-sided, on {tested}{_correction(comparison)}.",
        f"“Better” is said where the mean and the images taken one by one both differ beyond chance, the same way (corrected p < {ALPHA}).",
    ]
    if any(model.pooled is not None for model in comparison.models):
        told.insert(1, "Pooled: pixels counted over all images together, then one score, so that large objects weigh more.")
    if any(len(model.runs) > 1 for model in comparison.models):
        told.append(
            "Of several seeds: mean ± sample standard deviation of their scores, and for each image the mean of its scores. Intervals and "
            "tests are over images; the ± is what another seed would change."
        )
    return told


def render_markdown(comparison: Comparison, title: str) -> str:
    """Tables and sentences, without the pictures."""
    parts = [
        f"# {title}",
        *(f"> **Note:** {notice}" for notice in comparison.notices),
        "\n".join(f"- {sentence(pair, comparison)} {images_better(pair, comparison)}" for pair in comparison.pairs),
        "## Models",
        table(model_headings(comparison), model_rows(comparison)),
        "## Differences",
        table(pair_headings(comparison), pair_rows(comparison)),
        "\n".join(f"- {line}" for line in conditions(comparison)),
        "## Runs",
        table(["model", "folder", "threshold chosen"], _runs(comparison)),
    ]
    return "\n\n".join(parts) + "\n"


def _empty_masks(comparison: Comparison) -> str:
    """What an image without an object counts as; it depends on the metric."""
    info, rule = comparison.info, comparison.empty_rule
    if info.is_distance:
        return f"Empty-mask rule {rule}: {_EMPTY_DISTANCES[rule]}; where only one of the masks is empty, it is the image’s diagonal."
    if comparison.metric in _UNDEFINED_WITHOUT_OBJECT:
        return f"An image without an object has no {info.label}, and is left out."
    if comparison.metric in _NO_RULE or info.family == "saliency":
        return f"No empty-mask rule: {info.label} has a value for an image without an object too."
    if comparison.metric == "soft_dice":
        return f"{info.label} of an image without an object is 0 as soon as one probability is above 0."
    return f"Empty-mask rule {rule}: {EMPTY_RULES[rule]}."


def _runs(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [(model.name, run, origin) for model in comparison.models for run, origin in zip(model.runs, model.origins, strict=True)]


def _mixed(pair: PairRow, comparison: Comparison) -> str:
    """The mean says one thing, the images one by one another: a few that differ much, or many that differ little."""
    leader, other = _leader_first(pair, comparison)
    ahead, behind = (pair.first, pair.second) if pair.first_better >= pair.second_better else (pair.second, pair.first)
    p, most = _p(pair, comparison), f"{max(pair.first_better, pair.second_better)} of {comparison.n}"
    by_mean = f"Not clear: {leader} has the better mean, by {_amount(pair, comparison)}, but"
    if not pair.images_differ:
        return f"{by_mean} image by image it is not ahead of {other} beyond chance ({p}). A few images decide."
    if pair.mean_differs:
        return f"{by_mean} {ahead} is better on most images ({most}, {p})."
    means = f"the means do not differ beyond chance: {_by(pair, comparison)}"
    return f"Not clear: {ahead} is better than {behind} on most images ({most}, {p}), but {means}."


def _leader_first(pair: PairRow, comparison: Comparison) -> tuple[str, str]:
    return (pair.first, pair.second) if comparison.first_leads(pair) else (pair.second, pair.first)


def _amount(pair: PairRow, comparison: Comparison) -> str:
    """How far the leader is ahead, as a positive number, and its interval turned the same way."""
    low, high = sorted(pair.interval) if pair.difference >= 0 else sorted(-end for end in pair.interval)
    return f"{comparison.number(abs(pair.difference))} in {comparison.info.label} ({comparison.span((low, high))})"


def _by(pair: PairRow, comparison: Comparison) -> str:
    return f"mean difference {comparison.number(pair.difference)} in {comparison.info.label} ({comparison.span(pair.interval)})"


def _p(pair: PairRow, comparison: Comparison) -> str:
    text = p_text(pair.p_corrected)
    after = f" after correction for {len(comparison.pairs)} comparisons" if len(comparison.pairs) > 1 else ""
    return f"p {text if text.startswith('<') else f'= {text}'}{after}"


def _correction(comparison: Comparison) -> str:
    return f", corrected for {len(comparison.pairs)} comparisons by Holm’s method" if len(comparison.pairs) > 1 else ""


def _drawn(comparison: Comparison) -> str:
    return f"{comparison.units} groups, each drawn whole" if comparison.by == "group" else f"{comparison.units} images"
