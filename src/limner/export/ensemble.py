"""Several model files -> one, whose probabilities are the mean of theirs.

What the files have in common, such as the steps before their networks, is in the ensemble once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import AttributeProto, helper, numpy_helper

from limner.errors import ModelFileError
from limner.export.exporter import new_metadata, write_model
from limner.export.parity import Tally, seen_part
from limner.runtime import load
from limner.runtime.format import parse_metadata, read_metadata, read_model
from limner.runtime.postprocess import merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from limner.export.parity import Parity
    from limner.recipe.schema import Recipe
    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray, ProbArray, Sample

_MOST_BYTES = 2**31 - 1  # of an ONNX file that needs no other
_GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
_FIX = "train the models again with this limner"
_REFERENCE = "the mean of its models"


def ensemble_metadata(models: Sequence[str | Path], recipe: Recipe, **known: Any) -> ModelMetadata:  # noqa: ANN401 - fields of ModelMetadata
    """What an ensemble of the models of a cross-validation says of itself.

    Its threshold is the mean of theirs: all images were seen in training, so that there is none left to choose one on. Its
    post-processing is what most of them do.

    Args:
        models: The model files.
        recipe: What they were trained by.
        known: Whatever else is known, as for `new_metadata`.
    """
    members = [read_metadata(model) for model in models]
    thresholds = [member.threshold for member in members]
    origin = (
        f"the mean of {len(models)} folds' thresholds ({min(thresholds):.2f} to {max(thresholds):.2f}), each chosen on validation images "
        "of its fold; none were left to choose one for the ensemble"
    )
    own = {
        "name": f"{recipe.name}-ensemble-of-{len(models)}",
        "threshold": fmean(thresholds),
        "threshold_origin": origin,
        "parameters": _sum(member.parameters for member in members),
        "gflops": _sum(member.gflops for member in members),
        "postprocess": merge([member.postprocess for member in members]),
    }
    return new_metadata(recipe, **(own | known))


def _sum(values: Iterable[float | None]) -> float | None:
    """None where one of them is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def export_ensemble(models: Sequence[str | Path], metadata: ModelMetadata, path: str | Path) -> Path:
    """Write one model file out of several: the mean of their probabilities at the image's own size, each at its own temperature.

    Args:
        models: The model files, two at least, of one input size and way of sampling.
        metadata: See `ensemble_metadata`. Its threshold goes into the graph.
        path: Of the `.onnx` file, which is written whole or not at all.

    Returns:
        The path.

    Raises:
        ModelFileError: One of the files is damaged, or they cannot be joined.

    Example:
        >>> import tempfile
        >>> from torch import nn
        >>> from limner.export import export_network
        >>> from limner.recipe import load_recipe
        >>> recipe = load_recipe("phantom-unet", ["data.input_size=16"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = [f"{folder}/{number}.onnx" for number in (1, 2)]
        ...     _ = [export_network(nn.Conv2d(3, 1, 3, padding=1), recipe, new_metadata(recipe), file) for file in files]
        ...     path = export_ensemble(files, ensemble_metadata(files, recipe), folder + "/both.onnx")
        ...     load(path).predict(np.zeros((20, 30, 3), np.uint8)).probs.shape
        (20, 30)
    """
    _check_files(models, metadata, path)
    joined = _Joined(like=_read(models[0]))
    for number, model in enumerate(models, start=1):  # one after the other: each may hold hundreds of megabytes
        joined.add(_read(model), f"model-{number}/", where=model)
    return write_model(joined.finish(metadata.threshold), metadata, path)


def check_ensemble(models: Sequence[str | Path], path: str | Path, images: Iterable[ImageArray | Sample]) -> Parity:
    """Compare an ensemble with the mean of its models' own predictions.

    Args:
        models: The model files it was made of.
        path: The ensemble.
        images: As for `check_parity`.

    Raises:
        ModelFileError: A file cannot be opened.
        ValueError: There are no images.
    """
    whole, *parts = (load(place, provider="cpu", postprocess=False) for place in (path, *models))
    tally = Tally(whole.threshold, _REFERENCE)
    for one in images:
        image, target = seen_part(one, whole.metadata.sampling, whole.metadata.input_size)
        mean: ProbArray = np.mean([part.predict(image).probs for part in parts], axis=0, dtype=np.float32)
        found = whole.predict(image)
        tally.add(mean, found.probs, found.mask, target)
    return tally.parity()


class _Joined:
    """A graph in the making. A constant or a step that is in it already is not added again.

    Args:
        like: The model whose inputs, outputs and versions the whole has.
    """

    def __init__(self, like: onnx.ModelProto) -> None:
        self._like = like
        self._probs: list[str] = []
        self._constants: list[onnx.TensorProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._known: dict[object, list[str]] = {}  # what a constant or a step is -> the names of what it gives

    def add(self, model: onnx.ModelProto, prefix: str, *, where: str | Path) -> None:
        """Add what a model computes its probabilities by, under names of its own."""
        _check_graph(model, self._like, where)
        names = {"": "", "image": "image"}
        constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in _leading_to("probs", model.graph):
            for name in node.input:
                if name not in names:
                    names[name] = self._add_constant(constants[name], prefix)
            names.update(zip(node.output, self._add_node(node, [names[name] for name in node.input], prefix), strict=True))
        self._probs.append(names["probs"])

    def finish(self, threshold: float) -> onnx.ModelProto:
        """The whole: the mean of the models' probabilities, and the mask."""
        decision = [
            helper.make_node("Mean", self._probs, ["probs"], name="probs"),
            helper.make_node("GreaterOrEqual", ["probs", "threshold"], ["above"], name="above"),
            helper.make_node("Cast", ["above"], ["mask"], name="mask", to=onnx.TensorProto.UINT8),
        ]
        constants = [*self._constants, numpy_helper.from_array(np.array(threshold, np.float32), "threshold")]
        outer = self._like.graph
        graph = helper.make_graph([*self._nodes, *decision], outer.name, outer.input, outer.output, constants)
        return helper.make_model(graph, opset_imports=self._like.opset_import, ir_version=self._like.ir_version)

    def _add_constant(self, tensor: onnx.TensorProto, prefix: str) -> str:
        own = onnx.TensorProto()
        own.CopyFrom(tensor)
        own.name = ""
        what = hashlib.sha256(own.SerializeToString(deterministic=True)).digest()
        if what not in self._known:
            own.name = prefix + tensor.name
            self._constants.append(own)
            self._known[what] = [own.name]
        return self._known[what][0]

    def _add_node(self, node: onnx.NodeProto, inputs: Sequence[str], prefix: str) -> list[str]:
        attributes = sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
        what = (node.domain, node.op_type, *inputs, *attributes)
        if what not in self._known:
            own = onnx.NodeProto()
            own.CopyFrom(node)
            own.name = prefix + node.name
            own.input[:] = inputs
            own.output[:] = [name and prefix + name for name in node.output]
            self._nodes.append(own)
            self._known[what] = list(own.output)
        return self._known[what]


def _leading_to(output: str, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that a value is computed by, in the order of the graph."""
    wanted, found = {output}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node)
    return found[::-1]


def _check_files(models: Sequence[str | Path], metadata: ModelMetadata, path: str | Path) -> None:
    """The files are whole, and models of one kind."""
    if len(models) < 2:
        raise ModelFileError("an ensemble is made of two models at least", where=path)
    for model in models:
        found = parse_metadata(read_model(model), where=model)
        if (found.input_size, found.sampling) != (metadata.input_size, metadata.sampling):
            what = f"the models of an ensemble see images in one way, and this one {_seeing(found)}"
            raise ModelFileError(what, where=model, fix=f"join models that see them {_seeing(metadata)}")
    size = sum(Path(model).stat().st_size for model in models)
    if size > _MOST_BYTES:
        what = f"{len(models)} models of this size are {size / 1e9:.1f} GB, and one file cannot hold more than {_MOST_BYTES / 1e9:.1f} GB"
        raise ModelFileError(what, where=path, fix="join fewer of them, or train a smaller network")


def _seeing(metadata: ModelMetadata) -> str:
    height, width = metadata.input_size
    return f"at {height} x {width} pixels, {'in patches' if metadata.sampling == 'patches' else 'whole'}"


def _check_graph(model: onnx.ModelProto, like: onnx.ModelProto, where: str | Path) -> None:
    """Nothing is in the graph that would have to be joined in another way."""
    if _versions(model) != _versions(like):
        raise ModelFileError("the models were exported by different versions of limner", where=where, fix=_FIX)
    if model.functions or any(attribute.type in _GRAPHS for node in model.graph.node for attribute in node.attribute):
        raise ModelFileError("a network with branches or functions of its own cannot be joined with others", where=where, fix=_FIX)


def _versions(model: onnx.ModelProto) -> tuple[object, ...]:
    return (model.ir_version, *sorted((opset.domain, opset.version) for opset in model.opset_import))


def _read(model: str | Path) -> onnx.ModelProto:
    return onnx.load_model_from_string(read_model(model))
