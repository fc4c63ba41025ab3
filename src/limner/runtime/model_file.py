"""Open a model: an `.onnx` file, a run folder, or a shipped model's name -> a session of ONNX Runtime with its metadata.

Opening executes nothing but ONNX Runtime's own operators: the file is data, and what it says is checked before it is used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from limner.errors import ModelFileError, nearest
from limner.runtime.format import ModelMetadata, parse_metadata, read_metadata, read_model
from limner.runtime.shipped import shipped_names, shipped_path

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["ModelFile", "ModelMetadata", "default_threads", "find_model", "open_model", "read_metadata"]

# Name -> element type and rank of what every model file takes and gives.
_INPUTS = {"image": ("tensor(uint8)", 4)}
_OUTPUTS = {"probs": ("tensor(float)", 3), "mask": ("tensor(uint8)", 3)}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An open model.

    Attributes:
        path: The `.onnx` file.
        session: Takes `image` uint8 (N, H, W, 3), gives `probs` float32 (N, H, W) and `mask` uint8 (N, H, W) of 0 and 1.
        metadata: What the file says about itself.
    """

    path: Path
    session: InferenceSession
    metadata: ModelMetadata


def open_model(place: str | Path, *, threads: int | None = None) -> ModelFile:
    """Open a model.

    Args:
        place: An `.onnx` file, a run folder, or a shipped model's name.
        threads: Processor threads per prediction; by default as many as there are physical cores.

    Raises:
        ModelFileError: There is no such model, or its file is damaged, not limner's, or of a newer format.
    """
    path = find_model(place)
    model = read_model(path)
    metadata = parse_metadata(model, where=path)
    session = _start(model, path, threads or default_threads())
    _check_interface(session, path)
    return ModelFile(path, session, metadata)


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


def _start(model: bytes, path: Path, threads: int) -> InferenceSession:
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong comes as an exception; its log line would only be printed beside it
    options.enable_mem_pattern = False  # a plan is kept for every image size ever seen, which a long-lived process cannot afford
    try:
        return InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
        reason = str(error).strip().splitlines()[0]
        fix = "upgrade with `pip install --upgrade onnxruntime`, or make the file again with `limner export`"
        raise ModelFileError(f"ONNX Runtime does not accept the file: {reason}", where=path, fix=fix) from None


def _check_interface(session: InferenceSession, path: Path) -> None:
    inputs, outputs = _signature(session.get_inputs()), _signature(session.get_outputs())
    if inputs != _INPUTS or any(outputs.get(name) != kind for name, kind in _OUTPUTS.items()):
        what = "the file does not take `image` and give `probs` and `mask` as limner's models do"
        raise ModelFileError(what, where=path, fix="make the file again with `limner export`")


def _signature(values: list[Any]) -> dict[str, tuple[str, int]]:
    return {value.name: (value.type, len(value.shape)) for value in values}
