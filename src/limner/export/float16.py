"""float32 -> float16: a file of half the size, whose network computes in half precision where the hardware can."""

from __future__ import annotations

import onnx

from limner.export.networks import Network, extract, find_networks, in_order


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model whose network is in float16. What lies before and after it, and what it takes and gives, stays float32.

    Weights beyond the range of float16 (65504) are brought into it. On processors ONNX Runtime has next to no kernels for float16: it
    converts there and back, and gains nothing. Graphics cards gain.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for network in find_networks(model):
        _replace(result, network, _halved(model, network))
    return in_order(result)


def _halved(model: onnx.ModelProto, network: Network) -> onnx.ModelProto:
    """The network alone; its conversions from and to float32 get names of their own."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    whole = extract(model, network.inputs, network.outputs)
    _forget_constants(whole)
    core: onnx.ModelProto = convert_float_to_float16(whole, keep_io_types=True, disable_shape_infer=True)
    casts = {name: network.prefix + name for node in core.graph.node for name in node.output if name.startswith("graph_")}
    halves = {tensor.name: tensor.name + "/half" for tensor in core.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    names = casts | halves  # what is shared with another network, or with what lies around, stays there as it was
    for node in core.graph.node:
        node.name = node.name if node.name.startswith(network.prefix) else network.prefix + node.name
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*core.graph.value_info, *core.graph.initializer):
        value.name = names.get(value.name, value.name)
    return core


def _forget_constants(model: onnx.ModelProto) -> None:
    """Take the types of constants out of the list of values: the converter would believe that a factor of resizing has become float16."""
    constants = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.value_info if value.name not in constants]
    del model.graph.value_info[:]
    model.graph.value_info.extend(values)


def _replace(model: onnx.ModelProto, network: Network, core: onnx.ModelProto) -> None:
    """Put another network in the place of one, in a model."""
    graph = model.graph
    nodes = [node for node in graph.node if not node.name.startswith(network.prefix)]
    needed = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    kept = {tensor.name for tensor in constants}
    made = {value.name for value in core.graph.value_info}
    values = [value for value in graph.value_info if value.name not in made]
    new = (
        [*nodes, *core.graph.node],
        [*constants, *(tensor for tensor in core.graph.initializer if tensor.name not in kept)],
        [*values, *core.graph.value_info],
    )
    for field, content in zip((graph.node, graph.initializer, graph.value_info), new, strict=True):
        copies = [type(entry).FromString(entry.SerializeToString()) for entry in content]
        del field[:]
        field.extend(copies)
