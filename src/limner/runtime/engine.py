"""What runs a model file's graph: an engine. This one is ONNX Runtime, on the processor or through one of its execution providers."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxruntime import InferenceSession, SessionOptions

    from limner.types import ImageArray, ProbArray

    Signature = Mapping[str, tuple[str, int]]  # name -> element type and rank

# limner's name of a provider -> ONNX Runtime's. What a provider cannot do, the next one does, at last the processor.
CHAINS: dict[str, tuple[str, ...]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
    "coreml": ("CoreMLExecutionProvider", "CPUExecutionProvider"),
    "directml": ("DmlExecutionProvider", "CPUExecutionProvider"),
}
# CUDA: no rounding of factors to ten bits, and no search through all algorithms, which would be done anew for each size of image.
_OPTIONS: dict[str, dict[str, str]] = {"CUDAExecutionProvider": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}}


class Engine(Protocol):
    """Runs one model. Any number of threads may call it at once.

    Attributes:
        name: The provider that runs it, in limner's words, such as `cpu`.
        inputs: What the graph takes: ONNX element type and rank by name.
        outputs: What it gives, likewise.
    """

    name: str
    inputs: Signature
    outputs: Signature

    def run(self, images: ImageArray) -> ProbArray:
        """The probabilities (N, H, W) of uint8 RGB images (N, H, W, 3), in an array of the caller's own."""


class OnnxEngine:
    """A model in ONNX Runtime.

    Args:
        model: The file's bytes.
        name: A key of `CHAINS`.
        threads: Of the processor, per run.

    Raises:
        Exception: Of any kind, as ONNX Runtime's errors have no common base: it does not accept the model, or has no such provider here.
    """

    def __init__(self, model: bytes, *, name: str, threads: int) -> None:
        self.name = name
        self.session = _session(model, CHAINS[name], threads)
        self.inputs = _signature(self.session.get_inputs())
        self.outputs = _signature(self.session.get_outputs())
        # DirectML alone runs one at a time: https://onnxruntime.ai/docs/execution-providers/DirectML-ExecutionProvider.html
        self._turn: AbstractContextManager[Any] = Lock() if name == "directml" else nullcontext()

    def run(self, images: ImageArray) -> ProbArray:
        """See `Engine`."""
        with self._turn:
            return cast("ProbArray", self.session.run(["probs"], {"image": images})[0])


def _session(model: bytes, chain: tuple[str, ...], threads: int) -> InferenceSession:
    import onnxruntime

    if "CUDAExecutionProvider" in chain and hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(sys.stderr):  # standard output is for results
            onnxruntime.preload_dlls()  # finds CUDA where it was installed by pip
    present = [provider for provider in chain if provider in onnxruntime.get_available_providers()]
    providers = [(provider, _OPTIONS.get(provider, {})) for provider in present]
    session = onnxruntime.InferenceSession(model, session_options(threads), providers=providers, enable_fallback=0)
    if chain[0] not in session.get_providers():  # where a library is missing, it goes on without the provider and only logs it
        raise RuntimeError(f"ONNX Runtime cannot load {chain[0]}: a driver or a library that it needs is missing")
    return session


def session_options(threads: int) -> SessionOptions:
    """How ONNX Runtime is set up for every session of limner's."""
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong comes as an exception; its log line would only be printed beside it
    options.add_session_config_entry("session.load_model_format", "ONNX")  # not the other format that it would know by four letters
    # Threads that wait busily make a run a little faster, but must not go on so after it: the next model of an ensemble took twice as long.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_mem_pattern = False  # a plan is kept for every image size ever seen, which a long-lived process cannot afford
    return options


def _signature(values: list[Any]) -> Signature:
    return {value.name: (value.type, len(value.shape)) for value in values}
