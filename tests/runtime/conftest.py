"""A model file of a small network, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.export.toys import write_toy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="package")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed; copy it to change it."""
    return write_toy(tmp_path_factory.mktemp("model") / "toy.onnx")
