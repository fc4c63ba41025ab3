"""From a trained network to a model file, and changes to a model file afterwards."""

from __future__ import annotations

import copy
import logging
import math
import platform
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import onnx
import torch
from torch import nn

from limner.errors import ModelFileError
from limner.export.complexity import count_gflops
from limner.export.graph import OPSET, constant, join, postprocess_graph, preprocess_graph
from limner.files import atomic_path
from limner.runtime import wire
from limner.runtime.card import CARD_KEY, render_card
from limner.runtime.format import CHECKSUM_KEY, METADATA_KEY, ModelMetadata, parse_metadata, read_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.recipe.schema import Recipe
    from limner.runtime.postprocess import PostProcess

_LIBRARIES = ("limner", "torch", "timm", "lightning", "onnx", "onnxscript", "onnxruntime", "numpy")
_CHATTY = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


def new_metadata(recipe: Recipe, **known: Any) -> ModelMetadata:  # noqa: ANN401 - the fields of ModelMetadata
    """Metadata for a new model file: the recipe, the time and the versions of the libraries here, and whatever else is `known`.

    Example:
        >>> from limner.recipe import load_recipe
        >>> new_metadata(load_recipe("phantom-unet"), threshold=0.4, threshold_origin="fixed by the recipe").threshold
        0.4
    """
    fields = {
        "name": recipe.name,
        "task": recipe.task,
        "recipe": recipe.model_dump(mode="json"),
        "input_size": recipe.data.input_size,
        "sampling": recipe.data.sampling,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": library_versions(),
    }
    return ModelMetadata.model_validate(fields | known)


def export_network(network: nn.Module, recipe: Recipe, metadata: ModelMetadata, path: str | Path) -> Path:
    """Write a network as a model file: resizing, normalisation, temperature, sigmoid, threshold and metadata inside.

    Args:
        network: (N, C, h, w) float -> logits (N, 1, h, w), on any device and in any precision; it is copied, not changed.
        recipe: Its data part says how an image becomes the network's input.
        metadata: See `new_metadata`. Its temperature and threshold go into the graph; how large the network is, is filled in.
        path: Of the `.onnx` file, which is written whole or not at all.

    Returns:
        The path.

    Raises:
        ModelFileError: The network cannot be expressed in ONNX, or does not fit the recipe.
        RecipeError: With `normalisation=measured`, nothing was measured yet.

    Example:
        >>> import tempfile
        >>> from limner.recipe import load_recipe
        >>> from limner.runtime import load
        >>> recipe = load_recipe("phantom-unet", ["data.input_size=16"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = export_network(nn.Conv2d(3, 1, 3, padding=1), recipe, new_metadata(recipe), folder + "/toy.onnx")
        ...     load(path).predict(np.zeros((20, 30, 3), np.uint8)).mask.shape
        (20, 30)
    """
    data = recipe.data
    if metadata.input_size != data.input_size:
        what = f"the metadata say input size {metadata.input_size}, the recipe {data.input_size}"
        raise ModelFileError(what, fix="make them with new_metadata(recipe)")
    before = preprocess_graph(data)
    after = postprocess_graph(metadata.threshold, temperature=metadata.temperature, keep_aspect=data.keep_aspect)
    core = _export_core(inference_copy(network), (data.in_channels, *data.input_size))
    size = {"parameters": sum(weight.numel() for weight in network.parameters()), "gflops": count_gflops(core)}
    return write_model(join(before, core, after), metadata.model_copy(update=size), path)


def update_model(
    path: str | Path, *, threshold: float | None = None, temperature: float | None = None, metadata: ModelMetadata | None = None
) -> None:
    """Rewrite threshold, temperature or metadata of a model file, or all of them, atomically. The network in it is not touched.

    Args:
        path: The model file.
        threshold: In [0, 1]; by default that of the metadata, so that graph and metadata always agree.
        temperature: What the logits are divided by, above 0; by default that of the metadata. The threshold stays as it is: at another
            temperature it gives other masks.
        metadata: By default what the file holds.

    Raises:
        ModelFileError: The file is damaged or not limner's; the threshold is no probability, or the temperature not above 0; or the file
            was made by a limner that knew no temperature.
    """
    encoded = read_model(path)
    stored = parse_metadata(encoded, where=path)  # even if it is replaced: a damaged file must not get a new, valid checksum
    metadata = stored if metadata is None else metadata
    wished = {"threshold": threshold, "temperature": temperature}
    metadata = metadata.model_copy(update={name: float(value) for name, value in wished.items() if value is not None})
    if not 0 <= metadata.threshold <= 1:
        raise ModelFileError(f"a threshold is a probability, not {metadata.threshold}", where=path, fix="choose one from 0 to 1")
    if not 0 < metadata.temperature < math.inf:
        raise ModelFileError(f"a temperature is above 0, not {metadata.temperature}", where=path, fix="choose 1 to leave the logits alone")
    model = onnx.load_model_from_string(encoded)
    constant("threshold", np.array(metadata.threshold, np.float32), model)
    _set_temperature(model, metadata.temperature, path)
    write_model(model, metadata, path)


def set_threshold(path: str | Path, threshold: float, origin: str) -> None:
    """Set the threshold of a model file, with the sentence that says where it comes from.

    Raises:
        ModelFileError: The file is damaged or not limner's.
    """
    metadata = parse_metadata(read_model(path), where=path)
    update_model(path, threshold=threshold, metadata=metadata.model_copy(update={"threshold_origin": origin}))


def set_postprocess(path: str | Path, settings: PostProcess | None) -> None:
    """Store a post-processing in a model file; None, or one that does nothing, takes away what is there.

    Raises:
        ModelFileError: The file is damaged or not limner's.
    """
    wished = None if settings is None or settings.does_nothing else settings
    known = parse_metadata(read_model(path), where=path).model_dump(exclude={"format_version"})  # which follows from the rest
    update_model(path, metadata=ModelMetadata.model_validate(known | {"postprocess": wished}))


def _set_temperature(model: onnx.ModelProto, temperature: float, path: str | Path) -> None:
    """Set the constant, which files of an older limner do not have: in these it would change nothing, without a word."""
    if any(tensor.name == "temperature" for tensor in model.graph.initializer):
        constant("temperature", np.array(temperature, np.float32), model)
    elif temperature != 1:
        what = "the file was made by an older limner, whose graph knows no temperature"
        raise ModelFileError(what, where=path, fix="train or export the model again, or leave its temperature at 1")


def inference_copy(network: nn.Module) -> nn.Module:
    """A copy of a network as a model file has it: on the processor, float32, usual memory layout, in evaluation mode."""
    return copy.deepcopy(network).to("cpu", torch.float32).to(memory_format=torch.contiguous_format).eval()


def _export_core(network: nn.Module, shape: tuple[int, int, int]) -> onnx.ModelProto:
    """The bare network for inputs of a shape (C, h, w), the batch size left open."""
    example = torch.zeros(2, *shape)  # two: a batch of one would be taken for a fixed size
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                network, (example,), dynamo=True, opset_version=OPSET, dynamic_shapes=({0: torch.export.Dim("N")},), verbose=False
            )
    except Exception as error:  # anything may go wrong inside a foreign network and PyTorch's tracer
        reason = str(error).strip().splitlines()[0]
        fix = "try another encoder; the network must take (N, C, h, w), with no steps that depend on the batch size or on values"
        raise ModelFileError(f"the network cannot be expressed in ONNX: {reason}", fix=fix) from error
    return cast("torch.onnx.ONNXProgram", program).model_proto


def write_model(model: onnx.ModelProto, metadata: ModelMetadata, path: str | Path) -> Path:
    """Write a model file with its metadata, its model card and a checksum over all of it, atomically."""
    metadata = ModelMetadata.model_validate(metadata.model_dump())  # a copy with changes has not settled its format version
    model.producer_name, model.producer_version = "limner", metadata.versions.get("limner", "")
    properties = {METADATA_KEY: metadata.model_dump_json(), CARD_KEY: render_card(metadata)}
    onnx.helper.set_model_props(model, properties)
    checksum = wire.checksum(memoryview(model.SerializeToString(deterministic=True)), without=CHECKSUM_KEY)
    onnx.helper.set_model_props(model, properties | {CHECKSUM_KEY: checksum})
    onnx.checker.check_model(model, full_check=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    return Path(path)


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that make a model, by name; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch's exporter from the console: what it has to say concerns its authors, and its failures come as exceptions."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
