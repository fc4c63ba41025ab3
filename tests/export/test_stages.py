"""The nodes before and after the network, against the definitions in NumPy."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.export import by_hand
from tests.export.toys import DATA_PARTS, random_image

from limner.errors import RecipeError
from limner.export.graph import postprocess_graph, preprocess_graph
from limner.imaging.resize import fit_inside
from limner.recipe.schema import DataPart

SIZES = [(64, 48), (100, 231), (20, 300), (300, 20), (17, 31), (1, 1), (1, 90), (700, 1), (200, 266)]


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def seen(graph: onnxruntime.InferenceSession, *images: np.ndarray) -> np.ndarray:
    return graph.run(["pixels_normalised"], {"image": np.stack(images)})[0]


@pytest.mark.parametrize("data", DATA_PARTS.values(), ids=DATA_PARTS.keys())
def test_the_network_sees_what_the_definitions_say(data: DataPart) -> None:
    graph = session(preprocess_graph(data))
    for size in SIZES:
        image = random_image(*size)
        expected = by_hand.seen(image, data)
        found = seen(graph, image)
        assert found.shape == (1, data.in_channels, *data.input_size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found[0], expected, atol=2e-3 if data.normalisation == "none" else 1e-4)


@pytest.mark.parametrize("data", DATA_PARTS.values(), ids=DATA_PARTS.keys())
def test_each_image_of_a_batch_is_seen_as_alone(data: DataPart) -> None:
    graph = session(preprocess_graph(data))
    images = [random_image(40, 70, seed) // divisor for seed, divisor in enumerate([1, 7, 255])]
    batch = seen(graph, *images)
    for image, found in zip(images, batch, strict=True):
        np.testing.assert_allclose(found, seen(graph, image)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", ["rgb", "grey", "green"])
@pytest.mark.parametrize("normalisation", ["minmax", "zscore"])
@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_flat_image_becomes_nought(normalisation: str, channels: str, level: int) -> None:
    graph = session(preprocess_graph(DataPart(input_size=(32, 48), normalisation=normalisation, channels=channels)))
    assert np.abs(seen(graph, np.full((77, 50, 3), level, np.uint8))).max() < 1e-3


@pytest.mark.parametrize("normalisation", ["minmax", "zscore"])
def test_an_image_that_is_almost_flat_is_not_blown_up(normalisation: str) -> None:
    graph = session(preprocess_graph(DataPart(input_size=(32, 32), normalisation=normalisation, channels="grey")))
    image = np.full((32, 32, 3), 100, np.uint8)
    image[3, 5] = 101
    found = seen(graph, image)[0, 0]
    assert found[3, 5] - np.delete(found.ravel(), 3 * 32 + 5).mean() == pytest.approx(1, abs=1e-4)  # one grey level is one, not 32


def test_minmax_reaches_from_nought_to_one_and_zscore_has_mean_nought_and_deviation_one() -> None:
    image = random_image(64, 48) // 3 + 40
    spread = seen(session(preprocess_graph(DataPart(input_size=(64, 48), normalisation="minmax"))), image)
    assert (spread.min(), spread.max()) == (0, 1)
    score = seen(session(preprocess_graph(DataPart(input_size=(64, 48), normalisation="zscore"))), image).astype(float)
    assert (score.mean(), score.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))


@pytest.mark.parametrize("normalisation", ["minmax", "zscore"])
def test_a_large_flat_image_becomes_nought_too(normalisation: str) -> None:
    """Where each of a million float32 is added to their sum, it is wrong by a grey level in the end."""
    graph = session(preprocess_graph(DataPart(input_size=(1024, 1024), normalisation=normalisation)))
    assert np.abs(seen(graph, np.full((1024, 1024, 3), 201, np.uint8))).max() < 2e-3


def test_what_is_not_measured_yet_is_an_error() -> None:
    with pytest.raises(RecipeError, match="no mean and standard deviation yet"):
        preprocess_graph(DataPart(normalisation="measured"))


# Once for all examples: the graph cut down to where the image's size becomes its place.
CANVAS = (48, 80)
FITTING = onnx.shape_inference.infer_shapes(preprocess_graph(DataPart(input_size=CANVAS, keep_aspect=True)))
GEOMETRY = onnx.utils.Extractor(FITTING).extract_model(["image_size"], ["fitted_size", "fitted_corner"])
PLACE = onnxruntime.InferenceSession(GEOMETRY.SerializeToString(), providers=["CPUExecutionProvider"])
sides = st.integers(1, 100_000)


@given(size=st.tuples(sides, sides))
@example((1, 1))
@example((1, 100_000))
@example((100_000, 1))
@example((48, 80))
@example((96, 155))  # 77.5: a half
@example((2 * 48 + 1, 2 * 80 + 1))
def test_the_graph_and_the_training_set_place_images_alike(size: tuple[int, int]) -> None:
    fitted, corner = PLACE.run(None, {"image_size": np.array(size, np.int64)})
    assert (*fitted.tolist(), *corner.tolist()) == fit_inside(size, CANVAS) == by_hand.place(size, CANVAS)


@pytest.mark.parametrize("size", SIZES)
def test_logits_of_the_bars_do_not_count(size: tuple[int, int]) -> None:
    height, width, top, left = by_hand.place(size, (64, 48))
    random = np.random.default_rng(0)
    content = random.normal(0, 3, (2, 1, height, width)).astype(np.float32)
    canvas = random.normal(0, 1000, (2, 1, 64, 48)).astype(np.float32)
    canvas[:, :, top : top + height, left : left + width] = content
    sizes = {"fitted_size": (height, width), "fitted_corner": (top, left), "original_size": size}
    numbers = {name: np.array(value, np.int64) for name, value in sizes.items()}
    probs, mask = session(postprocess_graph(0.4, keep_aspect=True)).run(["probs", "mask"], {"logits_canvas": canvas, **numbers})
    logits = np.stack([by_hand.resize(image.transpose(1, 2, 0).astype(float), size)[..., 0] for image in content])
    np.testing.assert_allclose(probs, 1 / (1 + np.exp(-logits)), atol=5e-5)
    np.testing.assert_array_equal(mask, probs >= np.float32(0.4))
