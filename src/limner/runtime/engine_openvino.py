"""OpenVINO as an engine, opt-in by its name: on many processors it runs quantised models faster than ONNX Runtime.

OpenVINO reads the same file, but leaves out the antialiasing of a Resize (in 2026.4: it becomes an interpolation between neighbours, with
masks that differ), and its own antialiased one takes seconds and memory for every new size of image. So the graph is cut at these nodes
into stages, which OpenVINO runs, and what lies between them is resized here. The stage with the network then has one fixed shape, for
images of any size, and is compiled once.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limner.errors import MissingExtraError
from limner.runtime.planes import resize_planes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from limner.runtime.engine import Signature
    from limner.types import ImageArray, ProbArray

_TYPES = {"u8": "tensor(uint8)", "f32": "tensor(float)"}
_IMPORTING = Lock()  # while a package is hidden, it is hidden from all threads
_IMAGE = "image"


class _Stage(NamedTuple):
    request: Any
    takes: list[str]
    gives: list[str]  # what is resized after it; of the last stage nothing


class OpenVinoEngine:
    """A model in OpenVINO, on the processor, computed in float32 (but for what is quantised) also where bfloat16 would be faster.

    Args:
        model: The file's bytes.
        threads: Of the processor, per run.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        Exception: OpenVINO does not accept the model.
    """

    name = "openvino"

    def __init__(self, model: bytes, *, threads: int) -> None:
        core = _openvino().Core()
        graph = core.read_model(model=model)
        self.inputs, self.outputs = _signature(graph.inputs), _signature(graph.outputs)
        config = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        self._stages = _stages(graph, lambda part: core.compile_model(part, "CPU", config).create_infer_request())
        self._turn = Lock()  # a request is for one at a time, and the processor is busy with one

    def run(self, images: ImageArray) -> ProbArray:
        """See `Engine`. One image after the other: on a processor, a batch is no faster."""
        return np.concatenate([self._one(image) for image in np.ascontiguousarray(images)[:, None]])

    def _one(self, image: ImageArray) -> ProbArray:
        values: dict[str, Any] = {_IMAGE: image}
        found: list[Any] = []
        for stage in self._stages:
            with self._turn:
                result = stage.request.infer([values[name] for name in stage.takes], share_inputs=True)
                found = [result[place] for place in range(len(result))]
            for name, planes, shape in zip(stage.gives, found[::2], found[1::2], strict=False):
                values[name] = resize_planes(planes, (int(shape[2]), int(shape[3])))
        probs: ProbArray = found[0]
        return probs


def _openvino() -> Any:  # noqa: ANN401
    try:
        with _IMPORTING, _hidden("openvino_telemetry"):
            import openvino
    except ImportError:
        raise MissingExtraError("openvino", needed_for="the provider 'openvino'") from None
    return openvino


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let a package be as if it were not installed.

    With openvino_telemetry, which it installs, the mere import of OpenVINO sends a message to a web address, and leaves an identity in the
    home folder by which the next ones are known. Without it, it goes on without.
    """
    known = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails
    try:
        yield
    finally:
        del sys.modules[name]
        if known is not None:
            sys.modules[name] = known


def _signature(ports: Iterable[Any]) -> Signature:
    return {port.any_name: (_TYPES.get(port.element_type.get_type_name(), "?"), port.partial_shape.rank.get_length()) for port in ports}


def _stages(graph: Any, compiled: Any) -> list[_Stage]:  # noqa: ANN401
    """Cut a graph at its antialiased resizings. Each stage is what can be computed once those of the stages before it are done."""
    graph.reshape({_IMAGE: [1, -1, -1, 3]})
    resizings = [node for node in graph.get_ordered_ops() if node.get_type_name() == "Interpolate" and node.get_attributes()["antialias"]]
    names = {graph.input(_IMAGE).get_node().get_name(): _IMAGE}  # of the parameters, by OpenVINO's own
    depths = {_IMAGE: 0}
    for number, node in enumerate(resizings):
        name = f"resized-{number}"
        depths[name] = 1 + max((depths[names[parameter]] for parameter in _parameters(node.input_values())), default=0)
        names[_replaced_by_parameter(node)] = name

    def stage(outputs: list[Any], gives: list[str]) -> _Stage:
        parameters = _parameters(outputs)
        part = _model(outputs, list(parameters.values()))
        return _Stage(compiled(part), [names[parameter] for parameter in parameters], gives)

    found = []
    for depth in sorted(set(depths.values()) - {0}):
        of_depth = {f"resized-{number}": node for number, node in enumerate(resizings) if depths[f"resized-{number}"] == depth}
        found.append(stage([value for node in of_depth.values() for value in node.input_values()[:2]], list(of_depth)))
    return [*found, stage([graph.output("probs").get_node().input_value(0)], [])]


def _replaced_by_parameter(node: Any) -> str:  # noqa: ANN401
    """Let a new parameter stand for what a node gives; its name."""
    from openvino import opset13

    parameter = opset13.parameter(node.get_output_partial_shape(0), np.float32)
    node.output(0).replace(parameter.output(0))
    return str(parameter.get_name())


def _model(outputs: list[Any], parameters: list[Any]) -> Any:  # noqa: ANN401
    from openvino import Model, opset13

    return Model([opset13.result(output) for output in outputs], parameters)


def _parameters(outputs: Iterable[Any]) -> dict[str, Any]:
    """The parameters that some values are computed from, by name."""
    seen: set[str] = set()
    found: dict[str, Any] = {}
    waiting = [output.get_node() for output in outputs]
    while waiting:
        node = waiting.pop()
        if node.get_name() not in seen:
            seen.add(node.get_name())
            if node.get_type_name() == "Parameter":
                found[node.get_name()] = node
            waiting.extend(value.get_node() for value in node.input_values())
    return found
