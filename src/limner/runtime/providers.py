"""Which engine runs a model: by name, or the best one that is really there and gives the answers of the processor."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from limner.errors import LimnerError, LimnerWarning, ModelFileError, nearest
from limner.runtime.engine import CHAINS, OnnxEngine
from limner.runtime.engine_openvino import OpenVinoEngine

if TYPE_CHECKING:
    from pathlib import Path

    from limner.runtime.engine import Engine
    from limner.types import ImageArray

PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "directml")
# What `auto` looks for before the processor. Not OpenVINO, which rounds quantised models otherwise; not TensorRT, which compiles for
# minutes at every new size of image; not Core ML, which computes in half precision.
_FASTER = ("cuda", "directml")
_AGREES = 0.01  # the largest difference of a probability from the processor's that `auto` takes for rounding
_LARGEST = 1024  # side in pixels of the image that an engine is tried on

# What every model file takes and gives: element type and rank by name.
_INPUTS = {"image": ("tensor(uint8)", 4)}
_OUTPUTS = {"probs": ("tensor(float)", 3), "mask": ("tensor(uint8)", 3)}

_NVIDIA = "pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]', with a driver of NVIDIA's"
_INSTALL = {
    "cuda": _NVIDIA,
    "tensorrt": f"{_NVIDIA}; and pip install tensorrt",
    "directml": "on Windows: pip uninstall onnxruntime, then pip install onnxruntime-directml",
    "coreml": "on macOS: pip install onnxruntime",
}


def available_providers() -> list[str]:
    """Names of the providers that are installed here, which is not to say that the device that one needs is there.

    Example:
        >>> "cpu" in available_providers()
        True
    """
    import onnxruntime

    present = onnxruntime.get_available_providers()
    found = {name for name, chain in CHAINS.items() if chain[0] in present}
    if find_spec("openvino") is not None:
        found.add("openvino")
    return [name for name in PROVIDERS if name in found]


def start_engine(model: bytes, path: Path, *, provider: str, threads: int, size: tuple[int, int]) -> Engine:
    """Start a model, and run it once, so that the first prediction takes no longer than the later ones.

    Args:
        model: The file's bytes, which have been checked.
        path: Where they come from.
        provider: One of `PROVIDERS`.
        threads: Of the processor, per run.
        size: Height and width of what the network sees.

    Raises:
        LimnerError: There is no such provider, or it cannot run the model here.
        MissingExtraError: It needs an extra that is not installed.
        ModelFileError: The processor cannot run the model either, or it is none of limner's.

    Warns:
        LimnerWarning: `auto` goes on with the processor, since what would be faster does not work, or gives other answers.
    """
    wanted = _Wanted(model, path, threads, _trial(size))
    if provider != "auto":
        return _named(provider, wanted)
    processor = _named("cpu", wanted)
    for name in _FASTER:
        if name in available_providers() and (found := _trusted(name, wanted, processor)):
            return found
    return processor


class _Wanted(NamedTuple):
    model: bytes
    path: Path
    threads: int
    trial: ImageArray


def _named(name: str, wanted: _Wanted) -> Engine:
    if name not in PROVIDERS:
        raise LimnerError(f"there is no provider '{name}'", fix=nearest(name, PROVIDERS))
    if name in _INSTALL and name not in available_providers():
        what = f"the provider '{name}' is not installed; what is: {', '.join(available_providers())}"
        raise LimnerError(what, fix=_INSTALL[name])
    try:
        return _started(name, wanted)
    except LimnerError:
        raise
    except Exception as error:  # noqa: BLE001 - the engines' errors have no common base
        raise _refusal(name, _reason(error), wanted.path) from None


def _refusal(name: str, reason: str, path: Path) -> LimnerError:
    if name == "cpu":
        fix = "upgrade with `pip install --upgrade onnxruntime`, or make the file again with `limner export`"
        return ModelFileError(f"ONNX Runtime does not accept the file: {reason}", where=path, fix=fix)
    fix = "leave the provider to `auto`, or take `cpu`" + (f"; what '{name}' needs: {_INSTALL[name]}" if name in _INSTALL else "")
    return LimnerError(f"the provider '{name}' cannot run the model here: {reason}", where=path, fix=fix)


def _trusted(name: str, wanted: _Wanted, processor: Engine) -> Engine | None:
    """An engine that nobody has asked for by name, if it gives the processor's answers."""
    try:
        engine = _started(name, wanted)
        difference = float(np.abs(engine.run(wanted.trial) - processor.run(wanted.trial)).max())
    except Exception as error:  # noqa: BLE001 - the engines' errors have no common base
        problem = f"does not work here ({_reason(error)})"
    else:
        if difference <= _AGREES:
            return engine
        problem = f"gives other probabilities than the processor (by up to {difference:.2g})"
    warnings.warn(f"the provider '{name}' {problem}: the processor is used instead", LimnerWarning, stacklevel=2)
    return None


def _started(name: str, wanted: _Wanted) -> Engine:
    engine: Engine
    if name == "openvino":
        engine = OpenVinoEngine(wanted.model, threads=wanted.threads)
    else:
        engine = OnnxEngine(wanted.model, name=name, threads=wanted.threads)
    _check_interface(engine, wanted.path)
    if engine.run(wanted.trial).shape != wanted.trial.shape[:3]:
        what = "the file gives probabilities of another size than its image has"
        raise ModelFileError(what, where=wanted.path, fix="make the file again with `limner export`")
    return engine


def _trial(size: tuple[int, int]) -> ImageArray:
    """Noise, higher and less wide than what the network sees: it is shrunk on one side and enlarged on the other, before and after."""
    height, width = (max(2, min(side, _LARGEST)) for side in size)
    return np.random.default_rng(0).integers(0, 256, (1, height * 3 // 2, width * 2 // 3, 3), dtype=np.uint8)


def _check_interface(engine: Engine, path: Path) -> None:
    if engine.inputs != _INPUTS or any(engine.outputs.get(name) != kind for name, kind in _OUTPUTS.items()):
        what = "the file does not take `image` and give `probs` and `mask` as limner's models do"
        raise ModelFileError(what, where=path, fix="make the file again with `limner export`")


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
