"""How one image went: its raw counts, its scores, and what is known of it; and the row of `cases.csv` that holds all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from limner.metrics import Counts, ScoreValue
from limner.metrics.names import METRIC_INFO
from limner.metrics.object_counts import IOU_THRESHOLDS, ObjectCounts
from limner.metrics.region import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limner.metrics import EmptyRule

Pixels = Annotated[int, Field(ge=0)]
# What `CaseResult.scores` calls Dice and IoU of `pranet-256`, each the mean over 256 thresholds.
PRANET = {"dice": "pranet_dice", "iou": "pranet_iou"}
_SCORES = (*METRIC_INFO, *PRANET.values())
MANIFEST = "manifest."  # before the names of a manifest's own columns, which may be called anything
_OBJECTS = "objects_"
_MATCHED = tuple(f"matched_{round(100 * threshold)}" for threshold in IOU_THRESHOLDS)


class CaseResult(BaseModel):
    """How one image went, at the size of its original mask.

    Attributes:
        key: The case.
        height: Rows of the original mask.
        width: Its columns.
        tp: Pixels that are foreground in both masks; `fp`, `fn` and `tn` likewise (see `limner.metrics.Counts`). Inside the field of
            view only, where the evaluation says so.
        scores: Metric -> value of this image (see `limner.metrics.names`, and `PRANET`); NaN where it is not defined. Dice and IoU are
            always there.
        objects: Counts of objects, where these were compared.
        brightness: Mean grey level of the image, in [0, 1].
        review: How much the image asks to be looked at by a person, in [0, 1]; NaN where there were no probabilities.
        group: The patient, sequence or slide.
        columns: What the manifest says of the image beside that, such as its site.
        seconds: Time for the prediction from decoded image to mask, without reading the files; 0 for masks that were there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    height: Pixels
    width: Pixels
    tp: Pixels
    fp: Pixels
    fn: Pixels
    tn: Pixels
    scores: dict[str, ScoreValue]
    objects: ObjectCounts | None = None
    brightness: ScoreValue = float("nan")
    review: ScoreValue = float("nan")
    group: str | None = None
    columns: dict[str, str] = {}
    seconds: float = 0.0

    @classmethod
    def of(
        cls,
        key: str,
        size: tuple[int, int],
        c: Counts,
        *,
        empty: EmptyRule = "one",
        scores: Mapping[str, float] | None = None,
        **known: Any,  # noqa: ANN401 - the fields of CaseResult
    ) -> CaseResult:
        """The result of a case from its counts and what else is known; `size` is (height, width), `scores` are of other families."""
        found = {name: metric(c, empty=empty) for name, metric in METRICS.items()} | dict(scores or {})
        ordered = {name: found[name] for name in _SCORES if name in found}
        return cls(key=key, height=size[0], width=size[1], tp=c.tp, fp=c.fp, fn=c.fn, tn=c.tn, scores=ordered, **known)

    @property
    def counts(self) -> Counts:
        """The counts, from which any other region score can be computed."""
        return Counts(self.tp, self.fp, self.fn, self.tn)

    @property
    def dice(self) -> float:
        """In [0, 1]; NaN only when both masks are empty and the empty-mask rule is not `one`."""
        return self.scores["dice"]

    @property
    def iou(self) -> float:
        """As for Dice."""
        return self.scores["iou"]

    @property
    def object_share(self) -> float:
        """Share of the image that belongs to the true foreground, in [0, 1]."""
        return (self.tp + self.fn) / self.counts.total if self.counts.total else 0.0

    def row(self) -> dict[str, Any]:
        """The case as a flat row of JSON values: one column for each number, None where it is not defined."""
        fields = self.model_dump(mode="json")
        scores, objects, columns = fields.pop("scores"), fields.pop("objects"), fields.pop("columns")
        counted = {} if objects is None else dict(zip(_MATCHED, objects.pop("matched"), strict=True)) | objects
        named = {_OBJECTS + name: value for name, value in counted.items()}
        said = {MANIFEST + name: value for name, value in columns.items()}
        first = {name: fields.pop(name) for name in ("key", "height", "width", "tp", "fp", "fn", "tn")}
        return {**first, **scores, **named, "object_share": self.object_share, **fields, **said}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> CaseResult:
        """The case of a row; cells may be text, and columns that are none of ours are passed over.

        Raises:
            pydantic.ValidationError: A column is missing, or a cell is not what it should be.
        """
        known: dict[str, Any] = {name: row[name] for name in cls.model_fields if name in row}
        known["scores"] = {name: row[name] for name in _SCORES if name in row}
        known["columns"] = {name.removeprefix(MANIFEST): cell or "" for name, cell in row.items() if name.startswith(MANIFEST)}
        counted = {name.removeprefix(_OBJECTS): cell for name, cell in row.items() if name.startswith(_OBJECTS)}
        if counted.get("true") is not None:
            matched = [counted.pop(name, None) for name in _MATCHED]
            known["objects"] = {**counted, "matched": matched}
        return cls.model_validate({name: value for name, value in known.items() if value is not None})
