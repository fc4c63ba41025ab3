import numpy as np
import pytest
from tests.data.folders import image_bytes, write_folder

from limner.data.phantoms import phantom
from limner.errors import DataError
from limner.imaging import read_image
from limner.runtime.format import ModelMetadata
from limner.timing.images import PHANTOMS, phantom_size, prepare_images


def metadata(**facts):
    known = {"name": "toy", "task": "polyp", "input_size": (64, 96), "created": "2026-01-01T00:00:00+00:00"}
    return ModelMetadata(**known | facts)


def read_all(folder):
    return [read_image(path.read_bytes(), name=path.name) for path in sorted(folder.iterdir())]


def test_phantoms_are_larger_than_what_the_network_sees(tmp_path):
    told = prepare_images(tmp_path, None, metadata())
    assert [image.shape for image in read_all(tmp_path)] == [(96, 144, 3)] * PHANTOMS
    assert (told.count, told.sizes, told.origin) == (PHANTOMS, ((96, 144),), "phantoms (polyp, JPEG)")
    assert phantom_size(metadata(sampling="patches")) == (256, 384)
    assert phantom_size(metadata(input_size=(16, 16))) == (32, 32)


def test_phantoms_are_of_the_models_task_and_of_the_size_asked_for(tmp_path):
    prepare_images(tmp_path, None, metadata(task="nucleus"), size=(40, 50))
    drawn, expected = read_all(tmp_path)[1].astype(int), phantom("nuclei", 1, (40, 50)).image.astype(int)
    assert np.abs(drawn - expected).mean() < 5  # but for JPEG


def test_images_are_copied_as_they_are(pictures, tmp_path):
    told = prepare_images(tmp_path, pictures, metadata())
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [path.read_bytes() for path in sorted(pictures.iterdir())]
    assert told.count == 5
    assert told.sizes == ((30, 20), (40, 50), (64, 48))
    assert told.sizes_told == "30x20 to 64x48"


def test_of_many_images_some_are_taken_evenly_spaced(tmp_path):
    source = write_folder(tmp_path / "in", {f"{n:02d}.png": image_bytes(n) for n in range(10)})
    (tmp_path / "out").mkdir()
    told = prepare_images(tmp_path / "out", source, metadata(), most=4)
    taken = [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())]
    assert taken == [image_bytes(n) for n in (0, 2, 5, 7)]
    assert told.origin == "of the 10 images of in, evenly spaced"


def test_images_are_brought_to_a_size(pictures, tmp_path):
    assert prepare_images(tmp_path, pictures, metadata(), size=(24, 36)).sizes == ((24, 36),)
    assert {image.shape for image in read_all(tmp_path)} == {(24, 36, 3)}


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    source = write_folder(tmp_path / "in", {"a.png": image_bytes(1), "b.png": b"\x89PNG\r\n\x1a\n and no more"})
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError) as caught:
        prepare_images(tmp_path / "out", source, metadata())
    assert "b.png" in caught.value.where


def test_a_folder_without_images_is_an_error(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="image"):
        prepare_images(tmp_path, tmp_path / "in", metadata())
