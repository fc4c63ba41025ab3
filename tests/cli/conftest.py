"""The command line called as a function, a data set, a model, and a run folder made without training."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.data.folders import pairs, write_folder
from tests.export.toys import write_toy
from typer.testing import CliRunner

from limner.cli.app import app
from limner.data import make_split, open_source, save_split

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

KEYS = [f"case{number}" for number in range(10)]


@pytest.fixture
def limner() -> Callable[..., Result]:
    """`limner("predict", model, ...)` returns exit code, standard output and standard error."""
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], prog_name="limner")


@pytest.fixture(scope="package")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed; copy it to change it."""
    return write_toy(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten images with masks."""
    return write_folder(tmp_path / "data", pairs(KEYS))


@pytest.fixture
def run(tmp_path: Path, toy_model: Path, data: Path) -> Path:
    """A run folder, as far as evaluation asks for one: 6 images to train, 2 to validate, 2 to test."""
    folder = tmp_path / "runs" / "toy"
    folder.mkdir(parents=True)
    shutil.copyfile(toy_model, folder / "model.onnx")
    save_split(make_split(KEYS, val_fraction=0.2, test_fraction=0.2, seed=1), open_source(data), folder / "split.json")
    return folder
