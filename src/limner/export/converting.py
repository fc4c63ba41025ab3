"""A float32 model file -> the same model in another precision, with what that has cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import onnx
from onnx import shape_inference

from limner.errors import ModelFileError
from limner.export.exporter import library_versions, write_model
from limner.export.float16 import halve
from limner.export.images import load_measured, own_images, require_calibration
from limner.export.judging import Judge
from limner.export.quantising import MOST_LOST, quantised
from limner.progress import show_progress
from limner.runtime.format import ModelMetadata, parse_metadata, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data import Dataset
    from limner.export.images import OwnImages
    from limner.export.parity import Parity

Precision: TypeAlias = Literal["float32", "float16", "int8"]


def convert_model(source: Path, out: Path, precision: Precision, dataset: Dataset | None, *, progress: bool = True) -> Path:
    """Write a model file in another precision. Threshold, temperature and everything around the network stay as they are.

    Args:
        source: The file in float32.
        out: Of the `.onnx` file, which is written whole or not at all.
        precision: Of the network; float16 or int8.
        dataset: Where the images that the model was made of are; float16 can do without them, and is not measured then.
        progress: Show bars.

    Returns:
        The path.

    Raises:
        DataError: Too few of its images are there, or one cannot be read.
        ModelFileError: The file is damaged or not in float32; or too much would be lost.
    """
    encoded = read_model(source)
    metadata = parse_metadata(encoded, where=source)
    if metadata.precision != "float32":
        what = f"the file is in {metadata.precision} already; another precision is made of float32"
        raise ModelFileError(what, where=source, fix="give the run folder, or the float32 file that it was made of")
    model = shape_inference.infer_shapes(onnx.load_model_from_string(encoded), data_prop=True)  # an ensemble's file does not hold them
    images = None if dataset is None else own_images(metadata, dataset)
    if precision == "int8" and images is not None and dataset is not None:
        require_calibration(images, metadata, dataset)
    judge = _judge(model, metadata, images, progress=progress) if images is not None and images.measured else None
    graph, parity, facts = _converted(model, metadata, precision, images, judge, progress=progress)
    return write_model(graph, _told(metadata, precision, parity, facts), out)


def _judge(model: onnx.ModelProto, metadata: ModelMetadata, images: OwnImages, *, progress: bool) -> Judge:
    samples = load_measured(images, metadata)
    with show_progress("predicting in float32", enabled=progress) as tick:
        return Judge(model, metadata, samples, tick)


def _converted(
    model: onnx.ModelProto, metadata: ModelMetadata, precision: str, images: OwnImages | None, judge: Judge | None, *, progress: bool
) -> tuple[onnx.ModelProto, Parity | None, dict[str, Any] | None]:
    if precision == "int8":
        if images is None or judge is None:
            raise ValueError("int8 is calibrated on images")
        return quantised(model, metadata, images, judge, progress=progress)
    graph = halve(model)
    if judge is None:
        return graph, None, None
    with show_progress("measuring float16", enabled=progress) as tick:
        parity = judge.parity(graph, tick)
    if (parity.dice_lost or 0.0) > MOST_LOST:
        what = f"in float16 the model loses {parity.dice_lost:.2f} points of Dice on {len(judge)} images; at most {MOST_LOST} may be lost"
        raise ModelFileError(what, fix="nothing was written; export it in float32")
    return graph, parity, None


def _told(metadata: ModelMetadata, precision: str, parity: Parity | None, facts: dict[str, Any] | None) -> ModelMetadata:
    """What the new file says of itself. The scores are those of the float32 model, and say so."""
    own = {
        "precision": precision,
        "quantisation": facts,
        "parity": None if parity is None else parity.model_dump(),
        "metrics": [{**score, "precision": "float32"} for score in metadata.metrics],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": metadata.versions | library_versions(),
    }
    return metadata.model_copy(update=own)
