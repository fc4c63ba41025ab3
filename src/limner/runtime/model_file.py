"""Open a model: an `.onnx` file, a run folder, or a shipped model's name -> an engine that runs it, with its metadata.

Opening executes nothing but the engine's own operators: the file is data, and what it says is checked before it is used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from limner.errors import ModelFileError, nearest
from limner.runtime.format import ModelMetadata, parse_metadata, read_metadata, read_model
from limner.runtime.providers import start_engine
from limner.runtime.shipped import shipped_names, shipped_path

if TYPE_CHECKING:
    from limner.runtime.engine import Engine

__all__ = ["ModelFile", "ModelMetadata", "default_threads", "find_model", "open_model", "read_metadata"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An open model.

    Attributes:
        path: The `.onnx` file.
        engine: Runs it.
        metadata: What the file says about itself.
    """

    path: Path
    engine: Engine
    metadata: ModelMetadata


def open_model(place: str | Path, *, threads: int | None = None, provider: str = "auto") -> ModelFile:
    """Open a model.

    Args:
        place: An `.onnx` file, a run folder, or a shipped model's name.
        threads: Processor threads per prediction; by default as many as there are physical cores.
        provider: What runs it, one of `limner.runtime.providers.PROVIDERS`.

    Raises:
        ModelFileError: There is no such model, or its file is damaged, not limner's, or of a newer format.
        LimnerError: The provider is not there, or cannot run the model.
    """
    path = find_model(place)
    model = read_model(path)
    metadata = parse_metadata(model, where=path)
    engine = start_engine(model, path, provider=provider, threads=threads or default_threads(), size=metadata.input_size)
    return ModelFile(path, engine, metadata)


def find_model(place: str | Path) -> Path:
    """The `.onnx` file that is meant by a path, a run folder or a shipped model's name.

    A shipped model's name comes before a folder of that name; write `./NAME` for the folder.

    Raises:
        ModelFileError: There is none.
    """
    name, path = str(place), Path(place)
    if name in shipped_names():
        return shipped_path(name)
    if path.is_dir():
        return _in_run(path)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    known = shipped_names()
    hint = nearest(name, known) if known else "no model is shipped with this version"
    raise ModelFileError(f"there is no model named '{name}'", fix=f"give an .onnx file or a run folder ({hint})")


def default_threads() -> int:
    """Physical cores that this process may use: hyper-threads add nothing to dense arithmetic."""
    cores = psutil.cpu_count(logical=False) or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return min(cores, allowed)


def _in_run(folder: Path) -> Path:
    path = folder / "model.onnx"
    if path.is_file():
        return path
    if (folder / "folds.json").is_file():
        fix = (
            f"give one of its folds, such as {folder / 'folds' / 'fold-1'}, or join them: `limner train --out {folder} --resume --ensemble`"
        )
        raise ModelFileError("the folder is a cross-validation, whose models are not joined in one file", where=folder, fix=fix)
    if (folder / "recipe.yaml").is_file() or (folder / "run.json").is_file():
        resume, export = f"limner train ... --out {folder} --resume", f"limner export {folder} --out MODEL.onnx"
        fix = f"finish it with `{resume}`, or export what it has with `{export}`"
        raise ModelFileError("the run has not finished: it has no model.onnx yet", where=folder, fix=fix)
    raise ModelFileError("the folder is not a run: it holds no model.onnx", where=folder, fix="give an .onnx file or the folder of a run")
