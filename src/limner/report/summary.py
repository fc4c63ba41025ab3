"""Every number of the page, in one plain structure: `summary.json` is this, and the page and the Markdown are made of nothing else.

Values are kept at full precision; what is not defined is None, since JSON has no NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from limner.durations import format_duration
from limner.evaluation import metric_label
from limner.evaluation.review import review_curve, review_gain
from limner.evaluation.subgroups import subgroups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.evaluation import CaseResult, Evaluation
    from limner.metrics import Score
    from limner.report.data import GalleryCase, ReportData

FORMAT_VERSION = 2  # 2 came with intervals, and with scores that have no threshold
_SHARES_KEPT = (1.0, 0.9, 0.8, 0.5)
LOW_DICE = 0.5  # an image below it is counted as one on which the model failed


def summarise_report(data: ReportData) -> dict[str, Any]:
    """All that the report says, ready for JSON: strings, numbers, None, lists and dicts with string keys."""
    evaluation = data.evaluation
    about = evaluation.model_dump(mode="json", exclude={"scores", "cases"})
    summary = {
        "format_version": FORMAT_VERSION,
        "title": data.title,
        "task": data.task,
        "created": data.created.isoformat(timespec="seconds"),
        **about,
        "headline": [_headline(evaluation, name) for name in ("dice", "iou")],
        "spread": _spread(evaluation.cases),
        "scores": [_score(metric_label(score.name), score) for score in evaluation.scores],
        "subgroups": [{**asdict(one), "sentence": one.sentence()} for one in subgroups(evaluation)],
        "review": _review(evaluation),
        "folds": data.folds,
        "gallery": [_shown(case, evaluation) for case in data.gallery],
        "training": _training(data.history, data.recipe),
        "threshold_choice": _threshold_choice(data),
        "calibration": data.calibration.model_dump() if data.calibration else None,
        "split": asdict(data.split) if data.split else None,
        "parity": asdict(data.parity) if data.parity else None,
        "facts": data.facts,
        "recipe": data.recipe,
        "cases": [case.row() for case in evaluation.cases],
    }
    plain: dict[str, Any] = to_json(summary)
    return plain


def to_json(value: Any) -> Any:  # noqa: ANN401 - any value, any JSON value
    """A value as JSON can hold it: numbers that are not finite become None, tuples lists, and what JSON does not know its text.

    Example:
        >>> to_json({"size": (256, float("nan"))})
        {'size': [256, None]}
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_json(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [to_json(inner) for inner in value]
    return str(value)


def _headline(evaluation: Evaluation, name: str) -> dict[str, Any]:
    """The per-image mean of a score, and its pooled value beside it."""
    score, pooled = evaluation.score(name), evaluation.score(name, "pooled")
    return {
        **_score(metric_label(name), score),
        "pooled": pooled.value,
        "pooled_interval": pooled.interval,
        "threshold_origin": evaluation.threshold_origin,
    }


def _score(label: str, score: Score) -> dict[str, Any]:
    return {"label": label, **score.model_dump()}


def _threshold_choice(data: ReportData) -> dict[str, Any] | None:
    choice = data.threshold_choice
    return {**choice.model_dump(), "sentence": choice.sentence()} if choice else None


def _review(evaluation: Evaluation) -> dict[str, Any] | None:
    """What it gains to have doubtful images looked at; None where there is no score of doubt, or only one image."""
    gain = review_gain(evaluation.cases)
    if gain is None or gain.n < 2:
        return None
    curve = review_curve(evaluation.cases)
    return {**gain._asdict(), "curve": curve, "kept": [_kept(curve, share) for share in _SHARES_KEPT]}


def _kept(curve: Sequence[tuple[float, float]], share: float) -> dict[str, float]:
    """The point of the curve at a share, or the next one above it."""
    return next({"share": share, "dice": dice} for kept, dice in curve if kept >= share - 1e-9)


def _spread(cases: Sequence[CaseResult]) -> dict[str, Any]:
    """How the Dice of single images is spread; images for which it is not defined are counted and left out."""
    values = sorted(case.dice for case in cases if math.isfinite(case.dice))
    quarters = _quarters(values)
    return {
        "n": len(values),
        "median": median(values) if values else None,
        "lower_quartile": quarters[0],
        "upper_quartile": quarters[2],
        "lowest": values[0] if values else None,
        "highest": values[-1] if values else None,
        "low_dice": LOW_DICE,
        "n_low": sum(value < LOW_DICE for value in values),
        "n_undefined": len(cases) - len(values),
        "n_without_object": sum(case.tp + case.fn == 0 for case in cases),
    }


def _quarters(values: list[float]) -> list[float] | list[None]:
    if not values:
        return [None] * 3
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def _shown(case: GalleryCase, evaluation: Evaluation) -> dict[str, Any]:
    share = next((result.object_share for result in evaluation.cases if result.key == case.key), None)
    height, width = case.target.shape
    return {
        "group": case.group, "key": case.key, "dice": case.dice, "iou": case.iou, "height": height, "width": width, "object_share": share
    }  # fmt: skip


def _training(history: Sequence[Mapping[str, float]], recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """The epochs, the one of them that was kept, and the time they took."""
    if not history:
        return None
    chosen_by = recipe.get("stopping", {}).get("choose_by", "val_dice")  # what it was before recipes said it
    best = (min if chosen_by == "val_loss" else max)(_defined(history, chosen_by), key=lambda row: row[chosen_by], default=None)
    seconds = sum(row["seconds"] for row in _defined(history, "seconds"))
    speeds = [row["images_per_second"] for row in _defined(history, "images_per_second")]
    return {
        "epochs": len(history),
        "best_epoch": None if best is None else int(best.get("epoch", 0)),
        "chosen_by": chosen_by,
        "best_value": None if best is None else best[chosen_by],
        "best_val_dice": None if best is None else best.get("val_dice"),
        "seconds": seconds or None,
        "duration": format_duration(seconds) if seconds else None,
        "images_per_second": median(speeds) if speeds else None,
        "history": history,
    }


def _defined(history: Sequence[Mapping[str, float]], column: str) -> Iterable[Mapping[str, float]]:
    return (row for row in history if math.isfinite(row.get(column, math.nan)))
