"""How large a network is and how much it computes, counted in its ONNX graph."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

import onnx
from onnx import helper, shape_inference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


def count_gflops(model: onnx.ModelProto) -> float | None:
    """Floating-point operations for one image, in 10^9: convolutions and products of matrices, a multiplication and an addition being two.

    The rest (activations, normalisation, resizing) is a few per cent of that in the networks of `limner.models`, and is not counted, as is
    the custom of papers and of `torch.utils.flop_counter`.

    Args:
        model: With inputs whose first dimension is the batch and whose others are known.

    Returns:
        None where the size of something cannot be told from the graph.

    Example:
        >>> from onnx import TensorProto, helper, numpy_helper
        >>> import numpy as np
        >>> weight = numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), "weight")
        >>> node = helper.make_node("Conv", ["x", "weight"], ["y"], pads=[1, 1, 1, 1])
        >>> x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 10, 10])
        >>> y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, 10, 10])
        >>> count_gflops(helper.make_model(helper.make_graph([node], "conv", [x], [y], [weight]))) * 1e9  # 2 * 400 * 27
        21600.0
    """
    one = _with_one_image(model)
    shapes = _shapes(one.graph)
    try:
        macs = sum(_COUNTS[node.op_type](node, shapes) for node in one.graph.node if node.op_type in _COUNTS)
    except KeyError:
        return None
    return 2 * macs / 1e9


def _with_one_image(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with a batch of one, and every size inferred anew from that."""
    one = onnx.ModelProto()
    one.CopyFrom(model)
    del one.graph.value_info[:]
    for value in one.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in one.graph.output:
        value.type.tensor_type.ClearField("shape")
    return shape_inference.infer_shapes(one, data_prop=True)


def _shapes(graph: onnx.GraphProto) -> _Shapes:
    """Of all tensors whose size is known whole."""
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            found[value.name] = tuple(dim.dim_value for dim in dims)
    return found


def _conv(node: onnx.NodeProto, shapes: _Shapes) -> int:
    return prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])


def _conv_transpose(node: onnx.NodeProto, shapes: _Shapes) -> int:
    """Every input pixel meets every weight of its channel once."""
    return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])


def _matmul(node: onnx.NodeProto, shapes: _Shapes) -> int:
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _gemm(node: onnx.NodeProto, shapes: _Shapes) -> int:
    transposed = any(attribute.name == "transA" and helper.get_attribute_value(attribute) for attribute in node.attribute)
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else -1]


_COUNTS: dict[str, Callable[[onnx.NodeProto, _Shapes], int]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "Gemm": _gemm,
}
