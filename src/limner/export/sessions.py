"""ONNX Runtime on a graph that is not a model file yet, or never will be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.runtime.model_file import default_threads

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(model: bytes) -> InferenceSession:
    """A session on the processor, as the predictor runs model files there."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = default_threads()
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])
