# ruff: noqa: INP001
"""Print, as Markdown, what the doctor finds in public data sets; for docs/doctor.md.

    .venv/bin/python tools/doctor_findings.py DATA

DATA is a folder with the official downloads: kvasir-seg/kvasir-seg.zip and so on. Data sets that are not there are passed over.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from limner.doctor import diagnose
from limner.progress import show_progress

if TYPE_CHECKING:
    from limner.doctor import Case, Diagnosis

ARCHIVES = (
    "kvasir-seg/kvasir-seg.zip",
    "cvc-clinicdb/CVC-ClinicDB.zip",
    "dsb2018/stage1_train.zip",
    "drive/DRIVE.zip",
    "chase_db1/CHASEDB1.zip",
)
SPLITS = {  # of Kvasir-SEG, as lists beside its archive
    "official-880-120": ("train", "test"),
    "effisegnet-800-100-100": ("train", "validation", "test"),
}
NAMED = ("near-duplicate", "duplicate", "leak")  # whose files are told one by one


def main(folder: Path) -> None:
    """Print all tables."""
    found = [examine(folder / archive) for archive in ARCHIVES if (folder / archive).is_file()]
    say("| data set | pairs | finding | severity | count | what |", "| --- | --- | --- | --- | --- | --- |")
    say(*(row for diagnosis in found for row in rows(diagnosis)), "")
    say("| data set | finding | files | measured |", "| --- | --- | --- | --- |")
    say(*(row for diagnosis in found for row in named(diagnosis)), "")
    if (folder / ARCHIVES[0]).is_file():
        say("| split of Kvasir-SEG | leaks | which |", "| --- | --- | --- |")
        for split, parts in SPLITS.items():
            lists = {part: folder / "kvasir-seg" / "splits" / f"{split}.{part}.txt" for part in parts}
            say(leaks(split, examine(folder / ARCHIVES[0], lists)))


def say(*lines: str) -> None:
    """Write lines to standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def examine(archive: Path, lists: dict[str, Path] | None = None) -> Diagnosis:
    """The doctor's diagnosis of an archive."""
    with show_progress(archive.name) as tick:
        return diagnose(archive, split=lists, progress=tick)


def rows(diagnosis: Diagnosis) -> list[str]:
    """A row for each finding, or one that says that there is none."""
    head = f"| {diagnosis.dataset.name} | {len(diagnosis.dataset)}"
    findings = [
        f"{head} | {finding.name} | {finding.kind.severity} | {len(finding.cases)} | {finding.text} |" for finding in diagnosis.findings
    ]
    return findings or [f"{head} | nothing found | | | |"]


def named(diagnosis: Diagnosis) -> list[str]:
    """A row for each case of the findings whose files are told one by one."""
    return [
        f"| {diagnosis.dataset.name} | {finding.name} | {stems(case)} | {case.remark} |"
        for finding in diagnosis.findings
        if finding.name in NAMED
        for case in finding.cases
    ]


def leaks(split: str, diagnosis: Diagnosis) -> str:
    """A row for one split."""
    cases = [case for finding in diagnosis.findings if finding.name == "leak" for case in finding.cases]
    return f"| {split} | {len(cases)} | {'; '.join(f'{stems(case)} ({case.remark})' for case in cases)} |"


def stems(case: Case) -> str:
    """The names of a case's files, without folders and suffixes."""
    return ", ".join(f"`{Path(file).stem}`" for file in case.files)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
