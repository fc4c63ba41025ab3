"""The field half's core: open a model file and predict with it. Needs ONNX Runtime, never PyTorch or the `onnx` package."""

from limner.runtime.model_file import ModelFile, ModelMetadata, open_model
from limner.runtime.predictor import Predictor, load
from limner.runtime.providers import available_providers
from limner.runtime.shipped import ShippedModel, shipped_models

__all__ = ["ModelFile", "ModelMetadata", "Predictor", "ShippedModel", "available_providers", "load", "open_model", "shipped_models"]
