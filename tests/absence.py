"""Fresh interpreters, with and without the packages of the workshop."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WORKSHOP = ["torch", "torchvision", "timm", "lightning", "onnx", "onnxscript", "safetensors", "tensorboard"]

# Code that makes an interpreter behave as if the extra `train` were not installed.
WITHOUT_WORKSHOP = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WORKSHOP!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run_python(code: str, folder: Path | None = None) -> str:
    """What `code` prints in a fresh interpreter; its traceback becomes the failure's message."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
