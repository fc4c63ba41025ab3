"""The parts of a model file around its network: from the image to the network's input, and from logits to probabilities and a mask.

Both are written in onnxscript: the functions below are never run as Python, but read and translated, one statement to one ONNX node. What
a model chooses (sizes, normalisation, threshold) enters as a graph input and is then bound to a constant of that name in the file.

The resizing is the one of Pillow's BILINEAR and of PyTorch's `interpolate(mode="bilinear", antialias=True)`: a triangle filter as wide as
the scale. `exclude_outside=1` matters: by default ONNX repeats the border pixel where the filter reaches beyond the image, while the
other two leave these places out, so that pixels at the border would differ by up to a tenth of the range. The size is given for all four
axes, since ONNX Runtime's optimiser mishandles `axes` after a transposition.
"""

# The annotations below are onnxscript's tensor types, which are values to a type checker.
# mypy: disable-error-code="valid-type"

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from onnx import compose, numpy_helper, shape_inference
from onnxscript import FLOAT, INT64, UINT8, opset18, script

from limner.recipe.normalisation import MEAN_STD

OPSET: Final = 18  # the first whose Resize knows antialiasing; ONNX Runtime reads it since 1.14


def _tensor(element: Any, *shape: int | str) -> Any:  # noqa: ANN401
    """A tensor type of onnxscript, such as `FLOAT["N", 3]`."""
    return element[shape]


op: Any = opset18
_Images = _tensor(UINT8, "N", "H", "W", 3)
_Pixels = _tensor(FLOAT, "N", 3, "h", "w")
_Channels = _tensor(FLOAT, 3, 1, 1)
_Size = _tensor(INT64, 2)
_Logits = _tensor(FLOAT, "N", 1, "h", "w")
_Probs = _tensor(FLOAT, "N", "H", "W")
_Masks = _tensor(UINT8, "N", "H", "W")
_Scalar: Any = FLOAT


@script(default_opset=op)
def _preprocess(image: _Images, input_size: _Size, mean: _Channels, std: _Channels) -> tuple[_Pixels, _Size]:
    original_size = op.Shape(image, start=1, end=3)
    channels_first = op.Transpose(image, perm=[0, 3, 1, 2])
    pixels = op.Cast(channels_first, to=1)
    pixels_outer = op.Shape(pixels, end=2)
    pixels_size = op.Concat(pixels_outer, input_size, axis=0)
    pixels_resized = op.Resize(
        pixels, None, None, pixels_size, mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"
    )
    pixels_centred = op.Sub(pixels_resized, mean)
    pixels_normalised = op.Div(pixels_centred, std)
    return pixels_normalised, original_size


@script(default_opset=op)
def _postprocess(logits: _Logits, size: _Size, threshold: _Scalar) -> tuple[_Probs, _Masks]:
    logits_outer = op.Shape(logits, end=2)
    logits_size = op.Concat(logits_outer, size, axis=0)
    logits_resized = op.Resize(
        logits, None, None, logits_size, mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"
    )
    channel_axis = op.Constant(value_ints=[1])
    logits_map = op.Squeeze(logits_resized, channel_axis)
    probs = op.Sigmoid(logits_map)
    above = op.GreaterOrEqual(probs, threshold)
    mask = op.Cast(above, to=2)
    return probs, mask


def preprocess_graph(input_size: tuple[int, int], normalisation: str) -> onnx.ModelProto:
    """From `image` uint8 (N, H, W, 3) to the network's input, float32 (N, 3, *input_size), and the original height and width.

    Example:
        >>> graph = preprocess_graph((64, 48), "imagenet").graph
        >>> [value.name for value in graph.input], [value.name for value in graph.output]
        (['image'], ['pixels_normalised', 'original_size'])
    """
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in MEAN_STD[normalisation])
    return _bind(_preprocess, input_size=np.array(input_size, np.int64), mean=mean, std=std)


def postprocess_graph(threshold: float) -> onnx.ModelProto:
    """From `logits` float32 (N, 1, h, w) and the original `size` to `probs` float32 (N, H, W) and `mask` uint8 (N, H, W) of 0 and 1."""
    return _bind(_postprocess, threshold=np.array(threshold, np.float32))


def join(before: onnx.ModelProto, network: onnx.ModelProto, after: onnx.ModelProto) -> onnx.ModelProto:
    """Join the three graphs into one model; the names inside the network get the prefix `network/`.

    Args:
        before: From `preprocess_graph`.
        network: One input float32 (N, 3, h, w), one output float32 (N, 1, h, w), of opset `OPSET`.
        after: From `postprocess_graph`.
    """
    network = compose.add_prefix(network, "network/")
    for part in (before, after):
        part.ir_version = network.ir_version  # merging asks for equal versions; these graphs hold nothing that depends on it
    head = compose.merge_models(before, network, io_map=[("pixels_normalised", network.graph.input[0].name)])
    links = [(network.graph.output[0].name, "logits"), ("original_size", "size")]
    merged = _tidy(compose.merge_models(head, after, io_map=links, name="limner"))
    return shape_inference.infer_shapes(merged, strict_mode=True, data_prop=True)


def constant(name: str, value: np.ndarray[Any, Any], model: onnx.ModelProto) -> None:
    """Set the constant `name` of a model, in place; it is added if there is none."""
    kept = [tensor for tensor in model.graph.initializer if tensor.name != name]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*kept, numpy_helper.from_array(value, name)])


def _bind(function: Any, **values: np.ndarray[Any, Any]) -> onnx.ModelProto:  # noqa: ANN401
    """Translate a function above into a model, in which some of its inputs are constants."""
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
