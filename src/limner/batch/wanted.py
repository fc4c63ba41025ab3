"""What is wanted of a prediction over many inputs, and whether that can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, get_args

from limner.batch.layout import OUTPUTS, USUAL, TableFormat, require_parquet
from limner.errors import LimnerError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a prediction over many inputs.

    Attributes:
        outputs: Names out of `OUTPUTS`; masks are always among them.
        table: Format of the tables of measurements.
        spacing: Side of a pixel in µm; None for what each file says.
        smooth: Of videos, the time constant of the average over time, in seconds; 0 for none.
        seconds: Of videos, how much is predicted; None for all.
        resume: Skip what is there already.
        overwrite: Replace what is there already.
    """

    outputs: frozenset[str] = USUAL
    table: TableFormat = "csv"
    spacing: float | None = None
    smooth: float = 0.0
    seconds: float | None = None
    resume: bool = False
    overwrite: bool = False

    @classmethod
    def of(cls, names: Iterable[str], *, overlays: bool = True, probs: bool = False, **others: Any) -> Self:  # noqa: ANN401 - the attributes
        """Masks, usually overlays, and the outputs that are named.

        Example:
            >>> sorted(Wanted.of(["geojson"], overlays=False).outputs)
            ['geojson', 'masks']
        """
        usual = {"masks": True, "overlays": overlays, "probs": probs}
        return cls(frozenset(names).union(name for name, is_wanted in usual.items() if is_wanted), **others)

    def check(self, *, several: bool) -> None:
        """Make sure that all of it can be had.

        Args:
            several: Whether several models or views are asked, which can disagree.

        Raises:
            LimnerError: There is no such output, or a number is out of its range.
            MissingExtraError: A format needs what is not installed.
        """
        if unknown := sorted(self.outputs - set(OUTPUTS)):
            raise LimnerError(f"there is no output '{unknown[0]}'", where="--write", fix=nearest(unknown[0], OUTPUTS))
        if "disagreement" in self.outputs and not several:
            fix = "add --views flips, or a second model with --also"
            raise LimnerError("a single prediction cannot disagree with itself", where="--write disagreement", fix=fix)
        if self.spacing is not None and not 0 < self.spacing < float("inf"):
            raise LimnerError("the side of a pixel is a positive number of µm", where=f"--spacing {self.spacing}", fix="such as 0.25")
        if not 0 <= self.smooth < float("inf"):
            raise LimnerError("a time constant is a number of seconds", where=f"--smooth {self.smooth}", fix="such as 0.5, or 0 for none")
        if self.seconds is not None and not 0 <= self.seconds < float("inf"):
            raise LimnerError("that is no length of a video", where=f"--seconds {self.seconds}", fix="give seconds, or leave it away")
        formats = get_args(TableFormat)
        if self.table not in formats:
            raise LimnerError(f"there are no tables in the format '{self.table}'", where="--table", fix=nearest(self.table, formats))
        if self.table == "parquet" and "measurements" in self.outputs:
            require_parquet()
