"""Numbers and rules as a reader is shown them; the same for the page and the Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

UNDEFINED = "–"

EMPTY_RULES = {
    "one": "an image without an object counts as 1 when nothing was drawn on it, and as 0 otherwise",
    "nan": "an image without an object on which nothing was drawn has no score, and leaves the mean undefined",
    "skip": "an image without an object on which nothing was drawn is left out of the mean, so n falls",
}
CONVENTIONS = {
    "per-image": "the score of each image, averaged over the images",
    "pooled": "pixels (or objects) counted over all images together, then one score: large objects weigh more",
    "pranet-256": "the polyp literature’s, for comparison with its tables: each prediction stretched to 0 to 1, Dice and IoU averaged over "
    "256 thresholds",
}
FAMILIES = {
    "region": "Overlap",
    "boundary": "Boundary",
    "probability": "Probabilities, without a threshold",
    "centreline": "Centrelines",
    "objects": "Objects",
    "saliency": "As in the polyp literature",
}
PARTS = {"all": "the whole data set", "train": "the training part", "val": "the validation part", "test": "the test part"}
PANELS = {
    "Truth": "the image with the outline of the true mask",
    "Prediction": "the image with the outline of the predicted mask",
    "Errors": "the grey image, found pixels green, pixels drawn wrongly red, missed pixels blue",
    "Probability": "the model's probability, from dark blue for 0 to yellow for 1",
}
GROUPS = {
    "best": "The highest Dice; of equals, the largest object.",
    "median": "The middle of the ranking: what to expect of an ordinary image.",
    "worst": "The lowest Dice, the very worst first: what to look at before relying on the model.",
}


def score(value: float | None) -> str:
    """A score in [0, 1] to three places.

    Example:
        >>> score(0.87251), score(None)
        ('0.873', '–')
    """
    return UNDEFINED if value is None else f"{value:.3f}"


def number(value: float | None, unit: str = "") -> str:
    """A score to three places, a distance to two with its unit.

    Example:
        >>> number(0.87251), number(12.3456, "px")
        ('0.873', '12.35 px')
    """
    if value is None:
        return UNDEFINED
    return f"{value:.2f} {unit}" if unit else f"{value:.3f}"


def interval(ends: Sequence[float | None] | None, unit: str = "") -> str:
    """Both ends of an interval; empty where there is none.

    Example:
        >>> interval((0.85, 0.91)), interval(None)
        ('0.850 to 0.910', '')
    """
    if ends is None or None in ends:
        return ""
    return " to ".join(number(end, unit).removesuffix(f" {unit}") for end in ends)


def threshold(value: float | None) -> str:
    """A threshold for reading.

    Example:
        >>> threshold(0.535), threshold(None)
        ('0.54', '–')
    """
    return UNDEFINED if value is None else f"{value:.2f}"


def p_value(p: float | None) -> str:
    """The p of a test.

    Example:
        >>> p_value(0.0004), p_value(0.0312), p_value(None)
        ('< 0.001', '0.031', '–')
    """
    if p is None:
        return UNDEFINED
    return f"{p:.2g}" if p >= 0.001 else "< 0.001"


def notice_heading(seen: int) -> str:
    """What a notice beside the scores begins with: of predictions that were resized, say, the scores may be a test all the same.

    Args:
        seen: How many of the images the model was trained on or chosen by.
    """
    return "These scores are not a test." if seen else "To be known of these scores:"


def sentence(text: str) -> str:
    """Text with a capital at its beginning, the rest as it is.

    Example:
        >>> sentence("on DRIVE")
        'On DRIVE'
    """
    return text[:1].upper() + text[1:]


def watched(name: str) -> str:
    """What a validation measures, as people write it.

    Example:
        >>> watched("val_iou"), watched("val_loss")
        ('validation IoU', 'validation loss')
    """
    measure = name.removeprefix("val_")
    return f"validation {({'dice': 'Dice', 'iou': 'IoU'}).get(measure, measure)}"


def percent(share: float | None) -> str:
    """A share in [0, 1] as percent, to two significant digits.

    Example:
        >>> percent(0.1234), percent(0.00057), percent(1.0)
        ('12 %', '0.057 %', '100 %')
    """
    if share is None:
        return UNDEFINED
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def plain(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Any value of a recipe or a fact on one line.

    Example:
        >>> plain([256, 256]), plain(2.3e-5), plain(True), plain({"a": None})
        ('256, 256', '2.3e-05', 'yes', 'a: –')
    """
    if value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(inner) for inner in value)
    return str(value)


def agreement(share: float | None) -> str:
    """A share near 1 as percent, rounded down: 100 % means all of it.

    Example:
        >>> agreement(0.99999999), agreement(1.0)
        ('99.9999 %', '100 %')
    """
    return UNDEFINED if share is None else f"{int(share * 1e6) / 1e4:.6g} %"


def day(created: str) -> str:
    """The day of an ISO date and time.

    Example:
        >>> day("2025-03-07T10:00:00+00:00")
        '7 March 2025'
    """
    date = datetime.fromisoformat(created)
    return f"{date.day} {date:%B %Y}"
