"""From a source to what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.data.options import DEFAULT_OPTIONS, SourceOptions
from limner.data.source import survey
from limner.data.splits import DrawRules, choose_split, find_leaks, load_split, names_official, official_parts
from limner.data.splits import Evidence as SplitEvidence
from limner.data.wording import counted
from limner.doctor.checks import run_checks
from limner.doctor.evidence import Evidence
from limner.doctor.examine import examine_all
from limner.doctor.kinds import SEVERITIES
from limner.doctor.repair.plan import plan
from limner.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data.items import Dataset
    from limner.data.splits import Leak, Split
    from limner.doctor.examination import Examination
    from limner.doctor.findings import Finding
    from limner.progress import Progress

DEFAULT_INPUT_SIZE = 256
_SMALLEST = 8  # pixels; nothing is trained on less


@dataclass(frozen=True)
class Diagnosis:
    """What a source suffers from.

    Attributes:
        dataset: Its pairs.
        evidence: What was measured.
        findings: The gravest first.
        split: The split that was checked, if one was given.
    """

    dataset: Dataset
    evidence: Evidence
    findings: tuple[Finding, ...]
    split: Split | None = None

    @property
    def part_of(self) -> dict[str, str]:
        """The part of each key of the split; empty without one."""
        return self.split.part_of() if self.split else {}

    @property
    def is_repairable(self) -> bool:
        """Whether `--fix` would change anything, and leave a pair."""
        return any(finding.kind.is_repaired for finding in self.findings) and not all(one.left_out for one in plan(self).values())

    def count(self, severity: str) -> int:
        """How many findings are of a severity."""
        return sum(finding.kind.severity == severity for finding in self.findings)

    def summary(self) -> str:
        """The whole in one line, such as `1000 pairs: 2 errors, 3 warnings, 1 note`."""
        counts = [counted(number, severity) for severity in SEVERITIES if (number := self.count(severity))]
        return f"{counted(len(self.dataset), 'pair')}: {', '.join(counts) or 'nothing found'}"

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "source": self.dataset.name,
            "place": self.dataset.place,
            "pairs": len(self.dataset),
            "input_size": self.evidence.input_size,
            "summary": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [finding.as_json() for finding in self.findings],
        }


def diagnose(
    source: str | Path,
    *,
    options: SourceOptions = DEFAULT_OPTIONS,
    input_size: int = DEFAULT_INPUT_SIZE,
    split: Mapping[str, Path] | Path | str | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Read every picture of a source once, and say what is wrong with it.

    Args:
        source: A folder, an archive, an annotation file or a catalog name.
        options: How it is to be read.
        input_size: Side of the square in pixels that training resizes to.
        split: A split to be checked for leaks: lists of ids by part, a split.json, or the name of an official split.
        progress: Called after each pair.

    Raises:
        DataError: There is no such source, or no such split of it.

    Example:
        >>> import tempfile
        >>> from limner.data.phantoms import write_phantoms
        >>> diagnose(write_phantoms(tempfile.mkdtemp(), "polyp", count=3, size=(64, 64))).summary()
        '3 pairs: nothing found'
    """
    if input_size < _SMALLEST:
        raise DataError(f"an input size of {input_size} pixels is too small", fix=f"give at least {_SMALLEST}")
    dataset = survey(source, options=options)
    if not dataset.items and not dataset.problems:
        raise DataError("there are no pictures in it", where=source, fix="name a folder or archive with images and masks")
    examinations = examine_all(dataset.items, input_size=input_size, progress=progress)
    seen = _seen(examinations)
    chosen = None if split is None else _split(dataset, split, seen)
    evidence = Evidence(
        examinations,
        dataset.problems,
        lookalikes=tuple(seen.lookalikes),
        leaks=_leaks(dataset, chosen, seen),
        val_drawn=split is not None and _is_val_drawn(dataset, split),
        input_size=input_size,
        declared=options.foreground is not None,
    )
    return Diagnosis(dataset, evidence, run_checks(evidence), chosen)


def _seen(examinations: tuple[Examination, ...]) -> SplitEvidence:
    """What splits ask of the pictures, without reading them again."""
    looks = {one.key: one.image.look for one in examinations if one.image}
    shares = {one.key: one.mask.coverage.share for one in examinations if one.mask and one.mask.coverage}
    return SplitEvidence(looks, shares)


def _split(dataset: Dataset, choice: Mapping[str, Path] | Path | str, seen: SplitEvidence) -> Split:
    """A saved split is taken as it is, even where files have changed since: that is for training to refuse."""
    if not isinstance(choice, Mapping) and str(choice).endswith(".json"):
        return load_split(choice)
    return choose_split(dataset, choice, DrawRules(), seen)


def _is_val_drawn(dataset: Dataset, choice: Mapping[str, Path] | Path | str) -> bool:
    if isinstance(choice, Mapping):
        return not {"val", "validation"} & set(choice)
    return names_official(choice, dataset) and "val" not in official_parts(dataset, str(choice))


def _leaks(dataset: Dataset, split: Split | None, seen: SplitEvidence) -> tuple[Leak, ...]:
    return find_leaks(dataset, split, seen.looks, lookalikes=seen.lookalikes).leaks if split else ()
