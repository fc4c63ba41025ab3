"""The numbers of a model card: scores under their conventions, and how closely file and network agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from limner.metrics.names import metric_label
from limner.runtime.markdown import NOT_RECORDED, escaped, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from limner.runtime.format import ModelMetadata

_MOST = 400  # scores; limner knows some forty, each under three conventions at most

_PARTS = {
    "test": "the test part, which nothing was chosen by",
    "val": "the validation part, by which epoch and threshold were chosen: expect less on new images",
    "train": "the training part: expect less on new images",
    "all": "a whole data set",
    "out-of-fold": "the folds, each left out in the training of the model that was measured on it. Of the ensemble itself nothing was "
    "measured, since no image is new to it",
}
_CONVENTIONS = {
    "per-image": "`per-image`: the score of each image, averaged.",
    "pooled": "`pooled`: pixels (or objects) counted over all images together, then one score.",
    "pranet-256": "`pranet-256`: the polyp literature's, averaged over 256 thresholds; for comparison with its tables only.",
}
_EMPTY = {
    "one": "counts as 1 when nothing was drawn on it, else as 0",
    "nan": "on which nothing was drawn leaves the mean undefined",
    "skip": "on which nothing was drawn is left out",
}


def describe_scores(metadata: ModelMetadata) -> str:
    """A paragraph and a table: a metric in each row, a convention in each column, so that no number is without it."""
    named = [score for score in metadata.metrics if isinstance(score.get("name"), str) and isinstance(score.get("convention"), str)]
    scores = named[:_MOST]
    if not scores:
        return "Not recorded: nobody has noted in this file how good the model is."
    conventions = list(dict.fromkeys(score["convention"] for score in scores))
    cells = {(score["name"], score["convention"]): score for score in scores}
    most = max((n for score in scores if (n := _whole(score.get("n"))) is not None), default=None)
    rows = [
        [escaped(metric_label(name)), *(_cell(cells.get((name, convention)), most) for convention in conventions)]
        for name in dict.fromkeys(score["name"] for score in scores)
    ]
    head = ["Metric", *(escaped(convention) for convention in conventions)]
    words = [_CONVENTIONS[convention] for convention in conventions if convention in _CONVENTIONS]
    if metadata.precision != "float32":
        words.append(f"These are the scores of the model in float32, which this file in {metadata.precision} was made of.")
    return "\n\n".join([_conditions(scores, most), table(head, rows), " ".join(words)])


def _conditions(scores: Sequence[Mapping[str, Any]], most: int | None) -> str:
    """What all of the scores are of, in a few sentences."""
    part, empty = scores[0].get("part"), scores[0].get("empty")
    images = "an unknown number of images" if most is None else f"{most} images"
    thresholds = {round(value, 4) for score in scores if (value := _number(score.get("threshold"))) is not None}
    at = f", at the threshold {thresholds.pop():.4g}" if len(thresholds) == 1 else ""
    sentences = [f"Measured on {images}{at}: {_PARTS.get(str(part), 'an unknown part')}."]
    if any(_ends(score) for score in scores):
        sentences.append("In brackets the 95 % interval (bootstrap); it says nothing of other hospitals, devices or patients.")
    else:
        sentences.append(f"Intervals are {NOT_RECORDED}.")
    if (rule := _EMPTY.get(str(empty))) is not None:
        sentences.append(f"An image without an object {rule}.")
    return " ".join(sentences)


def _cell(score: Mapping[str, Any] | None, most: int | None) -> str:
    if score is None:
        return ""
    value, unit = _number(score.get("value")), escaped(str(score.get("unit") or ""))
    if value is None:
        return "undefined"
    ends = _ends(score)
    interval = f" ({_short(ends[0], unit)} to {_short(ends[1], unit)})" if ends else ""
    n = _whole(score.get("n"))
    fewer = "" if n in {None, most} else f", n = {n}"
    return f"{_short(value, unit)}{' ' + unit if unit else ''}{interval}{fewer}"


def _short(value: float, unit: str) -> str:
    return f"{value:.2f}" if unit else f"{value:.4f}"


def _ends(score: Mapping[str, Any]) -> tuple[float, float] | None:
    interval = score.get("interval")
    if not isinstance(interval, (list, tuple)) or len(interval) != 2:
        return None
    low, high = _number(interval[0]), _number(interval[1])
    return None if low is None or high is None else (low, high)


def describe_parity(metadata: ModelMetadata) -> str:
    """What was compared when the file was made, and what came of it."""
    parity = metadata.parity
    if not parity:
        return "Not recorded: the file was not compared with the network that it was made of."
    rows = [
        ("Compared with", escaped(str(parity.get("reference") or "what it was made of"))),
        ("Images compared", _told(_whole(parity.get("n")), "d")),
        ("Largest difference of a pixel's probability", _told(_number(parity.get("max_prob_difference")), ".1e")),
        ("Pixels with the same mask, worst image", _told(_number(parity.get("mask_agreement")), ".3%")),
        ("Dice lost by that (100 is all of it)", _lost(parity)),
    ]
    return table(["", ""], rows)


def _lost(parity: Mapping[str, Any]) -> str:
    lost, images = _number(parity.get("dice_lost")), _whole(parity.get("dice_n"))
    if lost is None:
        return NOT_RECORDED
    return f"{lost:+.2f} points, per-image" + (f", on {images} images" if images else "")


def _told(value: float | None, form: str) -> str:
    return NOT_RECORDED if value is None else format(value, form)


def _number(value: object) -> float | None:
    """A finite number, or None for whatever else stands there."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if usable and math.isfinite(value) else None  # type: ignore[arg-type]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15 else None
