"""Damaged files of every kind give a picture or an error that names them, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_damaged_files_give_a_picture_or_an_error() -> None:
    pytest.importorskip("resource")  # limits of memory and time are Unix's
    done = subprocess.run([sys.executable, "-m", "tests.imaging.fuzz"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    said = done.stderr.splitlines()
    assert done.returncode == 0, f"ended by {done.returncode} at or after {said[-1:]}"
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert sum(found["outcomes"].values()) == len(said) >= 3_000, "decoders wrote to standard error themselves"
    assert min(found["outcomes"].values()) > 500
