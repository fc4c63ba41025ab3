"""What an evaluation found: a row for each case, the scores, and how both are written and read back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.errors import LimnerError, RunError
from limner.evaluation import store
from limner.metrics import Counts, EmptyRule, Score, ScoreValue, dice, iou, precision, recall, summarise
from limner.metrics.aggregate import Convention, nan_to_none

if TYPE_CHECKING:
    from pathlib import Path

Part: TypeAlias = Literal["all", "train", "val", "test"]
Pixels = Annotated[int, Field(ge=0)]


class CaseResult(BaseModel):
    """How one image went, at the size of its original mask.

    Attributes:
        key: The case.
        height: Rows of the original mask.
        width: Its columns.
        tp: Pixels that are foreground in both masks; `fp`, `fn` and `tn` likewise (see `limner.metrics.Counts`).
        dice: In [0, 1]; NaN only when both masks are empty and the empty-mask rule is not `one`. `iou`, `precision`, `recall` likewise.
        seconds: Time for the prediction from decoded image to mask, without reading the files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    height: Pixels
    width: Pixels
    tp: Pixels
    fp: Pixels
    fn: Pixels
    tn: Pixels
    dice: ScoreValue
    iou: ScoreValue
    precision: ScoreValue
    recall: ScoreValue
    seconds: float

    @classmethod
    def of(cls, key: str, size: tuple[int, int], c: Counts, *, empty: EmptyRule, seconds: float) -> CaseResult:
        """The result of a case from its counts; `size` is (height, width)."""
        scores = {metric.__name__: metric(c, empty=empty) for metric in (dice, iou, precision, recall)}
        return cls(key=key, height=size[0], width=size[1], tp=c.tp, fp=c.fp, fn=c.fn, tn=c.tn, seconds=seconds, **scores)

    @property
    def counts(self) -> Counts:
        """The counts, from which any other score can be computed."""
        return Counts(self.tp, self.fp, self.fn, self.tn)


class Row(NamedTuple):
    """One line of a table of scores. `value` is None where it is not defined."""

    metric: str
    convention: str
    value: float | None
    n: int
    threshold: float

    @property
    def text(self) -> str:
        """The value for reading, to four places."""
        return "undefined" if self.value is None else f"{self.value:.4f}"


class Evaluation(BaseModel):
    """Every case of an evaluation, the scores, and under which conventions they hold.

    Attributes:
        model: The model's name.
        source: The data set's name.
        part: Which part of a split was evaluated; `all` for a whole data set.
        n: Number of images evaluated. (A score may rest on fewer under `skip`; it has an n of its own.)
        threshold: Probability from which on a pixel was taken for foreground.
        threshold_origin: Where that was chosen, in words.
        resolution: The size at which masks were compared.
        empty_rule: The rule for images in which both masks are empty.
        scores: All scores of all cases together, per image and pooled.
        cases: One result for each image, in the data set's order.
        seen_in_training: How many of the images the model was trained on or chosen by, as far as is known.
        notice: What must be said beside the scores, if some images were.
        problems: What is wrong with the source, in plain words; None when nobody looked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    source: str
    part: Part
    n: int
    threshold: float
    threshold_origin: str
    resolution: Literal["original mask"] = "original mask"
    empty_rule: EmptyRule
    scores: tuple[Score, ...]
    cases: tuple[CaseResult, ...]
    seen_in_training: int = 0
    notice: str | None = None
    problems: tuple[str, ...] | None = None

    def score(self, name: str, convention: Convention = "per-image") -> Score:
        """The score of that name and convention; `dice_median` and `dice_std` (and IoU's) exist per image only.

        Raises:
            LimnerError: There is no such score.
        """
        for score in self.scores:
            if (score.name, score.convention) == (name, convention):
                return score
        names = sorted({score.name for score in self.scores if score.convention == convention})
        raise LimnerError(f"there is no {convention} score '{name}'", where=self.model, fix=f"one of: {', '.join(names)}")

    def ranked(self) -> list[CaseResult]:
        """The cases from worst to best per-image Dice, ties by key; cases without a defined Dice are left out."""
        defined = [case for case in self.cases if not math.isnan(case.dice)]
        return sorted(defined, key=lambda case: (case.dice, case.key))

    def table(self) -> list[Row]:
        """All scores as rows for display, each with its convention, n and threshold."""
        return [
            Row(metric_label(score.name), score.convention, nan_to_none(score.value), score.n, score.threshold) for score in self.scores
        ]

    def save(self, folder: str | Path) -> None:
        """Write `cases.csv` (a row for each image) and `summary.json` (all the rest) into `folder`.

        Each file is whole or absent. An undefined score is an empty cell in the one and null in the other.
        """
        values = self.model_dump(mode="json")
        rows = values.pop("cases")
        store.write(folder, values, rows)

    @classmethod
    def load(cls, folder: str | Path) -> Evaluation:
        """Read what `save` wrote, or what is in the folder of a run or of `limner evaluate`: the report's files hold more.

        Raises:
            RunError: A file is missing or damaged, or the two do not belong together.
        """
        summary, rows = store.read(folder)
        try:
            loaded = cls.model_validate(_without_extras({**summary, "cases": rows}))
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(step) for step in fault["loc"])
            raise RunError(f"the evaluation is damaged: '{place}': {fault['msg'].lower()}", where=folder, fix=store.FIX) from None
        _check_agreement(loaded, folder)
        return loaded


def _without_extras(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of an evaluation, without what a report has added to them, to the scores and to the cases."""
    known: dict[str, Any] = _fields(Evaluation, values)
    for name, inner in (("scores", Score), ("cases", CaseResult)):
        if isinstance(known.get(name), list):
            known[name] = [_fields(inner, value) for value in known[name]]
    return known


def _fields(model: type[BaseModel], value: Any) -> Any:  # noqa: ANN401 - any JSON value: pydantic judges it
    return {name: value[name] for name in model.model_fields if name in value} if isinstance(value, dict) else value


def _check_agreement(evaluation: Evaluation, folder: str | Path) -> None:
    """The scores must follow from the cases: a crash between the two files, or a row lost in a spreadsheet, shows here."""
    if evaluation.n == len(evaluation.cases) > 0:
        counts = [case.counts for case in evaluation.cases]
        again = summarise(counts, threshold=evaluation.threshold, empty=evaluation.empty_rule)
        if len(again) == len(evaluation.scores) and all(map(_same, evaluation.scores, again)):
            return
    raise RunError(f"{store.SUMMARY} and {store.CASES} do not belong together", where=folder, fix=store.FIX)


def _same(one: Score, other: Score) -> bool:
    named_alike = (one.name, one.convention, one.n) == (other.name, other.convention, other.n)
    both_undefined = math.isnan(one.value) and math.isnan(other.value)
    return named_alike and (both_undefined or math.isclose(one.value, other.value, abs_tol=1e-9))


_LABELS = {"dice": "Dice", "iou": "IoU", "f2": "F2"}
_SUFFIXES = {"_median": ", median over images", "_std": ", standard deviation over images"}


def metric_label(name: str) -> str:
    """A score's name as people write it.

    Example:
        >>> metric_label("iou_std")
        'IoU, standard deviation over images'
    """
    for suffix, words in _SUFFIXES.items():
        if name.endswith(suffix):
            return metric_label(name.removesuffix(suffix)) + words
    return _LABELS.get(name, name.capitalize())
