"""The stages around the network, as nodes: channels, resizing, normalisation before it; probabilities and a mask after it.

They are written in onnxscript: the functions below are never run as Python, but read and translated, one statement to one ONNX node. What
a model chooses (sizes, normalisation, temperature, threshold) enters as a graph input and is then bound to a constant of that name in the
file. An output of one stage and an input of a later one are the same thing where they have the same name; other names are used once only.

The resizing is the one of Pillow's BILINEAR and of PyTorch's `interpolate(mode="bilinear", antialias=True)`: a triangle filter as wide as
the scale. `exclude_outside=1` matters: by default ONNX repeats the border pixel where the filter reaches beyond the image, while the
other two leave these places out, so that pixels at the border would differ by up to a tenth of the range. The size is given for all four
axes, since ONNX Runtime's optimiser mishandles `axes` after a transposition.
"""

# The annotations below are onnxscript's tensor types, which are values to a type checker. What is returned gets its name in the graph.
# mypy: disable-error-code="valid-type, no-any-return"
# ruff: noqa: RET504

from __future__ import annotations

from typing import Any

from onnxscript import FLOAT, INT64, UINT8, opset18, script


def _tensor(element: Any, *shape: int | str) -> Any:  # noqa: ANN401
    """A tensor type of onnxscript, such as `FLOAT["N", 3]`."""
    return element[shape]


op: Any = opset18
_Images = _tensor(UINT8, "N", "H", "W", 3)
_Pixels = _tensor(FLOAT, "N", "C", "H", "W")
_Input = _tensor(FLOAT, "N", "C", "h", "w")
_Weights = _tensor(FLOAT, 3)
_Channels = _tensor(FLOAT, "C", 1, 1)
_Size = _tensor(INT64, 2)
_Logits = _tensor(FLOAT, "N", 1, "h", "w")
_Probs = _tensor(FLOAT, "N", "H", "W")
_Masks = _tensor(UINT8, "N", "H", "W")
_Scalar: Any = FLOAT


@script(default_opset=op)
def three_channels(image: _Images) -> tuple[_Pixels, _Size]:
    """Red, green and blue."""
    original_size = op.Shape(image, start=1, end=3)
    channels_first = op.Transpose(image, perm=[0, 3, 1, 2])
    pixels = op.Cast(channels_first, to=1)
    return pixels, original_size


@script(default_opset=op)
def one_channel(image: _Images, channel_weights: _Weights) -> tuple[_Pixels, _Size]:
    """The weighted sum of the colours. It is taken before resizing, which then has a third of the work."""
    original_size = op.Shape(image, start=1, end=3)
    levels = op.Cast(image, to=1)
    levels_weighted = op.Mul(levels, channel_weights)
    colour_axis = op.Constant(value_ints=[3])
    levels_summed = op.ReduceSum(levels_weighted, colour_axis, keepdims=1)
    pixels = op.Transpose(levels_summed, perm=[0, 3, 1, 2])
    return pixels, original_size


@script(default_opset=op)
def stretch(pixels: _Pixels, input_size: _Size) -> _Input:
    """The image brought to the input's size, whatever becomes of its aspect ratio."""
    pixels_outer = op.Shape(pixels, end=2)
    pixels_size = op.Concat(pixels_outer, input_size, axis=0)
    pixels_resized = op.Resize(
        pixels, None, None, pixels_size, mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"
    )
    return pixels_resized


@script(default_opset=op)
def fit(pixels: _Pixels, input_size: _Size) -> tuple[_Input, _Size, _Size]:
    """`limner.imaging.resize.fit_inside`, in the same whole numbers: size and corner of the content, and the content on black."""
    image_size = op.Shape(pixels, start=2, end=4)
    swapped = op.Constant(value_ints=[1, 0])
    image_other = op.Gather(image_size, swapped)
    input_other = op.Gather(input_size, swapped)
    two = op.Constant(value_ints=[2])
    one = op.Constant(value_ints=[1])
    fit_product = op.Mul(image_size, input_other)
    fit_doubled = op.Mul(fit_product, two)
    fit_numerator = op.Add(fit_doubled, image_other)
    fit_denominator = op.Mul(image_other, two)
    fit_rounded = op.Div(fit_numerator, fit_denominator)
    fit_bounded = op.Min(fit_rounded, input_size)
    fitted_size = op.Max(fit_bounded, one)
    fit_spare = op.Sub(input_size, fitted_size)
    fitted_corner = op.Div(fit_spare, two)
    fit_behind = op.Sub(fit_spare, fitted_corner)
    pixels_outer = op.Shape(pixels, end=2)
    pixels_size = op.Concat(pixels_outer, fitted_size, axis=0)
    pixels_fitted = op.Resize(
        pixels, None, None, pixels_size, mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"
    )
    nothing = op.Constant(value_ints=[0, 0])
    bars = op.Concat(nothing, fitted_corner, nothing, fit_behind, axis=0)
    pixels_resized = op.Pad(pixels_fitted, bars)
    return pixels_resized, fitted_size, fitted_corner


@script(default_opset=op)
def affine(pixels_resized: _Input, mean: _Channels, std: _Channels) -> _Input:
    """The same shift and scale for all images."""
    pixels_centred = op.Sub(pixels_resized, mean)
    pixels_normalised = op.Div(pixels_centred, std)
    return pixels_normalised


@script(default_opset=op)
def minmax(pixels_resized: _Input, least_spread: _Scalar) -> _Input:
    """Of each image by itself: its darkest value becomes 0, its brightest 1."""
    image_axes = op.Constant(value_ints=[1, 2, 3])
    darkest = op.ReduceMin(pixels_resized, image_axes, keepdims=1)
    brightest = op.ReduceMax(pixels_resized, image_axes, keepdims=1)
    pixels_range = op.Sub(brightest, darkest)
    pixels_spread = op.Max(pixels_range, least_spread)
    pixels_lowered = op.Sub(pixels_resized, darkest)
    pixels_normalised = op.Div(pixels_lowered, pixels_spread)
    return pixels_normalised


@script(default_opset=op)
def zscore(pixels_resized: _Input, least_spread: _Scalar) -> _Input:
    """Of each image by itself: its mean becomes 0, its standard deviation 1.

    In two passes, since squares of grey levels lose digits. Means are taken along one axis after the other: along all at once, ONNX Runtime
    adds up number by number in float32, and is wrong by a tenth of a grey level at 512 x 512 pixels of one colour.
    """
    along_columns = op.Constant(value_ints=[3])
    along_rows = op.Constant(value_ints=[2])
    along_channels = op.Constant(value_ints=[1])
    mean_of_rows = op.ReduceMean(pixels_resized, along_columns, keepdims=1)
    mean_of_channels = op.ReduceMean(mean_of_rows, along_rows, keepdims=1)
    pixels_mean = op.ReduceMean(mean_of_channels, along_channels, keepdims=1)
    pixels_centred = op.Sub(pixels_resized, pixels_mean)
    pixels_squared = op.Mul(pixels_centred, pixels_centred)
    variance_of_rows = op.ReduceMean(pixels_squared, along_columns, keepdims=1)
    variance_of_channels = op.ReduceMean(variance_of_rows, along_rows, keepdims=1)
    pixels_variance = op.ReduceMean(variance_of_channels, along_channels, keepdims=1)
    pixels_deviation = op.Sqrt(pixels_variance)
    pixels_spread = op.Max(pixels_deviation, least_spread)
    pixels_normalised = op.Div(pixels_centred, pixels_spread)
    return pixels_normalised


@script(default_opset=op)
def crop(logits_canvas: _Logits, fitted_size: _Size, fitted_corner: _Size) -> _Logits:
    """What the network says of the content alone."""
    fitted_end = op.Add(fitted_corner, fitted_size)
    side_axes = op.Constant(value_ints=[2, 3])
    logits = op.Slice(logits_canvas, fitted_corner, fitted_end, side_axes)
    return logits


@script(default_opset=op)
def decide(logits: _Logits, original_size: _Size, temperature: _Scalar, threshold: _Scalar) -> tuple[_Probs, _Masks]:
    """Probabilities and mask at the image's own size.

    The division comes before the resizing, where there are fewer pixels. ONNX Runtime's sigmoid of some logits near 18 is one rounding
    step above 1, which is no probability.
    """
    logits_scaled = op.Div(logits, temperature)
    logits_outer = op.Shape(logits_scaled, end=2)
    logits_size = op.Concat(logits_outer, original_size, axis=0)
    logits_resized = op.Resize(
        logits_scaled, None, None, logits_size, mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"
    )
    channel_axis = op.Constant(value_ints=[1])
    logits_map = op.Squeeze(logits_resized, channel_axis)
    probs_rounded = op.Sigmoid(logits_map)
    certain = op.Constant(value_float=1.0)
    probs = op.Min(probs_rounded, certain)
    above = op.GreaterOrEqual(probs, threshold)
    mask = op.Cast(above, to=2)
    return probs, mask
