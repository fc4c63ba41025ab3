"""Which models are at hand: those that come with the package, and those of runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from limner.errors import ModelFileError
from limner.runtime.format import peek_metadata, read_metadata
from limner.runtime.model_file import find_model
from limner.runtime.shipped import shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from limner.runtime import ModelMetadata

Facts = dict[str, Any]
_UNSEEN = ("test", "out-of-fold")


def list_models() -> list[Facts]:
    """Facts of each shipped model."""
    return [_facts(model.name, model.path, model.metadata) for model in shipped_models()]


def list_runs(folder: Path) -> list[Facts]:
    """Facts of the model of each run folder in `folder`; runs without a model are left out.

    Only what the files say is read. Whether they are undamaged is told when one of them is used.
    """
    found = []
    for path in sorted(folder.glob("*/model.onnx")):
        try:
            found.append(_facts(str(path.parent), path, peek_metadata(path)))
        except ModelFileError:
            continue
    return found


def describe_model(path: Path) -> Facts:
    """Facts of a model file.

    Raises:
        ModelFileError: It is missing, damaged, or not limner's.
    """
    return _facts(str(path), path, read_metadata(path))


def full_metadata(model: str | Path) -> Facts:
    """All that a model's file says about itself, as JSON values.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.

    Raises:
        ModelFileError: There is no such model, or its file is damaged.
    """
    found: Facts = json.loads(read_metadata(find_model(model)).model_dump_json())
    return found


def _facts(model: str, path: Path, metadata: ModelMetadata) -> Facts:
    """What is shown of a model: how it is given as MODEL, and what its file says."""
    parity = metadata.parity or {}
    return {
        "model": model,
        "name": metadata.name,
        "task": metadata.task,
        "dice_per_image": _score(metadata, "dice"),
        "iou_per_image": _score(metadata, "iou"),
        "threshold": metadata.threshold,
        "threshold_origin": metadata.threshold_origin,
        "input_size": list(metadata.input_size),
        "sampling": metadata.sampling,
        "precision": metadata.precision,
        "parameters": metadata.parameters,
        "gflops": metadata.gflops,
        "created": metadata.created,
        "megabytes": round(path.stat().st_size / 1e6, 3),
        "training_data": metadata.training_data.get("name"),
        "quantisation": metadata.quantisation,
        "parity_images": parity.get("n"),
        "parity_reference": parity.get("reference", "what it was made of"),
        "mean_prob_difference": parity.get("mean_prob_difference"),
        "dice_lost": parity.get("dice_lost"),
        "dice_n": parity.get("dice_n"),
        "max_prob_difference": parity.get("max_prob_difference"),
        "mask_agreement": parity.get("mask_agreement"),
    }


def _score(metadata: ModelMetadata, name: str) -> float | None:
    """The model's own score on its test part, or of its folds on theirs, per image; None when the file does not say."""
    for score in metadata.metrics:
        if (score.get("name"), score.get("convention")) == (name, "per-image") and score.get("part") in _UNSEEN:
            return score.get("value")
    return None
