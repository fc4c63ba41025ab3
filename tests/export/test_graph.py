from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.export.toys import NORMALISATIONS, random_image
from torch.nn import functional

from limner.export.graph import constant, postprocess_graph, preprocess_graph
from limner.imaging import resize_image
from limner.recipe.schema import DataPart

# Downscaling, upscaling, both at once, odd and tiny sides: borders are where antialiased resizings differ.
SIZES = [(64, 48), (200, 333), (20, 300), (300, 20), (17, 31), (8, 8), (1, 1), (1, 90), (480, 640)]


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


@pytest.mark.parametrize("size", SIZES)
def test_the_resizing_is_that_of_pytorch(size: tuple[int, int]) -> None:
    image = random_image(*size)
    original_size, pixels = run(preprocess_graph(DataPart(input_size=(64, 48), normalisation="none")), image=image[None])
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    expected = functional.interpolate(batch, (64, 48), mode="bilinear", antialias=True, align_corners=False).numpy()
    assert np.abs(pixels - expected).max() < 2e-3  # of 255
    assert original_size.tolist() == list(size)


@pytest.mark.parametrize("size", SIZES)
def test_the_resizing_is_that_of_the_training_images_up_to_rounding(size: tuple[int, int]) -> None:
    image = random_image(*size)
    _, pixels = run(preprocess_graph(DataPart(input_size=(64, 48), normalisation="none")), image=image[None])
    expected = resize_image(image, (64, 48)).transpose(2, 0, 1).astype(np.float32)
    assert np.abs(pixels[0] - expected).max() < 1.01  # Pillow rounds twice, once per axis


@pytest.mark.parametrize(
    ("normalisation", "black", "white"),
    [("none", 0, 255), ("unit", 0, 1), ("half", -1, 1), ("imagenet", (0 - 0.485) / 0.229, (1 - 0.485) / 0.229)],
)
def test_normalisations_map_black_and_white(normalisation: str, black: float, white: float) -> None:
    image = np.concatenate([np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)])
    _, pixels = run(preprocess_graph(DataPart(input_size=(32, 16), normalisation=normalisation)), image=image[None])
    np.testing.assert_allclose(pixels[0, 0, [0, -1], 0], [black, white], rtol=1e-6)


def test_every_normalisation_of_a_recipe_is_tried() -> None:
    assert DataPart.model_fields["normalisation"].annotation.__args__ == NORMALISATIONS  # type: ignore[union-attr]


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_brought_to_the_size_of_the_image(size: tuple[int, int]) -> None:
    logits = np.random.default_rng(0).normal(0, 3, (2, 1, 64, 48)).astype(np.float32)
    model = postprocess_graph(0.5)
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_value = 2
    probs, mask = run(model, logits=logits, original_size=np.array(size, np.int64))
    resized = functional.interpolate(torch.from_numpy(logits), size, mode="bilinear", antialias=True, align_corners=False)
    np.testing.assert_allclose(probs, torch.sigmoid(resized)[:, 0].numpy(), atol=5e-5)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, probs >= np.float32(0.5))


def test_a_probability_that_equals_the_threshold_is_foreground() -> None:
    _, mask = run(postprocess_graph(0.5), logits=np.zeros((1, 1, 4, 4), np.float32), original_size=np.array([4, 4], np.int64))
    assert mask.all()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_logits_are_divided_by_the_temperature(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 6, (1, 1, 30, 40)).astype(np.float32)
    inputs = {"logits": logits, "original_size": np.array([30, 40], np.int64)}
    probs, mask = run(postprocess_graph(0.3, temperature=temperature), **inputs)
    np.testing.assert_allclose(probs, 1 / (1 + np.exp(-logits[:, 0].astype(float) / temperature)), atol=1e-6)
    assert np.array_equal(mask, probs >= np.float32(0.3))


@pytest.mark.parametrize("temperature", [0.3, 2.5])
def test_a_temperature_changes_no_mask_when_the_threshold_moves_along(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 6, (1, 1, 64, 48)).astype(np.float32)
    inputs = {"logits": logits, "original_size": np.array([50, 70], np.int64)}
    _, calibrated = run(postprocess_graph(0.3, temperature=temperature), **inputs)
    moved = 1 / (1 + np.exp(-temperature * np.log(0.3 / 0.7)))
    _, plain = run(postprocess_graph(moved), **inputs)
    assert 0.1 < calibrated.mean() < 0.9
    assert (calibrated != plain).sum() <= 1  # on the very threshold float32 may round either way


def test_at_the_temperature_of_1_nothing_changes_at_all() -> None:
    logits = np.random.default_rng(0).normal(0, 6, (1, 1, 20, 20)).astype(np.float32)
    probs, _ = run(postprocess_graph(0.5), logits=logits, original_size=np.array([20, 20], np.int64))
    assert np.abs(probs[0] - torch.sigmoid(torch.from_numpy(logits))[0, 0].numpy()).max() < 2e-7


def test_no_probability_is_above_1() -> None:
    """ONNX Runtime's own sigmoid of some of these is."""
    logits = np.linspace(-40, 40, 2**20, dtype=np.float32).reshape(1, 1, 1024, 1024)
    probs, _ = run(postprocess_graph(0.5), logits=logits, original_size=np.array([1024, 1024], np.int64))
    assert (probs.min(), probs.max()) == (0, 1)


def test_setting_a_constant_replaces_it() -> None:
    model = postprocess_graph(0.5)
    constant("threshold", np.array(0.75, np.float32), model)
    assert {tensor.name: onnx.numpy_helper.to_array(tensor).item() for tensor in model.graph.initializer} == {
        "temperature": 1.0,
        "threshold": 0.75,
    }
