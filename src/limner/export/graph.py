"""A model file's graphs: before the network, from the image to its input; after it, from logits to probabilities and a mask; joined to one.

The nodes are in `limner.export.stages`.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import compose, numpy_helper, shape_inference

from limner.export import stages
from limner.recipe.normalisation import CHANNEL_WEIGHTS, LEAST_SPREAD, mean_std

if TYPE_CHECKING:
    from limner.recipe.schema import DataPart

OPSET: Final = 18  # the first whose Resize knows antialiasing; ONNX Runtime reads it since 1.14
_PER_IMAGE: Final[dict[str, Any]] = {"minmax": stages.minmax, "zscore": stages.zscore}


def preprocess_graph(data: DataPart) -> onnx.ModelProto:
    """From `image` uint8 (N, H, W, 3) to the network's input, float32 (N, C, *input_size), and the original height and width.

    With `keep_aspect`, two more outputs say where in the input the image lies: `fitted_size` and `fitted_corner`, of rows and columns each.

    Args:
        data: The recipe's data part.

    Raises:
        RecipeError: With `normalisation=measured`, nothing was measured yet.

    Example:
        >>> from limner.recipe.schema import DataPart
        >>> graph = preprocess_graph(DataPart(input_size=(64, 48))).graph
        >>> [value.name for value in graph.input], [value.name for value in graph.output]
        (['image'], ['original_size', 'pixels_normalised'])
    """
    graph = reduce(_chain, [_channels(data), _resizing(data), _normalisation(data)])
    inside = next(value for value in graph.graph.output if value.name == "pixels_normalised").type.tensor_type.shape
    for dim, number in zip(inside.dim[1:], (data.in_channels, *data.input_size), strict=True):
        dim.dim_value = number  # after padding by computed widths it could not be inferred
    return graph


def postprocess_graph(threshold: float, *, temperature: float = 1.0, keep_aspect: bool = False) -> onnx.ModelProto:
    """From `logits` float32 (N, 1, h, w) and `original_size` to `probs` float32 (N, H, W) and `mask` uint8 (N, H, W) of 0 and 1.

    The logits are divided by the temperature before they become probabilities.

    With `keep_aspect`, the logits are called `logits_canvas` and are first cropped as `fitted_size` and `fitted_corner` say.
    """
    decide = _bind(stages.decide, temperature=np.array(temperature, np.float32), threshold=np.array(threshold, np.float32))
    return _chain(_bind(stages.crop), decide) if keep_aspect else decide


def join(before: onnx.ModelProto, network: onnx.ModelProto, after: onnx.ModelProto) -> onnx.ModelProto:
    """Join the three graphs into one model; the names inside the network get the prefix `network/`.

    Args:
        before: From `preprocess_graph`.
        network: One input float32 (N, C, h, w), one output float32 (N, 1, h, w), of opset `OPSET`.
        after: From `postprocess_graph`.
    """
    network = compose.add_prefix(network, "network/")
    for part in (before, after):
        part.ir_version = network.ir_version  # merging asks for equal versions; these graphs hold nothing that depends on it
    head = compose.merge_models(before, network, io_map=[("pixels_normalised", network.graph.input[0].name)])
    links = [(network.graph.output[0].name, after.graph.input[0].name), *_shared(before, after)]
    merged = _tidy(compose.merge_models(head, after, io_map=links, name="limner"))
    return shape_inference.infer_shapes(merged, strict_mode=True, data_prop=True)


def constant(name: str, value: np.ndarray[Any, Any], model: onnx.ModelProto) -> None:
    """Set the constant `name` of a model, in place; it is added if there is none."""
    kept = [tensor for tensor in model.graph.initializer if tensor.name != name]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*kept, numpy_helper.from_array(value, name)])


def _channels(data: DataPart) -> onnx.ModelProto:
    if data.channels == "rgb":
        return _bind(stages.three_channels)
    return _bind(stages.one_channel, channel_weights=np.array(CHANNEL_WEIGHTS[data.channels][0], np.float32))


def _resizing(data: DataPart) -> onnx.ModelProto:
    return _bind(stages.fit if data.keep_aspect else stages.stretch, input_size=np.array(data.input_size, np.int64))


def _normalisation(data: DataPart) -> onnx.ModelProto:
    if stage := _PER_IMAGE.get(data.normalisation):
        return _bind(stage, least_spread=np.array(LEAST_SPREAD, np.float32))
    mean, std = (np.array(values, np.float32).reshape(-1, 1, 1) for values in mean_std(data))
    return _bind(stages.affine, mean=mean, std=std)


def _chain(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """Two stages as one: what the first gives, the second takes by the same name."""
    return compose.merge_models(first, second, io_map=_shared(first, second))


def _shared(first: onnx.ModelProto, second: onnx.ModelProto) -> list[tuple[str, str]]:
    wanted = {value.name for value in second.graph.input}
    return [(value.name, value.name) for value in first.graph.output if value.name in wanted]


def _bind(function: Any, **values: np.ndarray[Any, Any]) -> onnx.ModelProto:  # noqa: ANN401
    """Translate a stage into a model, in which some of its inputs are constants."""
    model: onnx.ModelProto = function.to_model_proto()
    free = [value for value in model.graph.input if value.name not in values]
    del model.graph.input[:]
    model.graph.input.extend(free)
    for name, value in values.items():
        constant(name, value, model)
    for node in model.graph.node:
        node.name = node.output[0]
    return model


def _tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes beside each node (stack traces with the paths of the machine), and repeated opset imports."""
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, number) for domain, number in opsets.items())
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return model
