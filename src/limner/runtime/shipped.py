"""Models that come with the package, by name: the `.onnx` files in its folder `shipped_models`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from limner.runtime.format import ModelMetadata, read_metadata

_FOLDER = Path(__file__).parents[1] / "shipped_models"


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model that comes with the package."""

    name: str
    path: Path
    metadata: ModelMetadata


def shipped_names() -> list[str]:
    """Names of the shipped models, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def shipped_path(name: str) -> Path:
    """Where the shipped model of this name lies."""
    return _FOLDER / f"{name}.onnx"


def shipped_models() -> list[ShippedModel]:
    """All shipped models with what they say about themselves, by name.

    Raises:
        ModelFileError: One of them is damaged.
    """
    return [ShippedModel(name, shipped_path(name), read_metadata(shipped_path(name))) for name in shipped_names()]
