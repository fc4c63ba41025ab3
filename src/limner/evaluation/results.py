"""What an evaluation found: a row for each case, the scores, and how both are written and read back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from limner.errors import LimnerError, RunError
from limner.evaluation import store
from limner.evaluation.case_result import CaseResult
from limner.evaluation.curves import ProbabilityCurves
from limner.evaluation.summary import summarise_cases
from limner.evaluation.sums import Sums
from limner.metrics import EmptyRule, Score
from limner.metrics.aggregate import Convention, nan_to_none
from limner.metrics.names import Family, metric_label

if TYPE_CHECKING:
    from pathlib import Path

Part: TypeAlias = Literal["all", "train", "val", "test"]


class Row(NamedTuple):
    """One line of a table of scores. `value` is None where it is not defined."""

    metric: str
    convention: str
    value: float | None
    n: int
    threshold: float | None
    interval: tuple[float | None, float | None] | None
    unit: str

    @property
    def text(self) -> str:
        """The value for reading, to four places; a distance to two, with its unit."""
        if self.value is None:
            return "undefined"
        return f"{self.value:.2f} {self.unit}" if self.unit else f"{self.value:.4f}"


class Boundary(BaseModel):
    """How distances were measured.

    Attributes:
        tolerance: Of the normalised surface Dice, in `unit`.
        spacing: Side of a pixel, in `unit`.
        unit: `px` or `µm`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tolerance: float = 2.0
    spacing: float = 1.0
    unit: Literal["px", "µm"] = "px"


class Bootstrap(BaseModel):
    """How the intervals were computed.

    Attributes:
        resamples: How often the images were drawn anew.
        level: Share of the resamples that the interval holds.
        by: What was drawn: images, or whole groups (patients, sequences), where the images are grouped.
        seed: Of the drawing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resamples: int = 2000
    level: float = 0.95
    by: Literal["image", "group"] = "image"
    seed: int = 0


class Evaluation(BaseModel):
    """Every case of an evaluation, the scores, and under which conventions they hold.

    Attributes:
        model: The model's name.
        source: The data set's name.
        part: Which part of a split was evaluated; `all` for a whole data set.
        n: Number of images evaluated. (A score may rest on fewer under `skip`; it has an n of its own.)
        threshold: Probability from which on a pixel was taken for foreground; None where masks came without one, or each fold had its own.
        threshold_origin: Where that was chosen, in words.
        resolution: The size at which masks were compared.
        empty_rule: The rule for images in which both masks are empty.
        families: Which families of metrics were computed.
        field_of_view: How many of the images were judged inside their field of view only.
        boundary: How distances were measured.
        bootstrap: How the intervals were computed; None where there are none.
        scores: All scores of all cases together, under every convention that they have.
        cases: One result for each image, in the data set's order.
        curves: ROC, precision and recall, and reliability over the pixels of all images; None where there were no probabilities.
        seen_in_training: How many of the images the model was trained on or chosen by, as far as is known.
        notice: What must be said beside the scores, if some images were.
        problems: What is wrong with the source, in plain words; None when nobody looked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    source: str
    part: Part
    n: int
    threshold: float | None
    threshold_origin: str
    resolution: Literal["original mask"] = "original mask"
    empty_rule: EmptyRule
    families: tuple[Family, ...] = ("region",)
    field_of_view: int = 0
    boundary: Boundary = Boundary()
    bootstrap: Bootstrap | None = None
    scores: tuple[Score, ...]
    cases: tuple[CaseResult, ...]
    curves: ProbabilityCurves | None = None
    seen_in_training: int = 0
    notice: str | None = None
    problems: tuple[str, ...] | None = None

    _sums: Sums | None = PrivateAttr(default=None)

    def keeping(self, sums: Sums) -> Self:
        """The same with the sums over its pixels, which are not saved."""
        kept = self.model_copy()
        kept._sums = sums  # noqa: SLF001 - its own
        return kept

    @property
    def sums(self) -> Sums | None:
        """Sums over the pixels of all images; None of an evaluation that was loaded."""
        return self._sums

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
        return [Row(metric_label(s.name), s.convention, nan_to_none(s.value), s.n, s.threshold, _ends(s), s.unit) for s in self.scores]

    def save(self, folder: str | Path) -> None:
        """Write `cases.csv` (a row for each image) and `summary.json` (all the rest) into `folder`.

        Each file is whole or absent. An undefined score is an empty cell in the one and null in the other.
        """
        store.write(folder, self.model_dump(mode="json", exclude={"cases"}), [case.row() for case in self.cases])

    @classmethod
    def load(cls, folder: str | Path) -> Evaluation:
        """Read what `save` wrote, or what is in the folder of a run or of `limner evaluate`: the report's files hold more.

        Raises:
            RunError: A file is missing or damaged, or the two do not belong together.
        """
        summary, rows = store.read(folder)
        try:
            cases = [CaseResult.from_row(row) for row in rows]
            loaded = cls.model_validate({**_without_extras(summary), "cases": cases})
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(step) for step in fault["loc"])
            raise RunError(f"the evaluation is damaged: '{place}': {fault['msg'].lower()}", where=folder, fix=store.FIX) from None
        _check_agreement(loaded, folder)
        return loaded


def _without_extras(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of an evaluation, without what a report has added to them and to the scores."""
    known: dict[str, Any] = _fields(Evaluation, values)
    if isinstance(known.get("scores"), list):
        known["scores"] = [_fields(Score, value) for value in known["scores"]]
    return known


def _fields(model: type[BaseModel], value: Any) -> Any:  # noqa: ANN401 - any JSON value: pydantic judges it
    return {name: value[name] for name in model.model_fields if name in value} if isinstance(value, dict) else value


def _ends(score: Score) -> tuple[float | None, float | None] | None:
    return None if score.interval is None else (nan_to_none(score.interval[0]), nan_to_none(score.interval[1]))


def _check_agreement(evaluation: Evaluation, folder: str | Path) -> None:
    """The scores must follow from the cases: a crash between the two files, or a row lost in a spreadsheet, shows here."""
    if evaluation.n == len(evaluation.cases) > 0:
        scores = summarise_cases(evaluation.cases, threshold=evaluation.threshold, empty=evaluation.empty_rule)
        again = {(s.name, s.convention): s for s in scores}
        stored = {(s.name, s.convention): s for s in evaluation.scores}
        if again.keys() <= stored.keys() and all(_same(stored[which], score) for which, score in again.items()):
            return
    raise RunError(f"{store.SUMMARY} and {store.CASES} do not belong together", where=folder, fix=store.FIX)


def _same(one: Score, other: Score) -> bool:
    both_undefined = math.isnan(one.value) and math.isnan(other.value)
    return one.n == other.n and (both_undefined or math.isclose(one.value, other.value, abs_tol=1e-9))
