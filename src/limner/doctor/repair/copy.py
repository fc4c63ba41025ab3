"""The repaired copy: images/, masks/, what was done to each pair, and the split without leaks."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from limner.cores import on_all_cores
from limner.data.source import survey
from limner.data.splits import save_split
from limner.doctor.kinds import KINDS
from limner.doctor.repair.folder import check_target, whole_folder
from limner.doctor.repair.mend import write_pair
from limner.doctor.repair.plan import KEEPABLE, plan
from limner.doctor.repair.split import leaking, repaired_split
from limner.errors import DataError, nearest
from limner.files import write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from limner.data.items import Item
    from limner.data.problems import Problem
    from limner.doctor.diagnose import Diagnosis
    from limner.doctor.examination import Examination
    from limner.doctor.repair.plan import Decision
    from limner.progress import Progress

Result: TypeAlias = Literal["kept", "repaired", "left out"]


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a pair, or of files that make no pair.

    Attributes:
        key: Of the pair; empty for files that make none.
        image: Its name within the source; of files that make no pair, all of them.
        mask: Likewise.
        result: `kept` as it was, `repaired`, or `left out`.
        done: What was done or why it was left out, phrases.
        in_spite_of: Kinds of findings that it was kept in spite of.
        group: The patient or sequence, where known.
        copied_to: The image's name within the copy; empty where it was left out.
        split: What became of it in the split; empty where nothing did.
    """

    key: str
    image: str
    mask: str
    result: Result
    done: tuple[str, ...] = ()
    in_spite_of: tuple[str, ...] = ()
    group: str = ""
    copied_to: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Repairs:
    """A repaired copy.

    Attributes:
        out: The folder.
        rows: One for each pair, and for the files that make none.
        split: The repaired split; None where none was given.
    """

    out: Path
    rows: tuple[Row, ...]
    split: Path | None

    def count(self, result: Result) -> int:
        """How many pairs have come to this."""
        return sum(row.result == result for row in self.rows if row.key)


def repair(
    diagnosis: Diagnosis,
    out: str | Path,
    *,
    leave_out: Collection[str] = (),
    keep: Collection[str] = (),
    progress: Progress | None = None,
) -> Repairs:
    """Write a repaired copy of a source. The source is not touched; the copy is whole or absent.

    Args:
        diagnosis: Of the source.
        out: The folder; new or empty, and not inside the source.
        leave_out: Kinds of findings whose pairs are to be left out, too.
        keep: Kinds of findings whose pairs are to be kept as they are; only of those that are suspicions.
        progress: Called after each pair.

    Raises:
        OutputExistsError: The folder holds something.
        DataError: The folder lies inside the source; a kind is unknown; nothing would be left.
    """
    check_kinds(leave_out, keep)
    check_target(Path(out), Path(diagnosis.dataset.place))
    decisions = plan(diagnosis, leave_out, keep)
    if all(decision.left_out for decision in decisions.values()):
        raise DataError("no pair would be left", where=diagnosis.dataset.place, fix="mend what `limner doctor` names by hand")
    dropped = leaking(diagnosis)
    with whole_folder(Path(out)) as folder:
        rows = (*_copy(diagnosis, decisions, dropped, folder, progress), *_loose(diagnosis))
        split = repaired_split(diagnosis, _new_keys(rows, folder), dropped)
        if split is not None:
            save_split(split, survey(folder), folder / "split.json")
        _write_rows(diagnosis, rows, folder)
    return Repairs(Path(out), rows, None if split is None else Path(out) / "split.json")


def check_kinds(leave_out: Collection[str], keep: Collection[str] = ()) -> None:
    """Refuse kinds of findings that there are not, that cannot be kept, or that are to be left out and kept.

    Raises:
        DataError: One is such.
    """
    for kind in (*leave_out, *keep):
        if kind not in KINDS:
            raise DataError(f"there is no kind of finding '{kind}'", fix=nearest(kind, KINDS))
    for kind in keep:
        if kind not in KEEPABLE:
            raise DataError(f"pairs of the finding '{kind}' cannot be kept as they are", fix=f"kept are {', '.join(sorted(KEEPABLE))}")
        if kind in leave_out:
            raise DataError(f"the finding '{kind}' cannot be both left out and kept", fix="name it once")


def _copy(
    diagnosis: Diagnosis, decisions: dict[str, Decision], dropped: dict[str, str], folder: Path, progress: Progress | None
) -> list[Row]:
    def copy(pair: tuple[Item, Examination]) -> Row:
        item, one = pair
        return _row(item, one, decisions[item.key], dropped.get(item.key, ""), folder)

    pairs = list(zip(diagnosis.dataset.items, diagnosis.evidence.examinations, strict=True))
    return on_all_cores(copy, pairs, progress=progress)


def _row(item: Item, one: Examination, decision: Decision, leak: str, folder: Path) -> Row:
    split = f"taken out: {leak}" if leak else ""
    masks, group = " ".join(one.mask_files), item.group or ""
    if decision.left_out:
        return Row(item.key, one.image_file, masks, "left out", tuple(decision.left_out), (), group, split=split)
    written = write_pair(item, one, decision, folder)
    result: Result = "repaired" if decision.steps else "kept"
    return Row(item.key, one.image_file, masks, result, written.steps, tuple(decision.remarks), group, written.image, split)


def _loose(diagnosis: Diagnosis) -> list[Row]:
    """Files that make no pair; folders that look like copies hold pairs, which have rows of their own."""
    loose = [problem for problem in diagnosis.evidence.problems if problem.kind != "copied-folder"]
    return [Row("", " ".join(problem.files), "", "left out", (f"{problem.kind}: {_reason(problem)}",)) for problem in loose]


def _reason(problem: Problem) -> str:
    """Without the files that the sentence begins with."""
    return problem.text.partition(": ")[2]


def _new_keys(rows: Sequence[Row], folder: Path) -> dict[str, str]:
    """From the keys of the source to those of the copy, which may do without folders where these no longer tell two images apart."""
    now = {item.image.name: item.key for item in survey(folder).items}
    return {row.key: now[row.copied_to] for row in rows if row.copied_to in now}


def _write_rows(diagnosis: Diagnosis, rows: Sequence[Row], folder: Path) -> None:
    counts = Counter(row.result for row in rows if row.key)
    head = {"source": diagnosis.dataset.place, "pairs": len(diagnosis.dataset), **{result: counts[result] for result in get_args(Result)}}
    write_json(folder / "repairs.json", {**head, "rows": [asdict(row) for row in rows]})
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Row.__slots__)
    writer.writerows(["; ".join(value) if isinstance(value, tuple) else value for value in asdict(row).values()] for row in rows)
    write_text(folder / "repairs.csv", table.getvalue())
