"""Where in a model file's graph its network is, or its networks: what lies before and after them is left alone when precision changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx.utils import Extractor

from limner.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import onnx

_PREFIX = re.compile(r"(?:model-\d+/)?network/")  # what `join` and an ensemble put before a network's names
WEIGHTED = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})  # the layers, which have weights and do the work


@dataclass(frozen=True)
class Network:
    """One network of a model file, which may be an ensemble of several.

    Attributes:
        prefix: Of its nodes' names, such as `network/`.
        nodes: In the order of the graph.
        inputs: Tensors that come into it from the stages before.
        outputs: Tensors that go out of it, such as the logits.
        first: The layers that see the image.
        last: The layers that give the logits, and whatever comes after them.
    """

    prefix: str
    nodes: tuple[onnx.NodeProto, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    first: frozenset[str]
    last: frozenset[str]

    @property
    def layers(self) -> list[str]:
        """Names of all layers, without the prefix."""
        return [node.name.removeprefix(self.prefix) for node in self.nodes if node.op_type in WEIGHTED]

    @property
    def inner(self) -> list[str]:
        """Those that neither see the image nor give the logits."""
        edges = self.first | self.last
        return [name for name in self.layers if self.prefix + name not in edges]


def find_networks(model: onnx.ModelProto, where: str | Path | None = None) -> list[Network]:
    """The networks of a model, in the order of the graph.

    Raises:
        ModelFileError: There is none.
    """
    prefixes = dict.fromkeys(found.group() for node in model.graph.node if (found := _PREFIX.match(node.name)))
    if not prefixes:
        fix = "make the file again with `limner export`"
        raise ModelFileError("the file's graph does not say where its network begins and ends", where=where, fix=fix)
    return [_network(model.graph, prefix) for prefix in prefixes]


def extract(model: onnx.ModelProto, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> onnx.ModelProto:
    """The part of a model that leads from some of its tensors to others."""
    return Extractor(model).extract_model(list(inputs), list(outputs))


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every node after those that it needs."""
    from onnxruntime.quantization.onnx_model import ONNXModel

    wrapped = ONNXModel(model)
    wrapped.topological_sort()
    result: onnx.ModelProto = wrapped.model
    return result


def _network(graph: onnx.GraphProto, prefix: str) -> Network:
    nodes = tuple(node for node in graph.node if node.name.startswith(prefix))
    constants = {tensor.name for tensor in graph.initializer} | {""}
    made = {name for node in nodes for name in node.output}
    inputs = dict.fromkeys(name for node in nodes for name in node.input if name not in made | constants)
    wanted = {name for node in graph.node if not node.name.startswith(prefix) for name in node.input}
    outputs = [name for node in nodes for name in node.output if name in wanted]
    return Network(prefix, nodes, tuple(inputs), tuple(outputs), _first(nodes, inputs), _last(nodes, outputs))


def _first(nodes: Sequence[onnx.NodeProto], inputs: Iterable[str]) -> frozenset[str]:
    reached, found = set(inputs), set[str]()
    for node in nodes:  # each comes after those that it needs
        if reached & set(node.input) and node.op_type in WEIGHTED:
            found.add(node.name)
        elif reached & set(node.input):
            reached.update(node.output)
    return frozenset(found)


def _last(nodes: Sequence[onnx.NodeProto], outputs: Iterable[str]) -> frozenset[str]:
    reached, found = set(outputs), set[str]()
    for node in reversed(nodes):
        if reached & set(node.output):
            found.add(node.name)
            reached.update(() if node.op_type in WEIGHTED else node.input)
    return frozenset(found)
