"""What the names alone tell: files that belong to no pair, or to several."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from limner.data.problems import ProblemKind
from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.doctor.evidence import Evidence
    from limner.doctor.findings import Finding

_TEXTS: dict[ProblemKind, str] = {
    "orphan-image": "{n} without a mask",
    "orphan-mask": "{n} without an image",
    "collision": "{n} of files that lay claim to one key",
    "rival-masks": "{n} in which several folders look like the masks of the same images",
    "copied-folder": "{n} of folders that hold images of the same names",
    "left-out": "{n} of files that are not used",
    "annotation": "{n} in annotation files that cannot be used",
}
_NOUNS: dict[ProblemKind, str] = {
    "orphan-image": "image",
    "orphan-mask": "mask",
    "collision": "group",
    "rival-masks": "place",
    "copied-folder": "group",
    "left-out": "group",
    "annotation": "entr(y|ies)",
}


def check_no_pairs(evidence: Evidence) -> Finding | None:
    """Pictures, but not one image with a mask."""
    return None if evidence.examinations else found("no-pairs", [Case(())], "no image with a mask")


def check_names(evidence: Evidence) -> Iterator[Finding | None]:
    """One finding for each kind of problem that pairing has met."""
    for kind in get_args(ProblemKind):
        cases = [Case(problem.files, (), problem.text.partition(": ")[2]) for problem in evidence.problems if problem.kind == kind]
        yield found(kind, cases, _TEXTS[kind].format(n=_said(len(cases), _NOUNS[kind])))


def _said(number: int, noun: str) -> str:
    if noun == "entr(y|ies)":
        return f"{number} {'entry' if number == 1 else 'entries'}"
    return counted(number, noun)
