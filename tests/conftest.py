"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine, however busy it is.
settings.register_profile("limner", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("limner")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout, or the one that LIMNER_SHARED names; the test is skipped where there is none."""
    named = os.environ.get("LIMNER_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the real data is not beside the checkout (../shared, or the folder that LIMNER_SHARED names)")
    return folder
