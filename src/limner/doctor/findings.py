"""What a check returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limner.doctor.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from limner.doctor.kinds import Kind


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is wrong: a file, a pair, or several pairs that are wrong together.

    Attributes:
        files: Names of the files within the source that it is about.
        keys: Keys of the pairs that it is about; none for files that belong to no pair.
        remark: What was measured, one phrase; may be empty.
    """

    files: tuple[str, ...]
    keys: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """All cases of one kind.

    Attributes:
        name: The kind's name.
        cases: One or more.
        text: What was found, one sentence.
        details: Measured values, as JSON has them.
    """

    name: str
    cases: tuple[Case, ...]
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What is known of all findings of this kind."""
        return KINDS[self.name]

    @property
    def files(self) -> tuple[str, ...]:
        """All files, each once, in the order of the cases."""
        return tuple(dict.fromkeys(file for case in self.cases for file in case.files))

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, each once, in the order of the cases."""
        return tuple(dict.fromkeys(key for case in self.cases for key in case.keys))

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        kind = self.kind
        return {
            "kind": kind.name,
            "severity": kind.severity,
            "count": len(self.cases),
            "text": self.text,
            "why": kind.why,
            "cure": kind.cure,
            "fix": kind.fix,
            "files": list(self.files),
            "keys": list(self.keys),
            "cases": [{"files": list(case.files), "keys": list(case.keys), "remark": case.remark} for case in self.cases],
            "details": dict(self.details),
        }


def found(name: str, cases: Iterable[Case], text: str, **details: Any) -> Finding | None:  # noqa: ANN401 - JSON values
    """A finding, or None where there are no cases."""
    cases = tuple(cases)
    return Finding(name, cases, text, details) if cases else None
