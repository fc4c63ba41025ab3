"""A model file of a small network, and what a benchmark of it finds, each made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.data.folders import image_bytes, write_folder
from tests.export.toys import write_toy

from limner.timing.run import run_bench

if TYPE_CHECKING:
    from pathlib import Path

    from limner.timing.result import BenchResult


@pytest.fixture(scope="package")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed; copy it to change it."""
    return write_toy(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five images of three sizes."""
    sizes = [(40, 50), (30, 20), (40, 50), (64, 48), (30, 20)]
    return write_folder(tmp_path_factory.mktemp("pictures"), {f"{n}.png": image_bytes(n, size) for n, size in enumerate(sizes)})


@pytest.fixture(scope="package")
def found(toy_model: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> BenchResult:
    """A model and its copy, measured as briefly as can be."""
    copy = shutil.copyfile(toy_model, tmp_path_factory.mktemp("copy") / "copy.onnx")
    return run_bench([toy_model, copy], pictures, providers=["cpu"], threads=1, rounds=2, seconds=0.01, most=3)
