"""Images, copies and patients in two parts of a split."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from limner.data.splits import Leak
    from limner.doctor.evidence import Evidence
    from limner.doctor.findings import Finding

_WORDS = {"group": "group {}", "identical": "identical", "copy": "a copy"}


def check_leaks(evidence: Evidence) -> Finding | None:
    """What two parts share: identical images, copies, and groups that are known."""
    files = {one.key: one.image_file for one in evidence.examinations}
    places = [_place(leak, evidence) for leak in evidence.leaks]
    cases = [
        Case((files[leak.first], files[leak.second]), (leak.first, leak.second), f"{place}: {_said(leak)}")
        for leak, place in zip(evidence.leaks, places, strict=True)
    ]
    parts = Counter(places)
    kinds = Counter(leak.kind for leak in evidence.leaks)
    shared = "; ".join(f"{number} in {names}" for names, number in parts.items())
    text = f"{counted(len(cases), 'leak')} between parts of the split ({shared})"
    return found("leak", cases, text, parts=dict(parts), kinds=dict(kinds))


def _place(leak: Leak, evidence: Evidence) -> str:
    """The two parts; a validation part that was drawn from the train part is that part to whoever gave the split."""
    return " and ".join("train" if part == "val" and evidence.val_drawn else part for part in leak.parts)


def _said(leak: Leak) -> str:
    score = f", score {leak.score:.3f}" if leak.kind == "copy" and leak.score is not None else ""
    return _WORDS.get(leak.kind, leak.kind).format(leak.group) + score
