"""A virtual environment that holds what `pip install limner` brings, without any extra, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.clean.toys import write_model_by_hand

from limner.data.phantoms import write_phantoms

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LOCK = ROOT / "requirements" / "field.txt"


@dataclass(frozen=True)
class Environment:
    """An environment of its own.

    Attributes:
        bin: Where its programs are.
        home: The folder that holds what it works on.
    """

    bin: Path
    home: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, with nothing of the environment that runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "UV_", "PIP_"))}
        settings = {"PATH": f"{self.bin}{os.pathsep}{os.defpath}", "COLUMNS": "120", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [str(self.bin / command[0]), *map(str, command[1:])],
            cwd=self.home,
            env=kept | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def locked_names() -> list[str]:
    return re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment, with three phantoms in `phantoms/` and the model `model.onnx`.

    It is installed from uv's cache, from the lock, with every hash checked; limner as the wheel that would be published.
    """
    folder = tmp_path_factory.mktemp("clean")
    python = folder / "venv" / "bin" / "python"
    _do([BIN / "uv", "venv", "--offline", "--python", sys.executable, folder / "venv"])
    _do([BIN / "uv", "pip", "install", "--offline", "--python", python, "--no-deps", "--require-hashes", "-r", LOCK])
    _do([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], where=ROOT)
    _do([BIN / "uv", "pip", "install", "--offline", "--python", python, "--no-deps", *folder.glob("limner-*.whl")])
    write_phantoms(folder / "phantoms", "polyp", 3, (60, 80))
    write_model_by_hand(folder / "model.onnx")
    return Environment(python.parent, folder)


def _do(command: Sequence[str | Path], *, where: Path | None = None) -> None:
    """Run a step of the installation; where the cache cannot serve it, as after `uv cache clean`, nothing can be tested."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=where, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    if done.returncode:
        pytest.skip(f"a clean environment cannot be made without the net: {done.stderr.strip()[-300:]}")
