"""What the two clocks count, by a clock that can be foretold."""

import numpy as np
import pytest
from PIL import Image

from limner.data import open_source
from limner.errors import DataError
from limner.imaging import read_image
from limner.runtime import load
from limner.runtime.format import ModelMetadata
from limner.timing.clocks import LEAST, as_seen, time_files, time_network


class Clock:
    """Stands still but where somebody works."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Slow:
    """Takes a second for each image, as one or as several, and remembers what it was given."""

    def __init__(self, clock):
        self.clock, self.given = clock, []

    def predict(self, image):
        self.given.append(image)
        self.clock.now += len(image) if isinstance(image, list) else 1


def metadata(**facts):
    known = {"name": "toy", "task": "polyp", "input_size": (64, 96), "created": "2026-01-01T00:00:00+00:00"}
    return ModelMetadata(**known | facts)


def pictures_of(count):
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def test_the_network_clock_takes_images_one_at_a_time_and_again_from_the_first():
    clock = Clock()
    model = Slow(clock)
    assert time_network(model, pictures_of(3), seconds=5, timer=clock) == [1.0] * 5
    assert [image[0, 0, 0] for image in model.given] == [0, 1, 2, 0, 1]


def test_a_batch_is_given_as_a_list_and_timed_as_one():
    clock = Clock()
    model = Slow(clock)
    assert time_network(model, pictures_of(3), seconds=7, batch=4, timer=clock) == [4.0, 4.0]
    assert [[image[0, 0, 0] for image in batch] for batch in model.given] == [[0, 1, 2, 0], [1, 2, 0, 1]]


def test_however_slow_the_model_there_are_some_predictions():
    clock = Clock()
    assert len(time_network(Slow(clock), pictures_of(1), seconds=0.001, timer=clock)) == LEAST


def test_images_come_to_the_network_clock_at_the_size_that_the_network_sees():
    image = np.zeros((300, 400, 3), np.uint8)
    assert as_seen(image, metadata()).shape == (64, 96, 3)
    assert as_seen(image, metadata(recipe={"data": {"keep_aspect": True}})).shape == (64, 85, 3)
    assert as_seen(image, metadata(sampling="patches")) is image


def test_the_file_clock_writes_what_the_predictor_predicts(toy_model, pictures, tmp_path):
    files = [item.image for item in open_source(pictures, masks=False).items]
    time_files(load(toy_model), files, tmp_path, count=7)
    masks = sorted((tmp_path / "masks").iterdir())
    assert len(masks) == 7
    assert not (tmp_path / "overlays").exists()
    for mask, file in zip(masks, [*files, *files[:2]], strict=True):
        expected = load(toy_model).predict(read_image(file.read(), name=file.name)).mask
        with Image.open(mask) as written:
            assert np.array_equal(np.asarray(written) == 255, expected)
        assert 0 < expected.mean() < 1


def test_the_file_clock_tells_the_time_of_all_images_together(toy_model, pictures, tmp_path):
    files = [item.image for item in open_source(pictures, masks=False).items]
    readings = iter([5.0, 12.5])
    assert time_files(load(toy_model), files, tmp_path, count=3, timer=lambda: next(readings)) == 7.5


def test_an_image_that_cannot_be_predicted_is_an_error(toy_model, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    files = [item.image for item in open_source(tmp_path / "in", masks=False).items]
    with pytest.raises(DataError, match="cannot be predicted"):
        time_files(load(toy_model), files, tmp_path / "out", count=1)
