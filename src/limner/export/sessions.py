"""ONNX Runtime on a graph that is not a model file yet, or never will be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.runtime.engine import session_options
from limner.runtime.model_file import default_threads

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(model: bytes) -> InferenceSession:
    """A session on the processor, as the predictor runs model files there."""
    from onnxruntime import InferenceSession

    return InferenceSession(model, session_options(default_threads()), providers=["CPUExecutionProvider"])
