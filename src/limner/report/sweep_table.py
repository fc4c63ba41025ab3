"""The results of a sweep as a table: a row for each run, and for each combination what its runs have in common."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from limner.durations import format_duration
from limner.report.words import PARTS, UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

State: TypeAlias = Literal["waiting", "interrupted", "failed", "finished"]


class SweepScores(BaseModel):
    """What a finished run has brought; scores are in [0, 1], and None where they are not defined.

    Attributes:
        val_dice: Mean per-image Dice on the validation part, at the run's threshold and the size of the original masks.
        val_n: Images of the validation part.
        part: The part that the other scores are of: `test`, or `val` where the split has no test part.
        n: Its images.
        dice: Mean per-image Dice; `iou` likewise.
        dice_pooled: Dice of all images' pixels together; `iou_pooled` likewise.
        threshold: Probability from which on a pixel is foreground.
        threshold_origin: Where that was chosen.
        best_epoch: The epoch that was kept.
        epochs: Epochs that were trained.
        seconds: Time for training, export and choice of the threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    val_dice: float | None
    val_n: int
    part: Literal["test", "val"]
    n: int
    dice: float | None
    iou: float | None
    dice_pooled: float | None
    iou_pooled: float | None
    threshold: float
    threshold_origin: str
    best_epoch: int | None
    epochs: int
    seconds: float


class SweepRun(BaseModel):
    """How one run of a sweep went.

    Attributes:
        run: Its folder's name, in `runs/`.
        choices: The value of each axis of the grid.
        seed: The seed of the training.
        parameters: Weights of the network.
        state: How far it is.
        reason: Why it failed.
        scores: What it has brought, once it is finished.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    choices: dict[str, str]
    seed: int
    parameters: int
    state: State = "waiting"
    reason: str = ""
    scores: SweepScores | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A number of several runs.

    Attributes:
        values: The number of each.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Their mean; None where there are none."""
        return fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """Their sample standard deviation, n - 1 below the line; None for fewer than two."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def text(self) -> str:
        """To three places.

        Example:
            >>> Spread((0.5, 0.6)).text, Spread((0.5,)).text, Spread(()).text
            ('0.550±0.071', '0.500', '–')
        """
        if self.mean is None:
            return UNDEFINED
        return f"{self.mean:.3f}" if self.std is None else f"{self.mean:.3f}±{self.std:.3f}"


@dataclass(frozen=True, slots=True)
class Combination:
    """The runs of one combination of the grid, which differ in their seeds.

    Attributes:
        choices: The value of each axis.
        runs: All of them, finished or not.
    """

    choices: Mapping[str, str]
    runs: tuple[SweepRun, ...]

    @property
    def scores(self) -> tuple[SweepScores, ...]:
        """Of the finished runs."""
        return tuple(run.scores for run in self.runs if run.scores is not None)

    def spread(self, name: str) -> Spread:
        """A score of the finished runs, by its name in `SweepScores`."""
        values = (getattr(scores, name) for scores in self.scores)
        return Spread(tuple(value for value in values if value is not None))

    def span(self, name: str, text: Callable[[Any], str] = str) -> str:
        """The lowest and the highest of a number that is not worth a mean."""
        values = self.spread(name).values
        return " to ".join(dict.fromkeys([text(min(values)), text(max(values))])) if values else UNDEFINED

    @property
    def state(self) -> str:
        """How many runs are finished, and what became of the others.

        Example:
            >>> Combination({}, (SweepRun(run="a", choices={}, seed=0, parameters=1, state="failed"),)).state
            '1 failed'
        """
        states = [run.state for run in self.runs]
        if set(states) == {"finished"}:
            return "finished" if len(states) == 1 else f"{len(states)} runs"
        return ", ".join(f"{states.count(state)} {state}" for state in ("finished", "failed", "interrupted", "waiting") if state in states)


@dataclass(frozen=True, slots=True)
class SweepTable:
    """All runs of a sweep.

    Attributes:
        runs: In the order in which they are trained.
    """

    runs: tuple[SweepRun, ...]

    @property
    def combinations(self) -> list[Combination]:
        """In the order of the grid."""
        grouped: dict[tuple[tuple[str, str], ...], list[SweepRun]] = {}
        for run in self.runs:
            grouped.setdefault(tuple(run.choices.items()), []).append(run)
        return [Combination(runs[0].choices, tuple(runs)) for runs in grouped.values()]

    @property
    def best(self) -> Combination | None:
        """The combination with the best mean validation Dice; test scores have no part in this.

        A combination of which a run failed or is still to come is passed over while there are others with more finished runs.
        """
        able = [one for one in self.combinations if one.spread("val_dice").values]
        most = max((len(one.scores) for one in able), default=0)
        return max((one for one in able if len(one.scores) == most), key=lambda one: one.spread("val_dice").mean or 0.0, default=None)

    @property
    def axes(self) -> list[str]:
        """The labels of the grid."""
        return list(self.runs[0].choices)

    @property
    def finished(self) -> list[SweepScores]:
        """Of the finished runs."""
        return [run.scores for run in self.runs if run.scores is not None]

    @property
    def part(self) -> str:
        """What the scores beside the validation's are of, in a word for headings."""
        return "validation" if any(scores.part == "val" for scores in self.finished) else "test"

    def headings(self) -> list[str]:
        """The columns of `rows`."""
        scores = ["val Dice", f"{self.part} Dice", f"{self.part} IoU", "pooled Dice", "pooled IoU"]
        return [*self.axes, *scores, "threshold", "parameters", "best epoch", "time", "runs"]

    def rows(self) -> list[list[str]]:
        """A row for each combination, for reading."""
        return [_row(combination) for combination in self.combinations]

    def conditions(self) -> list[str]:
        """Under which conventions the numbers hold, one sentence each."""
        told = ["Best is the combination with the highest validation Dice; test scores have no part in that choice."]
        if not self.finished:
            return told
        scores, part = self.finished[0], PARTS[self.finished[0].part]
        told.append(f"Val Dice: mean of the per-image Dice of the {scores.val_n} validation images, at the run's threshold.")
        told.append(
            f"Dice and IoU: per-image means over the {scores.n} images of {part}; pooled: pixels counted over all of them together, "
            "then one score. Masks are compared at the size of the original mask."
        )
        origins = sorted({one.threshold_origin for one in self.finished})
        told.append(f"Threshold: of each run its own, {'; or '.join(origins)}.")
        if scores.part == "val":
            told.append("The split has no test part: nothing here is a test.")
        if any(len(one.runs) > 1 for one in self.combinations):
            told.append("Mean ± sample standard deviation over the seeds of the training; the split is the same for all.")
        return told


def render_csv(table: SweepTable) -> str:
    """A row for each run, every number at full precision."""
    columns = ["run", *table.axes, "seed", "state", *SweepScores.model_fields, "parameters", "best", "reason"]
    best = table.best
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for run in table.runs:
        scores = run.scores.model_dump() if run.scores else {}
        chosen = "yes" if best and run in best.runs else ""
        known = run.model_dump(include={"run", "seed", "state", "parameters", "reason"})
        writer.writerow({**scores, **known, **run.choices, "best": chosen})
    return text.getvalue()


def render_markdown(table: SweepTable, title: str) -> str:
    """The table of combinations, and the runs that failed."""
    best = table.best
    lines = [f"# {title}", "", _markdown_row(table.headings()), _markdown_row(["---"] * len(table.headings()))]
    for combination, row in zip(table.combinations, table.rows(), strict=True):
        lines.append(_markdown_row([f"**{cell}**" for cell in row] if combination == best else row))
    lines += ["", "In bold: the best.", *table.conditions()]
    failed = [f"- {run.run}: {run.reason}" for run in table.runs if run.state == "failed"]
    return "\n".join([*lines, *(["", "Failed:", "", *failed] if failed else []), ""])


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _row(one: Combination) -> list[str]:
    scores = [one.spread(name).text for name in ("val_dice", "dice", "iou", "dice_pooled", "iou_pooled")]
    parameters = f"{one.runs[0].parameters:,}"
    took = one.spread("seconds").mean
    time = UNDEFINED if took is None else format_duration(took)
    return [*one.choices.values(), *scores, one.span("threshold", "{:.2f}".format), parameters, one.span("best_epoch"), time, one.state]
