from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from tests.export.toys import THRESHOLD, random_image

from limner.errors import DataError
from limner.imaging import write_image
from limner.runtime import Predictor, load
from limner.runtime.members import Member
from limner.runtime.model_file import ModelFile, read_metadata
from limner.types import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from limner.runtime.engine import Engine


@pytest.fixture(scope="module")
def predictor(toy_model: Path) -> Predictor:
    return load(toy_model)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (31, 47), (32, 48), (5, 400), (400, 5), (2000, 1500)])
def test_a_prediction_has_the_size_of_its_image(predictor: Predictor, size: tuple[int, int]) -> None:
    prediction = predictor.predict(random_image(*size))
    assert prediction.probs.shape == prediction.mask.shape == size
    assert (prediction.probs.dtype, prediction.mask.dtype) == (np.float32, np.bool_)
    assert prediction.probs.min() >= 0
    assert prediction.probs.max() <= 1


def test_a_rounding_step_above_1_is_1(toy_model: Path) -> None:
    """ONNX Runtime's sigmoid takes it now and then, in files of an older limner."""
    above = np.nextafter(np.ones((1, 8, 8), np.float32), np.float32(2))
    engine = cast("Engine", SimpleNamespace(name="cpu", run=lambda _: above))
    old = Predictor([Member(ModelFile(toy_model, engine, read_metadata(toy_model)), None, (0, 0))])
    assert old.predict(random_image(8, 8)).probs.max() == 1


def test_the_mask_is_where_the_probability_reaches_the_threshold(predictor: Predictor) -> None:
    prediction = predictor.predict(random_image(100, 130))
    assert prediction.threshold == predictor.threshold == THRESHOLD
    assert np.array_equal(prediction.mask, prediction.probs >= np.float32(THRESHOLD))
    assert np.array_equal(prediction.mask, prediction.probs >= prediction.threshold)  # NumPy compares in float32 too
    assert 0 < prediction.foreground_share < 1


def test_a_sample_is_predicted_from_its_image_alone(predictor: Predictor) -> None:
    image = random_image(20, 30)
    found = [predictor.predict_sample(Sample("a", image, mask)) for mask in (np.zeros((20, 30), bool), np.ones((20, 30), bool))]
    assert all(np.array_equal(one.probs, predictor.predict(image).probs) for one in found)
    assert predictor.has_probs


def test_a_list_of_mixed_sizes_keeps_its_order(predictor: Predictor) -> None:
    sizes = [(20, 30), (40, 30), (20, 30), (7, 9), *[(20, 30)] * 9, (40, 30)]
    images = [random_image(*size, seed) for seed, size in enumerate(sizes)]
    predictions = predictor.predict(images)
    assert [prediction.mask.shape for prediction in predictions] == sizes
    for image, prediction in zip(images, predictions, strict=True):
        np.testing.assert_allclose(prediction.probs, predictor.predict(image).probs, atol=1e-6)


def test_lists_of_one_and_of_none(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert len(predictor.predict((random_image(5, 5),))) == 1


def test_a_stream_takes_a_few_images_at_a_time(predictor: Predictor) -> None:
    taken = []

    def images() -> object:
        for seed in range(100):
            taken.append(seed)
            yield random_image(4, 4, seed)

    next(predictor.stream(images()))
    assert len(taken) <= 8


def test_a_path_is_read(predictor: Predictor, tmp_path: Path) -> None:
    image = random_image(30, 20)
    write_image(tmp_path / "image.png", image)
    expected = predictor.predict(image)
    for path in (tmp_path / "image.png", str(tmp_path / "image.png")):
        assert np.array_equal(predictor.predict(path).probs, expected.probs)
    assert np.array_equal(predictor.predict([tmp_path / "image.png", image])[0].probs, predictor.predict([image, image])[0].probs)


def test_views_of_any_layout_are_images(predictor: Predictor) -> None:
    image = random_image(30, 20)
    assert np.array_equal(predictor.predict(image[::-1, ::2]).probs, predictor.predict(np.ascontiguousarray(image[::-1, ::2])).probs)
    image.flags.writeable = False
    predictor.predict(image)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (np.zeros((4, 4), np.uint8), "repeat the grey channel"),
        (np.zeros((4, 4, 1), np.uint8), "three channels"),
        (np.zeros((4, 4, 4), np.uint8), "keep the three colour channels"),
        (np.zeros((3, 4, 5), np.uint8), "channels last"),
        (np.zeros((2, 4, 4, 3), np.uint8), "as a list"),
        (np.zeros((4, 4, 3), np.float32), "astype"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
        (np.zeros((), np.uint8), "three channels"),
        (None, "NumPy array"),
        (b"bytes", "NumPy array"),
    ],
)
def test_what_is_no_image_is_refused_with_advice(predictor: Predictor, wrong: object, advice: str) -> None:
    for given in (wrong, [random_image(4, 4), wrong]):
        with pytest.raises(DataError) as caught:
            predictor.predict(given)  # type: ignore[call-overload]
        assert advice in str(caught.value.fix)


def test_a_missing_image_is_named(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        predictor.predict(tmp_path / "missing.png")
    assert caught.value.where == str(tmp_path / "missing.png")


@pytest.mark.parametrize("options", [{}, {"views": ["flips", "scales"]}, {"provider": "openvino"}], ids=["plain", "views", "openvino"])
def test_many_threads_get_the_answers_of_one(toy_model: Path, options: dict[str, Any]) -> None:
    if "provider" in options:
        pytest.importorskip("openvino")
    predictor = load(toy_model, **options)
    images = [random_image(20 + seed % 5, 30, seed) for seed in range(40)]
    expected = [predictor.predict(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            for got, want in zip(pool.map(predictor.predict, images), expected, strict=True):
                np.testing.assert_allclose(got.probs, want.probs, atol=1e-6)
                assert np.array_equal(got.mask, want.mask)
