"""What range of values does each tensor of a network take? Seen on images, since eight bits are to be spread over it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from limner.export.networks import find_networks
from limner.export.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from limner.types import ImageArray

# Tensor -> for each image: the least value, the one that a ten-thousandth lie below, the one that as many lie above, and the largest.
Observations: TypeAlias = dict[str, NDArray[np.float32]]
Ranges: TypeAlias = dict[str, tuple[float, float]]

_SAMPLED = 65_536  # values of a tensor that its share is taken from
_SHARE = 0.0001
_OUTER = 0.25  # weight of the extremes, where they are weighed against the rest


def _extremes(seen: NDArray[np.float32]) -> tuple[float, float]:
    return float(seen[:, 0].min()), float(seen[:, 3].max())


def _mean_extremes(seen: NDArray[np.float32]) -> tuple[float, float]:
    return float(seen[:, 0].mean()), float(seen[:, 3].mean())


def _between(seen: NDArray[np.float32]) -> tuple[float, float]:
    """Nearer to where nearly all values lie than to the extremes, by the geometric mean of the two."""
    least, low, high, largest = np.abs(seen.astype(np.float64)).mean(axis=0)
    signs = np.sign(seen[:, [0, 3]].mean(axis=0))
    return float(signs[0] * least**_OUTER * low ** (1 - _OUTER)), float(signs[1] * largest**_OUTER * high ** (1 - _OUTER))


# Ways to a range, by what they are called in the file. One image with an outlier widens the first for all others.
METHODS: Mapping[str, Callable[[NDArray[np.float32]], tuple[float, float]]] = {
    "least and largest value of all images": _extremes,
    "mean of each image's least and largest value": _mean_extremes,
    "between an image's extremes and what all but a ten-thousandth of its values lie within, on average": _between,
}


def observe(model: onnx.ModelProto, batches: Iterable[ImageArray]) -> Observations:
    """What values the tensors of the networks of a model take.

    Args:
        model: Takes `image`.
        batches: uint8 RGB (N, H, W, 3), one after the other.
    """
    tensors = _tensors(model)
    session = open_session(_observed(model, tensors).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    rows = []
    for batch in batches:
        values = session.run(names, {"image": batch})
        rows.append([_look(values[start : start + 3]) for start in range(0, len(values), 3)])
    seen = np.array(rows, np.float32).transpose(1, 0, 2)
    return dict(zip(tensors, seen, strict=True))


def ranges(observations: Observations, method: str) -> Ranges:
    """The range of each tensor, by one of `METHODS`."""
    return {name: METHODS[method](seen) for name, seen in observations.items()}


def _look(values: list[NDArray[np.float32]]) -> tuple[float, float, float, float]:
    least, largest, sample = values
    low, high = np.quantile(sample, (_SHARE, 1 - _SHARE))
    return float(least), float(low), float(high), float(largest)


def _tensors(model: onnx.ModelProto) -> dict[str, int]:
    """All float tensors that networks read or write, with the number of values that they have for one image."""
    shapes = {value.name: value.type.tensor_type for value in model.graph.value_info}
    names = dict.fromkeys(name for network in find_networks(model) for node in network.nodes for name in (*node.input, *node.output))
    kinds = {name: shapes[name] for name in names if name in shapes and shapes[name].elem_type == TensorProto.FLOAT}
    return {name: prod(dim.dim_value or 1 for dim in kind.shape.dim) for name, kind in kinds.items()}


def _observed(model: onnx.ModelProto, tensors: dict[str, int]) -> onnx.ModelProto:
    """A model that tells of each tensor its least and largest value, and a sample: to return them whole would take gigabytes."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    del graph.output[:]
    flat, start, end = "observed/flat", "observed/start", "observed/end"
    for name, value in ((flat, [-1]), (start, [0]), (end, [2**62])):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    for number, (name, size) in enumerate(tensors.items()):
        own = f"observed/{number}/"
        step = max(1, size // _SAMPLED) | 1  # odd, so that it does not keep to some columns of rows whose length is even
        graph.initializer.append(numpy_helper.from_array(np.array([step], np.int64), own + "step"))
        graph.node.extend(
            [
                helper.make_node("ReduceMin", [name], [own + "least"], keepdims=0),
                helper.make_node("ReduceMax", [name], [own + "largest"], keepdims=0),
                helper.make_node("Reshape", [name, flat], [own + "flat"]),
                helper.make_node("Slice", [own + "flat", start, end, start, own + "step"], [own + "sample"]),
            ]
        )
        outputs: tuple[tuple[str, list[None]], ...] = (("least", []), ("largest", []), ("sample", [None]))
        graph.output.extend(helper.make_tensor_value_info(own + part, TensorProto.FLOAT, shape) for part, shape in outputs)
    return result
