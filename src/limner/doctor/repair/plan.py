"""What is to be done with each pair, by the findings that it is named in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from limner.doctor.checks.geometry import is_doubtful, turning_tag
from limner.doctor.repair.roots import pairs_in_copies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from limner.doctor.diagnose import Diagnosis
    from limner.doctor.examination import Examination
    from limner.doctor.findings import Finding

Step: TypeAlias = Literal["upright", "flatten", "turn", "resize", "binarise", "invert"]

_TWINS = {"duplicate", "near-duplicate", "similar-frames"}  # of each case one is kept, even when they are asked to be left out
KEEPABLE = frozenset({"alpha-channel", "constant-image", "duplicate", "exif-rotation", "full-mask", "inverted-mask", "near-duplicate"})
"""Kinds that are suspicions: whoever knows better may have their pairs kept as they are."""
_STEPS: dict[str, Step] = {
    "exif-rotation": "upright",
    "alpha-channel": "flatten",
    "transposed-mask": "turn",
    "resized-mask": "resize",
    "not-binary": "binarise",
    "inverted-mask": "invert",
}


@dataclass(slots=True)
class Decision:
    """What becomes of a pair.

    Attributes:
        left_out: Why it is left out, a phrase for each reason; empty where it is kept.
        steps: How it is mended.
        remarks: Kinds of findings that it is kept in spite of.
    """

    left_out: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def plan(diagnosis: Diagnosis, leave_out: Collection[str] = (), keep: Collection[str] = ()) -> dict[str, Decision]:
    """Decide for each pair.

    Args:
        diagnosis: What was found.
        leave_out: Kinds whose pairs are to be left out, too; of twins all but one.
        keep: Kinds of `KEEPABLE` of which nothing is mended or left out.

    Returns:
        By key, in the order of the data set.
    """
    decisions: defaultdict[str, Decision] = defaultdict(Decision)
    by_key = {one.key: one for one in diagnosis.evidence.examinations}
    for finding in diagnosis.findings:
        if finding.name in keep:
            _remark(decisions, finding)
        elif finding.name not in _TWINS:
            _decide(finding, decisions, by_key, leave_out)
    if "copied-folder" in leave_out:
        _leave_out(decisions, pairs_in_copies(diagnosis.evidence), "copied-folder")
    for finding in diagnosis.findings:
        if finding.name in _TWINS and finding.name not in keep:
            _decide_twins(finding, decisions, by_key, leave_out, diagnosis.part_of)
    return {key: decisions[key] for key in by_key}


def _decide(finding: Finding, decisions: dict[str, Decision], by_key: dict[str, Examination], leave_out: Collection[str]) -> None:
    if finding.name in leave_out or finding.kind.remedy == "leave out":
        _leave_out(decisions, finding.keys, finding.name)
        return
    step = _STEPS.get(finding.name)
    if step is None:
        _remark(decisions, finding)
        return
    for key in finding.keys:
        if step == "turn" and not _can_turn(by_key[key]):
            decisions[key].left_out.append(f"{finding.name}, and no tag says which way")
        elif step == "upright" and is_doubtful(by_key[key]) and any(map(_can_turn, by_key.values())):
            decisions[key].left_out.append(f"{finding.name}, and other masks of this data are not turned like their images")
        elif step == "flatten" and _is_lost(by_key[key]):
            decisions[key].left_out.append(f"{finding.name}, and nothing is left of the mask without it")
        else:
            decisions[key].steps.append(step)


def _remark(decisions: dict[str, Decision], finding: Finding) -> None:
    for key in finding.keys:
        decisions[key].remarks.append(finding.name)


def _decide_twins(
    finding: Finding,
    decisions: dict[str, Decision],
    by_key: dict[str, Examination],
    leave_out: Collection[str],
    part_of: dict[str, str],
) -> None:
    for case in finding.cases:
        if finding.kind.remedy != "keep one" and finding.name not in leave_out:
            for key in case.keys:
                decisions[key].remarks.append(finding.name)
            continue
        left = [key for key in case.keys if not decisions[key].left_out]
        kept = _kept([by_key[key] for key in left], part_of)
        for key in left:
            if key in kept:
                decisions[key].remarks += [finding.name] if len(kept) > 1 else []
            else:
                decisions[key].left_out.append(f"{finding.name} of {kept[0]}")


def _kept(twins: Sequence[Examination], part_of: dict[str, str]) -> list[str]:
    """Which of some twins stay: all of the test part, which is never changed; else the largest, a lossless one before a lossy one."""
    tested = [one.key for one in twins if part_of.get(one.key) == "test"]
    return tested or [one.key for one in sorted(twins, key=_worth)[:1]]


def _worth(one: Examination) -> tuple[int, bool, str]:
    """The best first."""
    return (-one.image.size[0] * one.image.size[1], one.image.lossy, one.key) if one.image else (0, True, one.key)


def _can_turn(one: Examination) -> bool:
    """Whether the mask lies across its image, and a tag says which way it has to be turned."""
    if one.image is None or one.mask is None or one.image.size == one.mask.size:
        return False
    return one.mask.size == one.image.size[::-1] and turning_tag(one.image, one.mask) is not None


def _is_lost(one: Examination) -> bool:
    """Whether a mask may have been drawn in its transparency, which is dropped on reading."""
    return one.mask is not None and one.mask.transparent and (one.mask.coverage is None or one.mask.coverage.share in {0, 1})


def _leave_out(decisions: dict[str, Decision], keys: Iterable[str], why: str) -> None:
    for key in keys:
        if why not in decisions[key].left_out:
            decisions[key].left_out.append(why)
