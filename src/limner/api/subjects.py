"""What `evaluate` can be asked about: a model, or a folder of predictions; and on which images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limner.errors import LimnerError, LimnerWarning
from limner.files import expand_home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.data import Dataset
    from limner.evaluation import Evaluation, FolderPredictions, How, MissingRule
    from limner.metrics import EmptyRule
    from limner.metrics.names import Family
    from limner.runtime import Predictor
    from limner.selection import PartChoice, Selection, SplitChoice

_RUN_FILES = ("model.onnx", "recipe.yaml", "run.json")
_TOLERANCE = 2.0  # pixels
_AGREES, _FAR_BETTER = 0.5, 0.3  # Dice from which on predictions are taken for inverted, and how much more than as they are
LEAST_RESAMPLES = 100  # of fewer, the ends of a 95 % interval are single draws
WIDEST_PIXEL = 1e6  # µm


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, or predictions, and the images that it is to be evaluated on.

    Attributes:
        segmenter: The model or the predictions.
        selection: The images.
        wanted: Those that were asked for, if some of them have no prediction.
        missing: What becomes of those.
    """

    segmenter: Predictor | FolderPredictions
    selection: Selection
    wanted: Dataset
    missing: MissingRule

    def with_notices(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation with what must be said of the predictions beside its scores.

        Raises:
            DataError: No pixel reaches the threshold, which was not made for pictures like these.

        Warns:
            LimnerWarning: Saying the same.
        """
        from limner.evaluation import FolderPredictions

        if not isinstance(self.segmenter, FolderPredictions):
            return evaluation
        self.segmenter.check_levels()
        said = [*self.segmenter.notices(self.wanted, self.missing), *_if_inverted(evaluation)]
        for notice in said:
            warnings.warn(notice, LimnerWarning, stacklevel=3)
        return evaluation.model_copy(update={"notice": "; ".join(filter(None, [evaluation.notice, *said])) or None})


def _if_inverted(evaluation: Evaluation) -> list[str]:
    """A sentence where the inverse of the predictions agrees far better with the masks."""
    from limner.metrics import Counts, dice

    total = sum((case.counts for case in evaluation.cases), Counts())
    own, inverse = dice(total), dice(Counts(tp=total.fn, fp=total.tn, fn=total.tp, tn=total.fp))
    if inverse <= max(_AGREES, own + _FAR_BETTER):
        return []
    found = f"the inverse of the predictions agrees far better with the masks (pooled Dice {inverse:.2f}, theirs is {own:.2f})"
    return [f"{found}: if they are drawn dark on white, invert the pictures; if the masks of SOURCE are, add --foreground dark"]


def open_subject(model: str | Path, threshold: float | None, missing: MissingRule = "error") -> Predictor | FolderPredictions:
    """Load a model, or look through a folder of predictions.

    Raises:
        LimnerError: It is neither; or a threshold, or a rule for missing predictions, was given with a model; or the threshold is none.
    """
    from limner.evaluation import FolderPredictions
    from limner.runtime import load

    if threshold is not None and not 0 <= threshold <= 1:
        raise LimnerError(f"a threshold is a probability, not {threshold:g}", fix="give one from 0 to 1; white is 1, whatever the depth")
    if (folder := _predictions(model)) is not None:
        return FolderPredictions(folder, threshold)
    if threshold is not None:
        what = "a model is evaluated at the threshold that it was exported with: another one, chosen by its scores here, would flatter it"
        raise LimnerError(what, where=model, fix="leave --threshold away; it is for folders of predicted probabilities")
    if missing != "error":
        what = "a model predicts every image: none can be missing"
        raise LimnerError(what, where=model, fix="leave --missing away; it is for folders of predictions")
    return load(model)


def choose_images(
    segmenter: Predictor | FolderPredictions,
    dataset: Dataset,
    *,
    split: SplitChoice,
    part: PartChoice | None,
    missing: MissingRule,
) -> Subject:
    """Choose the images of a data set to evaluate on.

    Raises:
        DataError: There are none, or some have no prediction.

    Warns:
        LimnerWarning: Some predictions belong to no image of the data set.
    """
    from limner.data.wording import counted
    from limner.evaluation import FolderPredictions
    from limner.selection import select

    if not isinstance(segmenter, FolderPredictions):
        selection = select(dataset, split=split, part=part, model=segmenter)
        return Subject(segmenter, selection, selection.dataset, missing)
    segmenter.match(dataset)
    if extra := segmenter.extra:
        named = f"{', '.join(extra[:3])}{' ...' if extra[3:] else ''}"
        what = f"no image of {dataset.name} is named like {counted(len(extra), 'picture')} of the predictions: {named}"
        warnings.warn(what, LimnerWarning, stacklevel=3)
    selection = select(dataset, split=split, part=part, model=None)
    settled = replace(selection, dataset=segmenter.settle(selection.dataset, missing))
    return Subject(segmenter, settled, selection.dataset, missing)


_RANGE_FIXES = {
    "spacing": "give the side of a pixel in µm, such as 0.5",
    "tolerance": "give it in µm, or in pixels where there is no spacing",
    "bootstrap": "give the number of resamples, such as 2000, or 0 for no intervals",
}


def how(
    *,
    empty: EmptyRule,
    families: Sequence[Family] | None,
    whole_image: bool,
    spacing: float | None,
    tolerance: float | None,
    bootstrap: int,
) -> How:
    """What a user has said of how to evaluate, as evaluation takes it.

    Raises:
        LimnerError: A number is out of its range.
    """
    from limner.evaluation import Bootstrap, Boundary

    for name, value in (("spacing", spacing), ("tolerance", tolerance), ("bootstrap", bootstrap)):
        if fault := out_of_range(name, value):
            raise LimnerError(f"--{name} {fault}", fix=_RANGE_FIXES[name])
    side = spacing or 1.0
    return {
        "empty": empty,
        "families": families,
        "whole_image": whole_image,
        "boundary": Boundary(tolerance=tolerance or _TOLERANCE * side, spacing=side, unit="px" if spacing is None else "µm"),
        "bootstrap": Bootstrap(resamples=bootstrap) if bootstrap else None,
    }


def out_of_range(name: str, value: float | None) -> str | None:
    """What is wrong with a number that a user gave for `spacing`, `tolerance` or `bootstrap`; None where nothing is.

    Example:
        >>> out_of_range("bootstrap", 10)
        'must be 0, or 100 or more, not 10'
        >>> out_of_range("spacing", 0.5) is None
        True
    """
    if value is None:
        return None
    if name == "bootstrap":
        return None if value == 0 or value >= LEAST_RESAMPLES else f"must be 0, or {LEAST_RESAMPLES} or more, not {value:g}"
    if name == "spacing" and value > WIDEST_PIXEL:
        return f"must be at most {WIDEST_PIXEL:.0f} µm, a pixel of one metre, not {value:g}"
    return None if 0 < value < float("inf") else f"must be above 0, not {value:g}"


def _predictions(model: str | Path) -> Path | None:
    """The folder or archive of predictions that is meant; None where a model is, or what should have been one."""
    from limner.data.archive import is_archive
    from limner.runtime.shipped import shipped_names

    path = expand_home(model)
    if str(model) in shipped_names():
        return None
    if path.is_dir():
        return None if any((path / name).is_file() for name in _RUN_FILES) else path
    return path if path.is_file() and is_archive(path) else None
