"""Transposed convolutions whose strokes do not overlap -> plain convolutions, for which there are integer kernels.

With a kernel as large as its stride, every output pixel comes from one input pixel: a 1 x 1 convolution computes all of them as channels,
and DepthToSpace puts them in their places (Shi et al., CVPR 2016, arXiv:1609.05158). ONNX Runtime has no integer kernel for
ConvTranspose, which took a fifth of a quantised U-Net's time. In float32 there is nothing to gain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference


def without_transposed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, to the last rounding, without transposed convolutions whose kernel is a square as large as their stride."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in result.graph.node:
        if side := _side(node, weights):
            nodes += _plain(node, weights, side, result.graph)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in result.graph.initializer if tensor.name in used]
    for field, content in ((result.graph.node, nodes), (result.graph.initializer, constants)):
        copies: list[Any] = [type(entry).FromString(entry.SerializeToString()) for entry in content]
        del field[:]
        field.extend(copies)
    return shape_inference.infer_shapes(result, data_prop=True)


def _side(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> int | None:
    """Of the squares that a transposed convolution draws; None where they are none, or overlap, or it is something else."""
    if node.op_type != "ConvTranspose" or node.input[1] not in weights or any(name not in weights for name in node.input[2:]):
        return None
    said = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    kernel = list(weights[node.input[1]].dims[2:])
    plain = (
        said.get("group", 1) == 1
        and len(set(kernel)) == 1
        and list(said.get("strides", [])) == kernel
        and not any(said.get("pads", ())) and not any(said.get("output_padding", ()))
        and said.get("auto_pad", b"NOTSET") == b"NOTSET" and "output_shape" not in said
        and all(step == 1 for step in said.get("dilations", ()))
    )  # fmt: skip
    return kernel[0] if plain and len(kernel) == 2 else None


def _plain(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], side: int, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    kernel = numpy_helper.to_array(weights[node.input[1]])  # (in, out, side, side)
    incoming, outgoing = kernel.shape[:2]
    matrix = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)).reshape(-1, incoming, 1, 1)  # as DepthToSpace's mode DCR has them
    bias = numpy_helper.to_array(weights[node.input[2]]) if len(node.input) > 2 else np.zeros(outgoing, np.float32)
    names = [f"{node.name}/{part}" for part in ("weight", "bias", "channels")]
    graph.initializer.extend([numpy_helper.from_array(matrix, names[0]), numpy_helper.from_array(np.tile(bias, side * side), names[1])])
    return [
        helper.make_node("Conv", [node.input[0], *names[:2]], names[2:], name=node.name, kernel_shape=[1, 1]),
        helper.make_node("DepthToSpace", names[2:], node.output, name=f"{node.name}/spread", blocksize=side, mode="DCR"),
    ]
