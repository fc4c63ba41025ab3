"""Which pairs lie in a folder that looks like a copy of another."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.doctor.evidence import Evidence


def pairs_in_copies(evidence: Evidence) -> list[str]:
    """Keys of the pairs in all but the first folder of each group of folders with images of the same names."""
    groups = [problem.files for problem in evidence.problems if problem.kind == "copied-folder"]
    later = {folder for folders in groups for folder in folders[1:]}
    return [one.key for one in evidence.examinations if f"{PurePosixPath(one.image_file).parent}/" in later]
